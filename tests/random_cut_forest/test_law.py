"""Trees and samples have the laws of their definitions, however they came about."""

import numpy as np
import pytest
from scipy.stats import kstest

from algos._common.random import seed_key
from algos.random_cut_forest.forest import ROOT, SAMPLED, Forest
from algos.random_cut_forest.growth import grow
from algos.random_cut_forest.joining import joined
from algos.random_cut_forest.reservoir import draw
from algos.random_cut_forest.scores import METHODS, score
from algos.random_cut_forest.stream import forget, learn
from tests.random_cut_forest.exact_law import (
    fits,
    sample_law,
    sampled_values,
    shape_law,
    shapes_of,
)
from tests.random_cut_forest.plain_tree import as_forest, plain_tree

N_TREES = 8000
ALWAYS = 60.0  # a decay at which every row is taken

FOUR = np.array([[0, 0], [1, 3], [4, 1], [6, 2]], dtype=np.float32)
FIVE = np.array([[0, 0, 1], [1, 3, 1], [4, 1, 1], [6, 2, 1], [6, -2, 1]], dtype=np.float32)
COPIES = np.array([[0, 0], [1, 3], [4, 1], [1, 3], [4, 1]], dtype=np.float32)
FAR = FOUR * 1e-3 + 1000  # a float32 apart from the next by 6e-5
SETS = pytest.mark.parametrize("X", [FOUR, FIVE, COPIES, FAR], ids=["4", "5", "copies", "far"])


def empty(size, n_columns, seed=0, n_trees=N_TREES):
    return Forest.empty(seed_key(seed), n_trees, size, n_columns)


def learned(forest, rows, decay=0.0):
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    learn(forest, rows, len(rows), rows.shape[1], decay)
    return forest


def grown(X, size, seed=0, decay=0.0, n_trees=N_TREES):
    forest = empty(size, X.shape[1], seed, n_trees)
    grow(forest, X, *draw(forest, len(X), decay))
    return forest


@SETS
def test_plain_trees_are_random_cut_trees(X):
    rng = np.random.default_rng(0)
    trees = as_forest([plain_tree(X, rng) for _ in range(1500)], len(X))
    assert fits(shapes_of(trees, X), shape_law(X))


@SETS
def test_grown_trees_are_random_cut_trees(X):
    assert fits(shapes_of(grown(X, len(X)), X), shape_law(X))


@SETS
@pytest.mark.parametrize("seed", range(3))
def test_trees_after_insertion_are_as_if_grown(X, seed):
    order = np.random.default_rng(seed).permutation(len(X))
    forest = learned(empty(len(X), X.shape[1], seed), X[order])
    assert fits(shapes_of(forest, X), shape_law(X))


@SETS
@pytest.mark.parametrize("seed", range(3))
def test_trees_after_deletion_are_as_if_grown(X, seed):
    extra = np.array([[2, -1, 3], [5, 9, 0], [-3, 2, 1]], dtype=np.float32)[:, : X.shape[1]]
    extra = extra * (X.max() / 6) if X is not FAR else extra * 1e-3 + 1000
    rows = np.random.default_rng(seed).permutation(np.concatenate([X, extra]))
    forest = learned(empty(len(rows), X.shape[1], seed), rows)
    for row in extra:
        assert forget(forest, row) == N_TREES
    assert fits(shapes_of(forest, X), shape_law(X))


@SETS
def test_trees_whose_rows_are_replaced_are_as_if_grown(X):
    before = np.random.default_rng(0).permutation(np.concatenate([X + 1, X * 2, X]))
    rows = np.concatenate([before, X])
    forest = learned(empty(len(X), X.shape[1]), rows, ALWAYS)
    assert fits(shapes_of(forest, X), shape_law(X))


def test_grown_trees_changed_by_a_stream_are_as_if_grown():
    forest = learned(grown(FOUR + 1, 4), np.concatenate([FOUR * 2, FOUR]), ALWAYS)
    assert fits(shapes_of(forest, FOUR), shape_law(FOUR))


@pytest.mark.parametrize("method", METHODS)
def test_scores_of_grown_and_of_learned_trees_agree(method):
    X = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    rows = np.ascontiguousarray(X[:20] * np.linspace(0.1, 3, 20, dtype=np.float32)[:, np.newaxis])
    forests = [grown(X, 64, n_trees=20, seed=seed) for seed in range(60)]
    forests += [learned(empty(64, 4, seed + 100, 20), X) for seed in range(60)]
    scores = np.array([score(forest, rows, 20, 4, method, 1) for forest in forests])
    scores = scores.reshape(2, 60, 20)
    error = np.sqrt((scores.var(axis=1, ddof=1) / 60).sum(axis=0))
    assert (np.abs(np.diff(scores.mean(axis=1), axis=0)) < 4 * error).all()


@pytest.mark.parametrize("streamed", [False, True], ids=["grown", "learned"])
def test_first_cut_is_uniform_over_the_sides(streamed):
    X = np.array([[0, 0, 5], [1, 6, 5], [3, 2, 5]], dtype=np.float32)
    forest = learned(empty(3, 3), X) if streamed else grown(X, 3)
    root = forest.nodes[np.arange(N_TREES), forest.heads[:, ROOT]]
    cut = root[:, 0].copy().view(np.float32)
    assert fits(root[:, 1].tolist(), {0: 3 / 9, 1: 6 / 9})
    assert kstest(cut[root[:, 1] == 0] / 3, "uniform").pvalue > 1e-3
    assert kstest(cut[root[:, 1] == 1] / 6, "uniform").pvalue > 1e-3


