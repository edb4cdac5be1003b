"""PCA of CSR rows: the same as of dense ones, without making them dense."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import linalg, sparse
from sklearn.exceptions import ConvergenceWarning

from algos import PCA
from algos.pca import krylov
from algos.pca.solvers import choose_solver
from algos.pca.sparse_rows import ShortProducts, SparseRows, squared_norms

SOLVERS = ["covariance_eigh", "arpack", "randomized", "sketch"]
solvers = pytest.mark.parametrize("solver", SOLVERS)
types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def rows(n=400, d=60, density=0.15, seed=0, dtype=np.float64):
    """Return CSR rows with empty ones, an empty column, a constant one and one far from zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.geomspace(5, 0.5, d)
    X[rng.random((n, d)) > density] = 0
    X[::50] = 0
    X[:, 3], X[:, 4] = 0, 7
    X[:, 5] = 1000 + rng.normal(size=n)
    return sparse.csr_array(X.astype(dtype))


def truth(X, count):
    """Return the leading eigenvalues and the trace of the covariance, in double."""
    dense = X.toarray().astype(np.float64)
    centered = dense - dense.mean(axis=0)
    values = linalg.eigvalsh(centered.T @ centered / (len(dense) - 1))[::-1]
    return values[:count], values.sum()


@types
@solvers
@pytest.mark.parametrize("shape", [(400, 60), (40, 90)], ids=str)
def test_variances_equal_those_of_the_dense_covariance(solver, shape, dtype):
    X = rows(*shape, dtype=dtype)
    pca = PCA(5, svd_solver=solver, random_state=0).fit(X)
    values, total = truth(X, 5)
    rtol = 1e-5 if dtype == np.float32 else 1e-9
    is_sketched = solver == "sketch" and shape[1] > 60
    if is_sketched:
        rtol = 0.05
    np.testing.assert_allclose(pca.explained_variance_, values, rtol=rtol)
    found = pca.noise_variance_ * (min(shape) - 5) + values.sum()
    assert found == pytest.approx(total, rel=max(rtol, 1e-6))
    # Up to 60 columns, what a sketch keeps is no smaller than their covariance.
    assert pca.svd_solver_ == (
        "covariance_eigh" if solver == "sketch" and not is_sketched else solver
    )
    assert pca.components_.dtype == dtype


@types
@solvers
@pytest.mark.parametrize("whiten", [False, True])
def test_results_equal_those_of_dense_rows(solver, whiten, dtype):
    X = rows(dtype=dtype)
    pca = PCA(5, svd_solver=solver, whiten=whiten, random_state=0).fit(X)
    dense = X.toarray()
    atol = 2e-3 if dtype == np.float32 else 1e-9  # a column lies at 1000
    np.testing.assert_allclose(pca.transform(X), pca.transform(dense), rtol=0, atol=atol)
    expected = pca.score_samples(dense.astype(np.float64))
    np.testing.assert_allclose(pca.score_samples(X), expected, rtol=2e-5, atol=1e-4)
    assert pca.transform(X).dtype == dtype
    assert pca.transform(X).tobytes() == pca.fit_transform(X).tobytes()


