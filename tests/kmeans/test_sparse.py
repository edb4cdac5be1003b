"""KMeans of CSR rows: the same as of dense ones, and never dense."""

import tracemalloc

import joblib
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans as ReferenceKMeans
from sklearn.datasets import load_digits

from algos import KMeans
from algos.callbacks import Checkpoint
from tests.common.recorder import Recorder, StopError, needs_callbacks, stop

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(scope="module")
def digits():
    return load_digits().data


def texts(n=2000, d=3000, groups=12, seed=0):
    """Return rows of counts in a few groups, as words in texts."""
    rng = np.random.default_rng(seed)
    words = rng.dirichlet(np.full(d, 0.01), size=groups)
    return sparse.csr_matrix(
        np.array([rng.multinomial(40, words[i]) for i in rng.integers(groups, size=n)], float)
    )


@DTYPES
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
def test_fits_of_csr_and_dense_rows_agree(digits, dtype, container, init):
    noise = np.random.default_rng(0).uniform(0.9, 1.1, size=digits.shape)
    X = (digits * noise).astype(dtype)  # no row as far from one centre as from another
    model = KMeans(10, init=init, n_init=2, random_state=0, algorithm="lloyd", tol=0)
    dense, csr = clone(model).fit(X), clone(model).fit(container(X))
    tolerance = 1e-3 if dtype == np.float32 else 1e-9
    assert csr.inertia_ == pytest.approx(dense.inertia_, rel=tolerance)
    if dtype == np.float64:
        assert np.array_equal(csr.labels_, dense.labels_)
        assert_allclose(csr.cluster_centers_, dense.cluster_centers_, atol=1e-9)
        assert_allclose(csr.history_["objective"], dense.history_["objective"], rtol=1e-9)
        assert_allclose(csr.transform(container(X)), dense.transform(X), atol=1e-6)
        assert csr.score(container(X)) == pytest.approx(dense.score(X), rel=1e-9)
    assert csr.cluster_centers_.dtype == csr.transform(container(X)).dtype == dtype


def test_same_start_gives_scikit_learns_result():
    X = texts()
    init = X[:12].toarray()
    ours = KMeans(12, init=init, tol=0).fit(X)
    theirs = ReferenceKMeans(12, init=init, n_init=1, tol=0, algorithm="lloyd").fit(X)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, atol=1e-10)
    assert ours.n_iter_ == theirs.n_iter_


def test_starts_are_as_good_as_scikit_learns():
    X = texts(1000, 500)
    runs = range(30)
    ours = [KMeans(12, n_init=1, random_state=i).fit(X).inertia_ for i in runs]
    theirs = [ReferenceKMeans(12, n_init=1, random_state=i).fit(X).inertia_ for i in runs]
    assert np.mean(ours) < 1.02 * np.mean(theirs)


@DTYPES
@pytest.mark.parametrize("offset", [0, 1e3])
def test_labels_and_inertia_are_those_of_brute_force(digits, dtype, offset):
    X = (digits + offset).astype(dtype)
    model = KMeans(10, random_state=0).fit(sparse.csr_array(X))
    away = X[:, np.newaxis].astype(float) - model.cluster_centers_
    squares = (away**2).sum(axis=2)
    assert np.array_equal(model.labels_, squares.argmin(axis=1))
    assert model.inertia_ == pytest.approx(squares.min(axis=1).sum(), rel=1e-6)
    assert np.array_equal(model.predict(sparse.csr_array(X)), model.labels_)


@DTYPES
@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_an_offset_costs_what_the_documentation_says(digits, dtype, offset):
    X = (digits + offset).astype(dtype)
    model = KMeans(10, init=X[:10], n_init=1).fit(sparse.csr_array(X))
    squares = ((X[:, np.newaxis].astype(float) - model.cluster_centers_) ** 2).sum(axis=2)
    lost = 8 * np.finfo(np.float64).eps * X.shape[1] * offset**2
    own = squares[np.arange(len(X)), model.labels_]
    assert np.all(own <= squares.min(axis=1) + lost)
    assert_allclose(model.transform(sparse.csr_array(X)) ** 2, squares, rtol=1e-6, atol=lost)
    assert -model.score(sparse.csr_array(X)) == pytest.approx(own.sum(), abs=lost * len(X))


