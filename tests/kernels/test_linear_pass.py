"""Passes over dense and CSR rows: any shape, the same bits for any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from algos._cython._dots import _test_choose_level
from algos.linear_learner.decisions import decision_values
from algos.linear_learner.dense_rows import DenseRows
from algos.linear_learner.losses import Loss
from algos.linear_learner.sparse_rows import SparseRows
from tests.linear_learner.plain_rows import PlainRows
from tests.linear_learner.test_rows import assert_close, make_models, make_targets

types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
smooth = st.sampled_from(
    [Loss("squared_error"), Loss("log_loss"), Loss("poisson"), Loss("huber", 0.7)]
    + [Loss("multinomial")]
)


def dense_and_sparse(n, d, dtype, seed, density=0.4, index=np.int32):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(dtype) * (rng.uniform(size=(n, d)) < density)
    csr = sparse.csr_matrix(X)
    csr.indices, csr.indptr = csr.indices.astype(index), csr.indptr.astype(index)
    return np.ascontiguousarray(X), csr


@types
@settings(max_examples=60)
@given(
    n=st.integers(1, 600),
    d=st.integers(1, 70),
    m=st.integers(1, 20),
    k=st.integers(1, 4),
    loss=smooth,
    index=st.sampled_from([np.int32, np.int64]),
    seed=st.integers(0, 2**31),
)
def test_dense_and_csr_passes_are_those_of_numpy(dtype, n, d, m, k, loss, index, seed):
    rng = np.random.default_rng(seed)
    k = k if loss.name in ("squared_error", "multinomial") else 1
    X, csr = dense_and_sparse(n, d, dtype, seed, index=index)
    scale = rng.uniform(0.5, 2, d)
    coef, intercept, weight = make_models(n, d, m, k, rng)
    target = make_targets(loss, n, k, rng)
    expected = PlainRows(X, np.zeros(d), scale).evaluate(coef, intercept, target, weight, loss)
    for rows in (DenseRows(X, np.zeros(d), scale, 1), SparseRows(csr, scale, 1)):
        found = rows.evaluate(coef, intercept, target, weight, loss)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other, 500 * np.finfo(dtype).eps)


@types
@settings(max_examples=40)
@given(
    n=st.integers(1, 1500), d=st.integers(1, 60), k=st.integers(0, 9), seed=st.integers(0, 2**31)
)
def test_gram_is_that_of_numpy(dtype, n, d, k, seed):
    rng = np.random.default_rng(seed)
    X, csr = dense_and_sparse(n, d, dtype, seed)
    scale, shift = rng.uniform(0.5, 2, d), rng.normal(size=d)
    weight = rng.uniform(size=n) * (rng.uniform(size=n) < rng.uniform())
    dense = DenseRows(X, shift, scale, 1).gram(weight)
    assert np.array_equal(dense, dense.T)
    tolerance = 100 * np.finfo(dtype).eps
    target = rng.normal(size=(n, k))
    found = DenseRows(X, shift, scale, 1).gram_and_cross(weight, target)
    expected = PlainRows(X, shift, scale).gram_and_cross(weight, target)
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other, tolerance)
    assert_close(dense, PlainRows(X, shift, scale).gram(weight), tolerance)
    expected = PlainRows(X, np.zeros(d), scale).gram(weight)
    assert_close(SparseRows(csr, scale, 1).gram(weight), expected, tolerance)


# A few models and many, lanes of rows and parts of a large output.
@types
@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize(("n", "d", "m"), [(30_000, 20, 1), (30_000, 20, 9), (3000, 700, 7)])
def test_bits_do_not_depend_on_the_number_of_threads(dtype, kind, n, d, m):
    X, csr = dense_and_sparse(n, d, dtype, 0)
    rng = np.random.default_rng(1)
    coef, intercept, weight = make_models(n, d, m, 1, rng)
    loss = Loss("log_loss")
    target = make_targets(loss, n, 1, rng)
    found = []
    for n_threads in (1, 3):
        if kind == "dense":
            rows = DenseRows(X, np.full(d, 0.1), np.full(d, 1.5), n_threads)
        else:
            rows = SparseRows(csr, np.full(d, 1.5), n_threads)
        arrays = [*rows.evaluate(coef, intercept, target, weight, loss), rows.gram(weight)]
        arrays += [rows.cross(target[:, np.newaxis]), rows.decision(coef[:, 0], intercept[:, 0])]
        arrays += [rows.curvatures(coef[0, 0], 0.5, target, weight, loss)]
        found.append([array.tobytes() for array in arrays])
    assert found[0] == found[1]


@types
@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("k", [1, 3, 11])
def test_decision_values_do_not_depend_on_the_batch(dtype, kind, k):
    X, csr = dense_and_sparse(1200, 37, dtype, 2)
    rng = np.random.default_rng(3)
    coef, intercept = rng.normal(size=(k, 37)), rng.normal(size=k)
    rows = X if kind == "dense" else csr
    whole = decision_values(rows, coef, intercept, 2)
    assert whole.dtype == dtype
    assert_close(whole, X.astype(np.float64) @ coef.T + intercept, 4 * np.finfo(dtype).eps)
    for i in (0, 1, 513, 1199):
        one = decision_values(rows[i : i + 1], coef, intercept, 1)
        assert one.tobytes() == whole[i : i + 1].tobytes()


def test_an_offset_of_the_columns_costs_float32_no_digits():
    rng = np.random.default_rng(4)
    X = (rng.normal(size=(5000, 30)) + 1e4).astype(np.float32)
    shift, scale = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
    rows, plain = DenseRows(X, shift, scale, 1), PlainRows(X, shift, scale)
    for m in (1, 8):
        coef, intercept, weight = make_models(5000, 30, m, 1, rng)
        target = rng.normal(size=5000) + 1e5
        intercept = intercept + 1e5
        found = rows.evaluate(coef, intercept, target, weight, Loss("squared_error"))
        expected = plain.evaluate(coef, intercept, target, weight, Loss("squared_error"))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=3e-6, atol=3e-6)
    np.testing.assert_allclose(rows.gram(weight), plain.gram(weight), atol=1e-6)


@pytest.mark.parametrize("m", [1, 8])
def test_an_offset_that_the_intercept_takes_back_costs_float32_no_digits(m):
    rng = np.random.default_rng(6)
    X = (1000 + rng.integers(-200, 200, size=(500, 1)) / 1000).astype(np.float32)
    rows, plain = (kind(X, np.zeros(1), np.ones(1), 1) for kind in (DenseRows, PlainRows))
    coef, intercept = np.full((m, 1, 1), 4.0), np.full((m, 1), -4000.1)
    target, weight = rng.choice([-1.0, 1.0], 500), np.full(500, 0.002)
    found = rows.evaluate(coef, intercept, target, weight, Loss("log_loss"))
    expected = plain.evaluate(coef, intercept, target, weight, Loss("log_loss"))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.fixture(params=[0, 3, 4], ids=["base", "v3", "v4"])
def level(request):
    if _test_choose_level(request.param) != request.param:
        _test_choose_level(4)
        pytest.skip("this processor lacks the level")
    yield request.param
    _test_choose_level(4)


@types
@pytest.mark.parametrize("d", [1, 3, 8, 50, 133])
def test_few_models_on_every_instruction_set(level, dtype, d):
    rng = np.random.default_rng(5)
    for n in (1, 7, 70, 601):
        X, shift, scale = rng.normal(size=(n, d)).astype(dtype), np.full(d, 0.3), np.full(d, 2.0)
        coef, intercept, weight = make_models(n, d, 2, 1, rng)
        target, loss = rng.normal(size=n), Loss("squared_error")
        found = DenseRows(X, shift, scale, 1).evaluate(coef, intercept, target, weight, loss)
        plain = PlainRows(X, shift, scale).evaluate(coef, intercept, target, weight, loss)
        for one, other in zip(found, plain, strict=True):
            assert_close(one, other, 100 * np.finfo(dtype).eps)
