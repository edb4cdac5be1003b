"""Dense kernels against numpy for shapes, weights and types that hypothesis chooses."""

import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from algos._cython import row_hash
from algos._cython.column_moments import column_moments
from algos._cython.finite import all_finite
from algos._cython.kmeans_assign import shift_centers
from algos._cython.kmeans_distances import center_distances
from algos._cython.kmeans_update import sum_by_label
from tests.kernels.test_kmeans_kernels import problem, run_assign, squares
from tests.kernels.test_row_hash import KEY, factors_of, oracle

dtypes = st.sampled_from([np.float32, np.float64])
sizes = {"n": st.integers(1, 400), "d": st.integers(1, 40), "k": st.integers(1, 30)}
problems = given(dtype=dtypes, seed=st.integers(0, 99), weighted=st.booleans(), **sizes)
enough = settings(max_examples=50)


@problems
@enough
def test_a_pass_gives_the_nearest_centres_their_sums_and_the_objective(
    dtype, seed, weighted, n, d, k
):
    X, centers, shift, weight = problem(n, d, k, dtype, seed, weighted)
    labels, sums, counts, distances, objective, _ = run_assign(
        X, centers, shift, weight, exact=True, n_threads=2
    )
    exact, w = squares(X, centers), np.ones(n) if weight is None else weight
    chosen = exact[np.arange(n), labels]
    rounding = 50 * np.finfo(dtype).eps * (1 + exact.max())
    assert np.all(chosen <= exact.min(axis=1) + rounding)
    member = labels == np.arange(k)[:, np.newaxis]
    expected = (member * w) @ (X.astype(np.float64) - shift)
    np.testing.assert_allclose(sums, expected, rtol=0, atol=rounding * n)
    np.testing.assert_allclose(counts, (member * w).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(distances, chosen, rtol=1e-12)
    np.testing.assert_allclose(objective, w @ chosen, rtol=1e-12)


@problems
@enough
def test_distances_are_those_of_numpy(dtype, seed, weighted, n, d, k):
    X, centers, shift, _ = problem(n, d, k, dtype, seed)
    out = np.empty((n, k), dtype=dtype)
    center_distances(X, shift, centers - shift, centers, out, 2)
    error = np.abs(out - np.sqrt(squares(X, centers)))
    assert np.all(error <= 30 * np.finfo(dtype).eps * (1 + out.max()))


@problems
@enough
def test_sums_by_label_are_those_of_numpy_for_any_threads(dtype, seed, weighted, n, d, k):
    X, _, shift, weight = problem(n, d, k, dtype, seed, weighted)
    labels = np.random.default_rng(seed).integers(k, size=n).astype(np.int32)
    found = []
    for n_threads in (1, 3):
        sums, counts = np.zeros((k, d)), np.zeros(k)
        sum_by_label(X, weight, shift, labels, sums, counts, n_threads)
        found.append((sums.tobytes(), counts.tobytes()))
    assert found[0] == found[1]
    w = np.ones(n) if weight is None else weight
    member = (labels == np.arange(k)[:, np.newaxis]) * w
    rows = X.astype(np.float64) - shift
    tolerance = 4 * np.finfo(dtype).eps + n * np.finfo(np.float64).eps
    bound = tolerance * (member @ np.abs(rows) + 1)
    assert np.all(np.abs(sums - member @ rows) <= bound)
    np.testing.assert_allclose(counts, member.sum(axis=1), rtol=1e-12)


@given(
    dtype=dtypes,
    n=st.integers(1, 3000),
    d=st.integers(1, 30),
    seed=st.integers(0, 99),
    offset=st.sampled_from([0, 1e3, 1e6]),
    weighted=st.booleans(),
)
@enough
def test_moments_are_those_of_numpy_for_any_threads(dtype, n, d, seed, offset, weighted):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) + offset).astype(dtype)
    weight = rng.uniform(size=n) if weighted else None
    one, several = np.empty((2, d)), np.empty((2, d))
    column_moments(X, weight, X[0], one, 1)
    column_moments(X, weight, X[0], several, 3)
    assert one.tobytes() == several.tobytes()
    w, rows = np.ones(n) if weight is None else weight, X.astype(np.float64) - X[0]
    tolerance = 4 * np.finfo(dtype).eps + n * np.finfo(np.float64).eps
    assert np.all(np.abs(one[0] - w @ rows) <= tolerance * (w @ np.abs(rows)))
    np.testing.assert_allclose(one[1], w @ rows**2, rtol=2 * tolerance)


@given(
    dtype=dtypes,
    X=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    ),
)
@enough
def test_rows_hash_as_the_formula_says_whatever_they_hold(dtype, X):
    X = X.astype(dtype)
    keys = np.zeros(len(X), dtype=np.uint64)
    row_hash.add_dense(X, factors_of(X.shape[1])[0], keys, 2)
    row_hash.finish(KEY, keys)
    assert [int(key) for key in keys] == [oracle(row) for row in X.astype(float).tolist()]


@given(dtype=dtypes, k=st.integers(1, 20), d=st.integers(1, 40), seed=st.integers(0, 99))
def test_shifted_centres_are_rounded_differences(dtype, k, d, seed):
    _, centers, shift, _ = problem(5, d, k, dtype, seed)
    shifted = np.empty_like(centers)
    shift_centers(centers, shift, shifted)
    assert np.array_equal(shifted, centers - shift)


@given(
    dtype=dtypes,
    n=st.integers(1, 20_000),
    place=st.integers(0),
    bad=st.sampled_from([np.nan, np.inf, -np.inf]),
    n_threads=st.integers(1, 3),
)
@enough
def test_one_bad_value_is_found_wherever_it_is(dtype, n, place, bad, n_threads):
    X = np.full((1, n), np.finfo(dtype).max, dtype=dtype)
    assert all_finite(X, n_threads)
    X[0, place % n] = bad
    assert not all_finite(X, n_threads)