@types
@pytest.mark.parametrize("offset", [0, 1e3, 1e6, 1e8])
@pytest.mark.parametrize("holes", [False, True])
def test_an_offset_of_wide_rows_costs_no_digits(offset, holes, dtype):
    rng = np.random.default_rng(0)
    dense = (rng.normal(size=(60, 300)) * np.geomspace(3, 0.3, 300) + offset).astype(dtype)
    if holes:
        dense[rng.random(dense.shape) < 0.02] = 0
    X = sparse.csr_array(dense)
    pca = PCA(5, svd_solver="covariance_eigh").fit(X)
    np.testing.assert_allclose(pca.explained_variance_, truth(X, 5)[0], rtol=1e-6)
    rows64 = dense.astype(np.float64)
    pca = PCA(5).fit(rows64)
    found, expected = pca.score_samples(sparse.csr_array(rows64)), pca.score_samples(rows64)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 6),
    d=st.integers(1, 9),
    density=st.floats(0, 1),
    peak=st.sampled_from([1.0, 1e8, 1e100]),
    seed=st.integers(0, 2**32 - 1),
)
def test_squared_norms_of_centered_rows_are_right_to_rounding(n, d, density, peak, seed):
    rng = np.random.default_rng(seed)
    shift = rng.normal(size=d) * rng.choice([0, 1, peak], size=d)
    dense = (shift + rng.normal(size=(n, d))) * (rng.random((n, d)) < density)
    found = squared_norms(sparse.csr_array(dense), shift)
    np.testing.assert_allclose(found, ((dense - shift) ** 2).sum(axis=1), rtol=1e-13, atol=0)


@solvers
def test_the_number_of_threads_changes_no_bit(solver):
    X = rows(3000, 300)
    one, two = (PCA(6, svd_solver=solver, random_state=0, n_jobs=n).fit(X) for n in (1, 2))
    for name in ("components_", "explained_variance_", "mean_"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name
    assert one.transform(X).tobytes() == two.transform(X).tobytes()


@solvers
def test_the_form_of_the_matrix_changes_no_bit(solver):
    X = rows()
    expected = PCA(4, svd_solver=solver, random_state=0).fit(X)
    wide = X.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    coo = X.tocoo()
    halves = sparse.csr_array(  # each value in two parts, the columns backwards
        (
            np.concatenate([coo.data, coo.data])[::-1] / 2,
            (np.tile(coo.coords[0], 2)[::-1], np.tile(coo.coords[1], 2)[::-1]),
        ),
        shape=X.shape,
    )
    for other in (wide, X.tocsc(), coo, halves, sparse.csr_matrix(X)):
        found = PCA(4, svd_solver=solver, random_state=0).fit(other)
        assert found.components_.tobytes() == expected.components_.tobytes()
        assert found.transform(other).tobytes() == expected.transform(X).tobytes()


def test_full_refuses_sparse_rows_and_says_what_takes_them():
    with pytest.raises(TypeError, match=r"covariance_eigh.*\"full\" was passed"):
        PCA(2, svd_solver="full").fit(rows())
    X = rows()
    pca = PCA(2, svd_solver="full").fit(X.toarray())
    np.testing.assert_allclose(pca.transform(X), pca.transform(X.toarray()), atol=1e-9)


@pytest.mark.parametrize(("solver", "n_components"), [("randomized", 0.9), ("arpack", 30)])
def test_the_solver_that_a_refusal_names_takes_sparse_rows(solver, n_components):
    X = sparse.random(60, 30, density=0.2, format="csr", random_state=0)
    with pytest.raises(ValueError, match='; write svd_solver="auto"'):
        PCA(n_components, svd_solver=solver).fit(X)
    assert PCA(n_components, svd_solver="auto").fit(X).explained_variance_ratio_.sum() > 0.9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@solvers
def test_what_is_not_finite_is_refused(solver, bad):
    X = rows()
    X.data[7] = bad
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        PCA(2, svd_solver=solver).fit(X)


@pytest.mark.parametrize("learn", ["fit", "partial_fit", "transform"])
def test_a_column_beyond_the_matrix_is_refused(learn):
    pca = PCA(2).fit(rows())
    X = rows()
    X.indices[5] = 10_000
    with pytest.raises(ValueError, match="CSR"):
        getattr(pca, learn)(X)


@types
@solvers
@pytest.mark.parametrize("scale", [1e-25, 1e30])
def test_extreme_values_give_the_scaled_result(solver, scale, dtype):
    X = rows(dtype=dtype)
    expected = PCA(3, svd_solver=solver, random_state=0).fit(X)
    if dtype == np.float32 and scale > 1:
        scale = 1e15
    found = PCA(3, svd_solver=solver, random_state=0).fit(X * dtype(scale))
    np.testing.assert_allclose(found.singular_values_, expected.singular_values_ * scale, rtol=1e-4)


@solvers
def test_rows_without_variance_have_components(solver):
    X = sparse.csr_array(np.tile([0.0, 2, 0, 1], (20, 1)))
    pca = PCA(2, svd_solver=solver, random_state=0).fit(X)
    assert pca.explained_variance_.tolist() == [0, 0]
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(2), atol=1e-12)
    assert PCA(2, svd_solver=solver, random_state=0).fit(sparse.csr_array((20, 4))).mean_.max() == 0


