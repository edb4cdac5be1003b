"""The choice of the first centres: against plain numpy, and its own promises."""

import tracemalloc

import numpy as np
import pytest

from algos import KMeans
from algos._common.random import seed_key, stream
from algos.kmeans import rows as rows_module
from algos.kmeans.parallel_seeding import parallel_plus_plus
from algos.kmeans.rows import Rows
from algos.kmeans.seeding import plus_plus, random_rows

CHOICES = pytest.mark.parametrize("choose", [plus_plus, parallel_plus_plus, random_rows])


def make_rows(X, weight=None, *, n_threads=1):
    return Rows(np.ascontiguousarray(X), weight, seed_key(0), n_threads)


def chosen_rows(choose, X, k, weight=None, *, seed=0, n_threads=1):
    """The content of the rows chosen."""
    rows = make_rows(X, weight, n_threads=n_threads)
    return X[choose(rows, k, stream(seed_key(seed), 0))]


def groups(n, d, k, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(k, d))[rng.integers(k, size=n)] * 3 + rng.normal(size=(n, d))).astype(
        dtype
    )


def potential(X, centers):
    return np.min([((X - center) ** 2).sum(axis=1) for center in centers], axis=0).sum()


def plain_plus_plus(X, weight, keys, k, rng):
    """Greedy k-means++ with draws along the rows in key order."""
    order, n_trials = np.argsort(keys), 2 + int(np.log(k))
    squares, chosen = np.ones(len(X)), []
    for _ in range(k):
        cumulated = np.cumsum((weight * squares)[order])
        uniforms = rng.random(n_trials if chosen else 1)
        candidates = order[np.searchsorted(cumulated, uniforms * cumulated[-1], side="right")]
        left = ((X - X[candidates][:, np.newaxis]) ** 2).sum(axis=2)
        left = np.minimum(left, squares) if chosen else left
        best = np.argmin((weight * left).sum(axis=1))
        squares = left[best]
        chosen.append(candidates[best])
    return chosen


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighted", [False, True])
def test_the_rows_chosen_are_those_of_plain_numpy(seed, weighted):
    X = groups(700, 6, 12, seed=seed)
    weight = np.random.default_rng(seed).uniform(0.1, 5, size=700) if weighted else None
    rows = make_rows(X, weight)
    ones = np.ones(700) if weight is None else weight
    expected = plain_plus_plus(X, ones, rows.keys(), 20, stream(seed_key(seed), 0))
    assert plus_plus(rows, 20, stream(seed_key(seed), 0)).tolist() == expected


@CHOICES
def test_the_order_of_rows_does_not_matter(choose):
    X = groups(900, 5, 8)
    shuffled = np.random.default_rng(1).permutation(X)
    np.testing.assert_array_equal(chosen_rows(choose, X, 15), chosen_rows(choose, shuffled, 15))


@CHOICES
def test_weights_are_repeated_rows(choose):
    X = groups(400, 5, 8)
    times = np.random.default_rng(1).integers(1, 5, size=400)
    repeated = chosen_rows(choose, np.repeat(X, times, axis=0), 12)
    np.testing.assert_array_equal(chosen_rows(choose, X, 12, times.astype(float)), repeated)


@CHOICES
@pytest.mark.parametrize("d", [3, 20])
def test_threads_change_nothing(choose, d):
    X = groups(20_000, d, 30, np.float32)
    one, two = (chosen_rows(choose, X, 10, n_threads=t) for t in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_codes_change_nothing(monkeypatch):
    X = groups(20_000, 24, 30, np.float32)
    monkeypatch.setattr(rows_module, "is_fast", lambda: True)
    by_codes = chosen_rows(plus_plus, X, 40)
    monkeypatch.setattr(rows_module, "is_fast", lambda: False)
    np.testing.assert_array_equal(by_codes, chosen_rows(plus_plus, X, 40))


@CHOICES
def test_no_row_is_chosen_twice_while_there_are_others(choose):
    X = np.repeat(groups(30, 4, 30), np.arange(1, 31), axis=0)
    assert len(np.unique(chosen_rows(choose, X, 30), axis=0)) == 30
    more = chosen_rows(choose, X, 40)
    assert len(more) == 40
    assert len(np.unique(more, axis=0)) == 30


@CHOICES
def test_equal_rows_give_equal_centers(choose):
    assert np.all(chosen_rows(choose, np.full((20, 3), 0.1), 4) == 0.1)


@pytest.mark.parametrize("spread", [1e12, 1e30])
def test_candidates_are_found_beside_rows_that_are_nearly_the_whole_sum(spread):
    X = np.concatenate([groups(200, 3, 8), np.diag([spread, spread**2, 1.0])[:2]])
    rows = make_rows(X)
    chosen = parallel_plus_plus(rows, 8, stream(seed_key(0), 0))
    assert len(np.unique(X[chosen], axis=0)) == 8
    assert {200, 201} <= set(chosen.tolist())


def test_parallel_seeding_ends_lower_than_k_means_plus_plus():
    X = groups(4000, 10, 60)
    ends = {
        choose: np.mean([potential(X, chosen_rows(choose, X, 40, seed=seed)) for seed in range(6)])
        for choose in (plus_plus, parallel_plus_plus)
    }
    assert ends[parallel_plus_plus] < 1.02 * ends[plus_plus]


def test_the_estimator_runs_parallel_seeding_once():
    X = groups(500, 4, 10)
    model = KMeans(10, init="k-means||", random_state=0).fit(X)
    again = KMeans(10, init="k-means||", n_init=1, random_state=0, n_jobs=2).fit(X)
    assert model.cluster_centers_.tobytes() == again.cluster_centers_.tobytes()
    assert model.inertia_ < 1.1 * KMeans(10, random_state=0).fit(X).inertia_


@pytest.mark.parametrize("shape", [(1_000_000, 2), (300_000, 32)])
def test_memory_beyond_the_rows_is_bounded(shape):
    X = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    tracemalloc.start()
    chosen_rows(plus_plus, X, 8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 0.3 * X.nbytes + (16 << 20)