def test_a_cut_separates_neighbouring_floats_as_often_as_they_are_apart():
    X = np.array([[1.0], [np.nextafter(np.float32(1), np.float32(2))], [1.0]], dtype=np.float32)
    X[2] = np.nextafter(np.nextafter(X[1], np.float32(2)), np.float32(2))
    for forest in (grown(X, 3), learned(empty(3, 1), X), learned(empty(3, 1), X[::-1])):
        assert fits(shapes_of(forest, X), shape_law(X))


# Samples. Row i of a stream is the number i.


def numbers(first, last):
    return np.arange(first, last, dtype=np.float32)[:, np.newaxis]


def samples_of(forest):
    return [frozenset(int(value) for value in values) for values in sampled_values(forest)]


DECAYS = pytest.mark.parametrize("decay", [0.0, 0.05, 0.4, 2.0])


def weights(n, decay):
    return np.exp(decay * np.arange(n))


@DECAYS
@pytest.mark.parametrize("n_rows, size", [(7, 3), (5, 4), (9, 2), (6, 1)])
def test_drawn_samples_have_the_law_of_their_weights(n_rows, size, decay):
    forest = grown(numbers(0, n_rows), size, decay=decay)
    assert fits(samples_of(forest), sample_law(weights(n_rows, decay), size))


@DECAYS
@pytest.mark.parametrize("block", [1, 3, 9])
def test_reservoirs_have_the_law_of_their_weights(decay, block):
    forest = empty(3, 1)
    for start in range(0, 9, block):
        learned(forest, numbers(start, min(start + block, 9)), decay)
    assert fits(samples_of(forest), sample_law(weights(9, decay), 3))


@DECAYS
def test_reservoirs_go_on_from_drawn_samples(decay):
    forest = learned(grown(numbers(0, 5), 3, decay=decay), numbers(5, 9), decay)
    assert fits(samples_of(forest), sample_law(weights(9, decay), 3))


@pytest.mark.parametrize("before, after", [(0.0, 0.5), (0.5, 0.0), (0.2, 1.0)])
def test_decay_may_change_in_mid_stream(before, after):
    forest = learned(grown(numbers(0, 5), 3, decay=before), numbers(5, 9), after)
    logs = np.append(before * (np.arange(5) - 5), after * np.arange(4))
    assert fits(samples_of(forest), sample_law(np.exp(logs), 3))


def test_samples_without_a_forgotten_row_are_those_of_the_others():
    forest = learned(empty(3, 1), numbers(0, 6))
    held = forget(forest, np.float32([2]))
    samples = {2: [], 3: []}
    for sample in samples_of(forest):
        samples[len(sample)].append(frozenset(row - (row > 2) for row in sample))
    assert len(samples[2]) == held
    for size in (2, 3):
        assert fits(samples[size], sample_law(np.ones(5), size))
    learned(forest, numbers(6, 60))
    assert (forest.clock[:, SAMPLED] == 3).mean() > 0.9


def test_drawn_and_streamed_samples_agree_over_many_rows():
    size, n_rows, decay = 16, 3000, 1 / 160
    drawn = grown(numbers(0, n_rows), size, decay=decay, n_trees=500)
    streamed = learned(empty(size, 1, 1, 500), numbers(0, n_rows), decay)
    ages = [n_rows - np.concatenate(sampled_values(forest)) for forest in (drawn, streamed)]
    assert kstest(*ages).pvalue > 1e-3
    # Of a long stream each row's rate, exp(key + decay row), sums to the size.
    assert abs(ages[1].mean() - ages[0].mean()) < 5


def test_rows_are_taken_as_often_as_the_law_says():
    forest, size, n_rows = empty(8, 1, n_trees=2000), 8, 500
    learned(forest, numbers(0, n_rows))
    counts = np.bincount(np.concatenate(sampled_values(forest)).astype(int), minlength=n_rows)
    expected = 2000 * size / n_rows
    assert ((counts - expected) ** 2 / expected).sum() < n_rows + 4 * np.sqrt(2 * n_rows)


@pytest.mark.parametrize("n_rows", [(5, 4), (2, 7), (6, 1)])
def test_joined_samples_are_those_of_all_rows(n_rows):
    a, b = n_rows
    forest = joined(grown(numbers(0, a), 3), grown(numbers(a, a + b), 3, seed=1))
    assert fits(samples_of(forest), sample_law(np.ones(a + b), 3))
    learned(forest, numbers(a + b, a + b + 2))
    assert fits(samples_of(forest), sample_law(np.ones(a + b + 2), 3))


def test_joined_streams_weigh_rows_by_their_age():
    streams = [learned(empty(3, 1, s), numbers(5 * s, 5 * s + 5), 0.5) for s in range(2)]
    law = sample_law(np.tile(np.exp(0.5 * np.arange(5)), 2), 3)
    assert fits(samples_of(joined(*streams)), law)


def test_joined_trees_are_as_if_grown():
    forest = joined(learned(empty(5, 3), FIVE[:2]), learned(empty(5, 3, 1), FIVE[2:]))
    assert fits(shapes_of(forest, FIVE), shape_law(FIVE))


@DECAYS
def test_disjoint_samples_share_no_row(decay):
    forest = Forest.empty(seed_key(0), 10, 8, 1)
    chosen, keys = draw(forest, 100, decay, disjoint=True)
    assert chosen.shape == keys.shape == (10, 8)
    assert len(np.unique(chosen)) == 80
    chosen, _ = draw(Forest.empty(seed_key(0), 10, 8, 1), 33, decay, disjoint=True)
    assert chosen.shape == (10, 3)


def test_disjoint_samples_are_uniform_each():
    samples = []
    for seed in range(3000):
        forest = Forest.empty(seed_key(seed), 2, 2, 1)
        samples += [frozenset(rows) for rows in draw(forest, 5, disjoint=True)[0].tolist()[:1]]
    assert fits(samples, sample_law(np.ones(5), 2))