def test_copies_of_an_eigenvalue_are_found():
    X = sparse.csr_array(np.concatenate([np.eye(600), -np.eye(600)]))
    pca = PCA(20, svd_solver="randomized", random_state=0).fit(X)
    np.testing.assert_allclose(pca.explained_variance_, 2 / 1199, rtol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_float32_products_are_taken_only_where_an_offset_leaves_them_accurate(offset):
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(3000, 600)) * np.geomspace(5, 0.5, 600)
    dense[rng.random(dense.shape) < 0.9] = 0
    dense[:, :5] += offset
    X = sparse.csr_array(dense.astype(np.float32))
    assert isinstance(SparseRows(X, 1).fast(), ShortProducts) == (offset == 0)
    assert isinstance(SparseRows(X.astype(np.float64), 1).fast(), SparseRows)
    pca = PCA(8, svd_solver="randomized", random_state=0).fit(X)
    np.testing.assert_allclose(pca.explained_variance_, truth(X, 8)[0], rtol=2e-6)


@pytest.mark.parametrize("n_columns", [60, 700])
def test_batches_of_sparse_rows_are_learned_exactly(n_columns):
    X = rows(700, n_columns)
    whole = PCA(4, svd_solver="covariance_eigh").fit(X)
    parts = PCA(4)
    for start in range(0, 700, 90):
        batch = X[start : start + 90]
        parts.partial_fit(batch if start % 180 else batch.toarray())
    np.testing.assert_allclose(parts.explained_variance_, whole.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(
        np.abs(parts.components_ @ whole.components_.T), np.eye(4), atol=1e-6
    )
    apart = [PCA(4).partial_fit(half) for half in (X[:300], X[300:])]
    joint = apart[0].merge(apart[1])
    np.testing.assert_allclose(joint.explained_variance_, whole.explained_variance_, rtol=1e-9)


@pytest.mark.parametrize("solver", ["randomized", "sketch"])
def test_many_columns_are_never_made_dense(solver):
    rng = np.random.default_rng(0)
    n, d, stored = 3000, 20_000, 20
    columns = rng.integers(d, size=n * stored)
    X = sparse.csr_array(
        (rng.normal(size=n * stored), (np.repeat(np.arange(n), stored), columns)), shape=(n, d)
    )
    tracemalloc.start()
    try:
        PCA(2, svd_solver=solver, random_state=0, n_oversamples=2, n_jobs=1).fit(X).transform(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * d * 8 / 3


def test_auto_takes_the_covariance_of_few_columns_and_products_of_many():
    def choose(n, d, k, per_row):
        return choose_solver(n, d, k, 10, n * per_row)

    assert choose(100_000, 10_000, 50, 65) == "randomized"
    assert choose(100_000, 200, 10, 20) == "covariance_eigh"
    assert choose(400, 400, 10, 5) == "covariance_eigh"
    assert choose(100_000, 10_000, None, 65) == "covariance_eigh"


def test_eigenvalues_that_do_not_converge_are_warned_of(monkeypatch):
    monkeypatch.setattr(krylov, "PATIENCE", 1)
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.normal(size=(900, 700)) * (rng.random((900, 700)) < 0.05))
    with pytest.warns(ConvergenceWarning, match="nearly equal"):
        PCA(9, svd_solver="randomized", random_state=0).fit(X)