def test_other_formats_and_disorder_are_converted(digits):
    X = sparse.csr_array(digits)
    expected = KMeans(5, random_state=0).fit(X)
    for form in (sparse.csc_matrix(X), sparse.coo_array(X), sparse.lil_matrix(X)):
        found = KMeans(5, random_state=0).fit(form)
        assert found.cluster_centers_.tobytes() == expected.cluster_centers_.tobytes()
    rows, columns = digits.nonzero()
    halves = np.concatenate([digits[rows, columns] / 2] * 2)
    order = np.argsort(np.concatenate([rows, rows]), kind="stable")
    columns = np.concatenate([columns, columns])[order]
    split = sparse.csr_matrix((halves[order], columns, 2 * X.indptr), shape=X.shape)
    kept = split.data.copy()
    found = KMeans(5, random_state=0).fit(split)
    assert found.cluster_centers_.tobytes() == expected.cluster_centers_.tobytes()
    assert np.array_equal(split.data, kept)


def test_empty_rows_and_columns_and_stored_zeros():
    X = np.zeros((30, 8))
    X[:10, 1], X[10:20, 5] = 3, 4
    csr = sparse.csr_array(X)
    csr.data[:2] = 0
    X[:2, 1] = 0
    model = KMeans(3, random_state=0).fit(csr)
    assert model.inertia_ == 0
    assert np.array_equal(model.labels_, KMeans(3, random_state=0).fit(X).labels_)
    nothing = KMeans(1).fit(sparse.csr_array((4, 3)))
    assert not nothing.cluster_centers_.any()


