"""The kernels that grow and change random cut trees: structure, and the same bits always."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._common.random import seed_key
from algos._cython.cut_scale import scale_rows
from algos._cython.cut_stream import SingleRows
from algos.random_cut_forest import growth
from algos.random_cut_forest.forest import NEXT, SAMPLED, SEEN, Forest
from algos.random_cut_forest.growth import forest_bytes, grow
from algos.random_cut_forest.joining import joined
from algos.random_cut_forest.reservoir import draw
from algos.random_cut_forest.scores import METHODS, score
from algos.random_cut_forest.stream import forget, learn
from algos.random_cut_forest.threshold import grading_of
from tests.random_cut_forest.exact_law import points_of, sampled_values
from tests.random_cut_forest.integrity import check_forest


def empty(n_trees, size, n_columns, seed=0):
    return Forest.empty(seed_key(seed), n_trees, size, n_columns)


def grown(X, n_trees, size, seed=0, decay=0.0, n_threads=1):
    forest = empty(n_trees, size, X.shape[1], seed)
    grow(forest, X, *draw(forest, len(X), decay, n_threads=n_threads), n_threads)
    return forest


def learned(forest, X, decay=0.0, method=None, n_threads=1, first_scored=0):
    return learn(forest, X, len(X), X.shape[1], decay, n_threads, method, first_scored)


def assert_same(forest, other):
    for name, value in vars(forest).items():
        assert np.array_equal(value, getattr(other, name)), name


def rows(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


KINDS = {
    "normal": lambda n, d: rows(n, d),
    "coarse": lambda n, d: np.round(rows(n, d)),
    "all equal": lambda n, d: np.ones((n, d), dtype=np.float32),
    "huge": lambda n, d: rows(n, d) * np.float32(1e17),
    "denormal": lambda n, d: np.float32(np.round(rows(n, d) * 4)) * np.float32(1e-45),
    "next floats": lambda n, d: np.float32(1) + np.float32(2.0**-23) * np.round(rows(n, d) * 3),
    "signed zeros": lambda n, d: np.float32(-0.0) * rows(n, d),
    "sorted": lambda n, d: np.sort(np.exp(rows(n, d) * 8), axis=0),
    "one column": lambda n, d: np.where(np.arange(d) == d - 1, rows(n, d), np.float32(3)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size, d", [(1, 2), (2, 1), (16, 3), (64, 10), (256, 33)])
def test_trees_are_sound_whatever_the_rows(kind, size, d):
    X = np.ascontiguousarray(KINDS[kind](600, d), dtype=np.float32)
    for forest in (grown(X, 3, size), grown(X, 3, size, decay=0.01), empty(3, size, d)):
        check_forest(forest)
        scores = learned(forest, X, 0.1 / size, method=METHODS[0])
        check_forest(forest)
        assert np.isfinite(scores).all()
        assert (scores >= 0).all()


def test_infinite_rows_do_no_harm():
    X = rows(500, 3) * np.float32(5e37)
    X[::7, 1], X[::11, 2] = np.inf, -np.inf
    forest = grown(X, 3, 64)
    assert (forest.clock[:, SAMPLED] == 64).all()
    learned(forest, X, 0.01, METHODS[0])


@pytest.mark.parametrize("d", [1, 15, 16, 17, 1023, 1025, 3000])
def test_boxes_of_any_width_are_exact(d):
    X = rows(60, d)
    forest = grown(X, 2, 20)
    check_forest(forest)
    learned(forest, X, 0.05)
    check_forest(forest)


def test_equal_rows_share_a_leaf():
    X = np.repeat(rows(3, 4), 20, axis=0)
    for forest in (grown(X, 4, 60), empty(4, 60, 4)):
        learned(forest, X[: 0 if forest.clock[0, SEEN] else 60])
        assert (forest.heads[:, 1] == 3).all()
        check_forest(forest)


def test_negative_zero_is_zero():
    X = np.array([[0.0, 1.0], [-0.0, 1.0]], dtype=np.float32)
    for forest in (grown(X, 4, 2), empty(4, 2, 2)):
        learned(forest, X[: 0 if forest.clock[0, SEEN] else 2])
        assert (forest.heads[:, 1] == 1).all()


@settings(max_examples=60)
@given(st.data())
def test_trees_stay_sound_under_any_changes(data):
    d, size = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 12))
    seed = data.draw(st.integers(0, 2**32))
    spread = data.draw(st.sampled_from([1, 3, 1000]))
    X = np.random.default_rng(seed).integers(0, spread, (300, d)).astype(np.float32)
    forest = empty(2, size, d, seed)
    if data.draw(st.booleans()):
        forest = grown(X[: data.draw(st.integers(0, 60))], 2, size, seed)
    for _ in range(data.draw(st.integers(1, 8))):
        first = data.draw(st.integers(0, 299))
        if data.draw(st.booleans()):
            decay = data.draw(st.sampled_from([0.0, 0.01, 1.0]))
            learned(forest, X[first : first + data.draw(st.integers(0, 100))], decay)
        else:
            holders = sum(
                (points_of(forest)[t, forest.leaves[t, :n] - (size - 1)] == X[first])
                .all(axis=1)
                .any()
                for t, n in enumerate(forest.clock[:, SAMPLED])
            )
            assert forget(forest, X[first]) == holders
        check_forest(forest)


def test_trees_are_sound_after_ten_thousand_changes():
    forest = empty(2, 256, 5)
    learned(forest, rows(12_000, 5), 1.0)
    check_forest(forest)
    assert (forest.clock[:, NEXT] >= 12_000).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(7, 16, 3), (40, 64, 10)])
def test_blocks_threads_and_pickles_change_no_bit(shape, method):
    _, size, d = shape
    X, decay = rows(9000, d), 0.1 / size
    whole = empty(*shape)
    scores = learned(whole, X, decay, method)
    parts, pieces = empty(*shape), []
    for start, stop, n_threads in [(0, 1, 2), (1, 40, 1), (40, 5000, 2), (5000, 9000, 2)]:
        pieces.append(learned(parts, X[start:stop], decay, method, n_threads))
        parts = pickle.loads(pickle.dumps(parts))
    assert np.array_equal(scores, np.concatenate(pieces))
    assert_same(whole, parts)
    scored_or_not = empty(*shape)
    learned(scored_or_not, X, decay)
    assert_same(whole, scored_or_not)


@pytest.mark.parametrize("decay", [0.0, 1e-3])
def test_growing_by_any_number_of_threads_changes_no_bit(decay):
    X = rows(5000, 8)
    assert_same(grown(X, 30, 256, decay=decay), grown(X, 30, 256, decay=decay, n_threads=2))


def test_shingles_are_learned_from_one_buffer():
    series = rows(500, 1).ravel()
    shingles = np.lib.stride_tricks.sliding_window_view(series, 8).copy()
    overlapping, copied = empty(5, 32, 8), empty(5, 32, 8)
    scores = learn(overlapping, series, 493, 1, 0.01, method=METHODS[0])
    assert np.array_equal(scores, learned(copied, shingles, 0.01, method=METHODS[0]))
    assert_same(overlapping, copied)
    again = empty(5, 32, 8)
    grow(again, series, *draw(again, 493), stride=1)
    assert_same(again, grown(shingles, 5, 32))


@pytest.mark.parametrize("method", METHODS)
def test_each_row_is_scored_before_it_is_learned(method):
    X, forest = rows(300, 4), empty(6, 16, 4)
    apart = empty(6, 16, 4)
    scores = learned(forest, X, 0.01, method)
    for i in range(300):
        row = X[i : i + 1]
        assert score(apart, row, 1, 4, method, 1) == scores[i]
        assert learned(apart.copy(), row, 0.01, method) == scores[i]
        learned(apart, X[i : i + 1], 0.01)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(METHODS),
    st.integers(1, 4),
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.sampled_from([np.float32, np.float64]),
)
def test_single_rows_are_scaled_learned_and_graded_as_in_parts(method, shingle, judged, dtype):
    d, n = 2, len(judged)
    X = (1e3 + 50 * rows(n + shingle - 1, d)).astype(dtype)
    unit, center, factor = np.ldexp(1.0, [-10, -9]), np.array([0.9, 1.8]), np.array([3.0, 0.0])
    scaled = np.empty(X.shape, dtype=np.float32)
    scale_rows(X, unit, center, factor, scaled)
    grading = grading_of(method, 1e-4, 16)
    whole, forest = empty(5, 8, d * shingle), empty(5, 8, d * shingle)
    usual, expected = np.zeros(5), np.zeros(5)
    key_and_decay = forest.key, forest.decay
    single = SingleRows(
        (*key_and_decay, *forest.trees, *forest.reservoirs),
        METHODS.index(method),
        *(unit, center, factor),
        np.empty(0, dtype=np.int64),
        scaled[: shingle - 1].copy(),
        usual,
        *grading,
    )
    follow = single.follow if dtype == np.float64 else single.follow_single
    for i in range(n):
        (score,) = learn(whole, scaled[i : i + shingle], 1, d, 0.0, method=method)
        grade = np.zeros(1)
        if judged[i]:
            grade, expected = grading.graded(np.array([score]), expected)
        row = X[i + shingle - 1 : i + shingle]
        assert follow(row, judged[i]) == ((score, grade[0]) if judged[i] else (0, 0))
        assert follow(row * dtype(np.nan), judged[i]) is None  # and learns nothing
        assert np.array_equal(usual, expected)
    assert_same(forest, whole)


def test_rows_before_the_first_scored_get_zero():
    X = rows(9000, 3)
    forest, other = empty(4, 16, 3), empty(4, 16, 3)
    scores = learned(forest, X, 0.01, METHODS[0], first_scored=5000)
    assert (scores[:5000] == 0).all()
    assert np.array_equal(scores[5000:], learned(other, X, 0.01, METHODS[0])[5000:])


def test_samples_are_distinct_rows():
    for n, size, decay in [(10, 10, 0.0), (11, 10, 0.0), (5000, 256, 0.0), (5000, 256, 1e-2)]:
        forest = empty(20, size, 1)
        chosen, keys = draw(forest, n, decay)
        assert all(len(set(sample)) == size for sample in chosen.tolist())
        assert chosen.min() >= 0
        assert chosen.max() < n
        assert np.isfinite(keys).all()


def test_extreme_decays_hold_the_last_rows():
    X = np.arange(1000, dtype=np.float32)[:, np.newaxis]
    for decay in (50.0, 1e3, 1e6):
        forest = empty(5, 7, 1)
        learned(forest, X, decay)
        check_forest(forest)
        assert all(sorted(kept) == list(range(993, 1000)) for kept in sampled_values(forest))
        drawn, _ = draw(empty(5, 7, 1), 1000, decay)
        assert (np.sort(drawn) == np.arange(993, 1000)).all()
    for decay in (1e-300, 1e-16):
        forest = empty(5, 7, 1)
        learned(forest, X, decay)
        check_forest(forest)


def test_joined_forests_hold_rows_of_both():
    X = rows(2000, 3)
    a, b = grown(X[:1000], 5, 64), grown(X[1000:], 5, 64, seed=1)
    forest = joined(a, b)
    check_forest(forest)
    assert (forest.clock[:, [SEEN, SAMPLED]] == [2000, 64]).all()
    assert_same(forest, joined(a, b, n_threads=2))
    few = joined(grown(X[:5], 5, 64), grown(X[5:9], 5, 64, seed=1))
    assert (few.clock[:, SAMPLED] == 9).all()
    learned(few, X[9:60])
    assert (few.clock[:, SAMPLED] == 60).all()
    check_forest(few)
    with pytest.raises(ValueError, match="must have the same"):
        joined(a, grown(X, 4, 64))


def test_no_rows_leave_the_forest_as_it_is():
    forest = empty(3, 8, 2)
    scores = learned(forest, rows(0, 2), 0.1, METHODS[0])
    assert scores.shape == (0,)
    assert_same(forest, empty(3, 8, 2))
    grow(forest, rows(0, 2), *draw(forest, 0))
    assert_same(forest, empty(3, 8, 2))


def test_memory_is_known_beforehand():
    forest = empty(50, 256, 10)
    held = sum(value.nbytes for value in vars(forest).values())
    assert abs(forest_bytes(50, 256, 10) - held) < 300
    assert held < 2.4e6
    with pytest.raises(MemoryError, match="max_samples"):
        growth.require_room(10_000, 2048, 100_000_000)
