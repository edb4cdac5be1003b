"""Scores and embeddings of factorization machines against the sum over pairs."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse

from algos.factorization_machine.rows import Rows
from algos.factorization_machine.scoring import embeddings, scores, scores_of_models


def pairwise(X, intercept, linear, factors):
    """The definition: O(d²) a row."""
    X, factors = np.asarray(X, dtype=np.float64), factors.astype(np.float64)
    upper = np.triu(factors @ factors.T, 1)
    return intercept + X @ linear.astype(np.float64) + np.einsum("ni,ij,nj->n", X, upper, X)


def error_of(X, linear, factors):
    """How far a score may be off: runs of 32 values of float32 are summed in float32."""
    if not X.dtype == linear.dtype == np.float32:
        return 1e-12
    return 33 * 2.0**-23 * pairwise(np.abs(X), 0, np.abs(linear), np.abs(factors))


def case(n=60, d=23, rank=5, *, dtype=np.float64, seed=0, density=0.3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < density)
    return (
        X.astype(dtype),
        float(rng.normal()),
        rng.normal(size=d).astype(dtype),
        rng.normal(size=(d, rank)).astype(dtype),
    )


def rows_of(X):
    X = sparse.csr_array(X)
    values = None if np.all(X.data == 1) else X.data
    return Rows(X.indptr.astype(np.int64), X.indices.astype(np.int32), values, X.shape[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rank", [1, 2, 3, 7, 8, 12, 16, 31, 32, 50])
def test_scores_are_the_sum_over_pairs(rank, dtype):
    X, *machine = case(rank=rank, dtype=dtype)
    expected, error = pairwise(X, *machine), error_of(X, *machine[1:])
    for rows in (X, sparse.csr_array(X), sparse.csr_matrix(X), rows_of(X)):
        assert np.all(np.abs(scores(rows, *machine) - expected) <= error + 1e-12 * abs(expected))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [32, 33, 64, 150])
def test_long_rows_are_summed_in_runs(d, dtype):
    X, *machine = case(d=d, rank=19, dtype=dtype, density=0.9)
    expected, error = pairwise(X, *machine), error_of(X, *machine[1:])
    sums, factors = X.astype(float) @ machine[2].astype(float), machine[2]
    for rows in (X, sparse.csr_array(X), rows_of((X != 0) * X)):
        assert np.all(np.abs(scores(rows, *machine) - expected) <= error + 1e-12 * abs(expected))
        rtol = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(embeddings(rows, factors), sums, rtol=rtol, atol=10 * rtol)


def test_values_of_one_need_not_be_stored():
    X, *machine = case()
    X = (X != 0).astype(np.float64)
    assert rows_of(X).values is None
    stored, left_out = scores(sparse.csr_array(X), *machine), scores(rows_of(X), *machine)
    np.testing.assert_allclose(left_out, stored, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("values", [np.float32, np.float64])
@pytest.mark.parametrize("parameters", [np.float32, np.float64])
def test_rows_and_machines_may_differ_in_type(values, parameters):
    X, intercept, linear, factors = case()
    X, linear, factors = X.astype(values), linear.astype(parameters), factors.astype(parameters)
    expected = pairwise(X, intercept, linear, factors)
    error = error_of(X, linear, factors) + 1e-12 * abs(expected)
    assert np.all(np.abs(scores(X, intercept, linear, factors) - expected) <= error)


def test_one_value_makes_no_pair_at_all():
    X = sparse.csr_array(np.diag([1e150, 1e-150, 3.0]))
    machine = 0.0, np.zeros(3), np.full((3, 9), 0.1)
    assert scores(X, *machine).tolist() == [0.0, 0.0, 0.0]


def test_models_beside_each_other_are_each_by_itself():
    X, intercept, _, _ = case()
    rng = np.random.default_rng(1)
    linear = rng.normal(size=(23, 4)).astype(np.float32)
    factors = rng.normal(size=(23, 4, 5)).astype(np.float32)
    intercepts = intercept + np.arange(4.0)
    found = scores_of_models(X, intercepts, linear, factors.reshape(23, 20))
    for model in range(4):
        expected = pairwise(X, intercepts[model], linear[:, model], factors[:, model])
        np.testing.assert_allclose(found[:, model], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rank", [1, 3, 8, 21, 40])
def test_embeddings_are_sums_of_factors(rank):
    X, _, _, factors = case(rank=rank)
    for rows in (X, sparse.csr_array(X)):
        np.testing.assert_allclose(embeddings(rows, factors), X @ factors, rtol=0, atol=1e-12)


@given(
    n=st.integers(0, 40),
    d=st.integers(1, 12),
    rank=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    density=st.floats(0, 1),
)
def test_any_shape_gives_the_sum_over_pairs(n, d, rank, seed, density):
    X, *machine = case(n, d, rank, seed=seed, density=density)
    expected = pairwise(X, *machine)
    for rows in (X, rows_of(X)):
        np.testing.assert_allclose(scores(rows, *machine), expected, rtol=1e-10, atol=1e-10)


def test_bits_depend_neither_on_threads_nor_on_other_rows():
    X, *machine = case(n=5000, d=40, rank=17)
    for rows in (X, sparse.csr_array(X)):
        whole = scores(rows, *machine, 1)
        assert np.array_equal(whole, scores(rows, *machine, 3))
        assert np.array_equal(whole[100:107], scores(rows[100:107], *machine, 1))


@pytest.mark.parametrize("part", ["linear", "factors"])
def test_arrays_that_disagree_are_refused(part):
    X, intercept, linear, factors = case()
    shapes = {
        "linear": linear,
        "factors": factors,
        part: {"linear": linear, "factors": factors}[part][1:],
    }
    with pytest.raises(ValueError, match="shapes"):
        scores(X, intercept, shapes["linear"], shapes["factors"])