@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
def test_weights_equal_repeats_in_any_order(init):
    X = texts(300, 200)
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, size=X.shape[0])
    repeated = X[rng.permutation(np.repeat(np.arange(X.shape[0]), weight))]
    model = KMeans(6, init=init, random_state=3, n_init=2, tol=0)
    weighted = clone(model).fit(X, sample_weight=weight)
    plain = clone(model).fit(repeated)
    assert_allclose(weighted.cluster_centers_, plain.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert weighted.inertia_ == pytest.approx(plain.inertia_, rel=1e-9)


def test_empty_clusters_take_the_farthest_rows():
    X = sparse.csr_array(np.array([[0.0], [0.1], [0.2], [10.0], [20.0]]))
    init = np.array([[0.1], [1e3], [2e3]])
    model = KMeans(3, init=init, n_init=1).fit(X)
    assert sorted(model.cluster_centers_.ravel()) == pytest.approx([0.1, 10.0, 20.0])


@pytest.mark.parametrize("d", [50, 20_000])  # sums in lanes, and shared out
def test_threads_change_no_bit(d):
    X = texts(1000, d).astype(np.float32)
    one = KMeans(20, random_state=0, n_jobs=1, max_iter=5).fit(X)
    two = KMeans(20, random_state=0, n_jobs=2, max_iter=5).fit(X)
    assert one.cluster_centers_.tobytes() == two.cluster_centers_.tobytes()
    assert one.inertia_ == two.inertia_


def test_a_callable_gets_the_sparse_rows_and_cannot_write_to_them():
    X = texts(200, 100)

    def first_rows(X, n_clusters, random_state):
        assert sparse.issparse(X)
        with pytest.raises(ValueError, match="read-only"):
            X.data[:] = 0
        return X[:n_clusters].toarray()

    ours = KMeans(4, init=first_rows, n_init=1).fit(X)
    given = KMeans(4, init=X[:4].toarray()).fit(X)
    assert np.array_equal(ours.labels_, given.labels_)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_scale_does_not_matter(digits, scale):
    X = digits / digits.max()
    dtype = np.float32 if 1e-40 < scale < 1e40 else np.float64
    model = KMeans(4, random_state=0).fit(sparse.csr_array((X * scale).astype(dtype)))
    plain = KMeans(4, random_state=0).fit(X.astype(dtype))
    squares = ((X[:, np.newaxis] - model.cluster_centers_ / dtype(scale)) ** 2).sum(axis=2)
    assert squares.min(axis=1).sum() == pytest.approx(plain.inertia_, rel=1e-2)
    distances = model.transform(sparse.csr_array((X * scale).astype(dtype)))
    assert_allclose(distances / scale, np.sqrt(squares), atol=1e-5)


def test_far_rows_have_finite_distances(digits):
    model = KMeans(3, random_state=0).fit(sparse.csr_array(digits))
    far = sparse.csr_array(np.full((1, 64), 1e200))
    assert_allclose(model.transform(far), 8e200, rtol=1e-5)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_any_types_of_indices_will_do(metric):
    X = texts(100, 30)
    model = KMeans(3, random_state=0, metric=metric)
    expected = clone(model).fit(X)
    for types in ((np.int32, np.int64), (np.int64, np.int32), (np.int16, np.int16)):
        mixed = X.copy()
        mixed.indices, mixed.indptr = (
            array.astype(kind) for array, kind in zip((X.indices, X.indptr), types, strict=True)
        )
        found = clone(model).fit(mixed)
        assert found.cluster_centers_.tobytes() == expected.cluster_centers_.tobytes()
        assert np.array_equal(found.predict(mixed), expected.labels_)
        assert (mixed.indices.dtype, mixed.indptr.dtype) == types


def test_dense_rows_of_a_sparse_model_and_the_reverse(digits):
    X = sparse.csr_array(digits)
    model = KMeans(10, random_state=0).fit(X)
    assert np.array_equal(model.predict(digits), model.labels_)
    assert_allclose(model.transform(digits), model.transform(X), atol=1e-6)


def test_nothing_is_ever_dense():
    n, d, k = 20_000, 20_000, 5
    rng = np.random.default_rng(0)
    columns = rng.integers(d, size=n * 10)
    X = sparse.csr_array((rng.uniform(size=n * 10), columns, np.arange(n + 1) * 10), shape=(n, d))
    X.sum_duplicates()
    tracemalloc.start()
    model = KMeans(k, random_state=0, max_iter=3).fit(X)
    model.predict(X)
    model.score(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 8 * k * d + 100 * n


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_copies_of_wide_centers_are_held(dtype):
    n, d, k = 2000, 20_000, 20
    rng = np.random.default_rng(0)
    X = sparse.random_array((n, d), density=1e-3, format="csr", random_state=rng, dtype=dtype)
    init = X[:k].toarray()
    KMeans(k, init=init, max_iter=1, tol=0).fit(X)
    tracemalloc.start()
    KMeans(k, init=init, max_iter=3, tol=0).fit(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3.5 * 8 * k * d + 100 * n


@needs_callbacks
def test_a_checkpoint_resumes_to_the_same_bits(tmp_path):
    X = texts()
    model = KMeans(12, random_state=0, tol=0)
    whole = clone(model).fit(X)
    with pytest.raises(StopError):
        clone(model).set_callbacks(Checkpoint(tmp_path / "fit"), Recorder(stop, at=4)).fit(X)
    resumed = joblib.load(tmp_path / "fit").fit(X)
    assert resumed.cluster_centers_.tobytes() == whole.cluster_centers_.tobytes()
    assert resumed.n_iter_ == whole.n_iter_


@given(st.integers(2, 80), st.integers(1, 30), st.integers(1, 8), st.integers(0, 99), st.booleans())
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_any_sparse_rows_are_clustered_like_dense_ones(n, d, k, seed, weighted):
    rng = np.random.default_rng(seed)
    X = np.where(rng.uniform(size=(n, d)) < 0.3, rng.normal(size=(n, d)), 0.0)
    weight = rng.integers(1, 4, size=n).astype(float) if weighted else None
    k = min(k, n)
    # One step from a start without ties; later, two rows may be as far from their mean.
    model = KMeans(k, init=0.5 * rng.normal(size=(k, d)), algorithm="lloyd", max_iter=1)
    dense = clone(model).fit(X, sample_weight=weight)
    csr = clone(model).fit(sparse.csr_array(X), sample_weight=weight)
    assert csr.inertia_ == pytest.approx(dense.inertia_, rel=1e-9, abs=1e-12)
    assert_allclose(csr.cluster_centers_, dense.cluster_centers_, atol=1e-9)
