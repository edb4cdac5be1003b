"""Spherical k-means: metric="cosine"."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics.pairwise import cosine_distances

from algos import KMeans
from algos._common.random import seed_key
from algos.kmeans.metric import make_rows

KINDS = pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def directions(n=600, d=20, k=6, spread=0.4, seed=0):
    """Return rows about k directions, of lengths from 0.01 to 100."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(k, d))[rng.integers(k, size=n)] + spread * rng.normal(size=(n, d))
    return X * 10.0 ** rng.uniform(-2, 2, size=(n, 1))


def brute_force(X, centers, weight=None, n_iter=100):
    """Return (labels, centres, inertia) of spherical k-means as it is written down."""
    units = X / np.linalg.norm(X, axis=1, keepdims=True)
    centers = centers / np.linalg.norm(centers, axis=1, keepdims=True)
    weight = np.ones(len(X)) if weight is None else weight
    for _ in range(n_iter):
        labels = np.argmax(units @ centers.T, axis=1)
        sums = np.stack([weight[labels == j] @ units[labels == j] for j in range(len(centers))])
        centers = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    away = 1 - np.max(units @ centers.T, axis=1)
    return labels, centers, (weight * away).sum()


@KINDS
@pytest.mark.parametrize("algorithm", ["auto", "lloyd", "elkan", "quantized"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_result_is_that_of_spherical_k_means(kind, algorithm, weighted):
    X = directions()
    weight = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    labels, centers, inertia = brute_force(X, X[:6], weight)
    model = KMeans(6, init=X[:6], metric="cosine", algorithm=algorithm, tol=0)
    model.fit(kind(X), sample_weight=weight)
    assert np.array_equal(model.labels_, labels)
    assert_allclose(model.cluster_centers_, centers, atol=1e-12)
    assert model.inertia_ == pytest.approx(inertia, rel=1e-9)
    assert model.score(kind(X), sample_weight=weight) == pytest.approx(-inertia, rel=1e-9)
    assert np.array_equal(model.predict(kind(X)), labels)
    assert_allclose(model.transform(kind(X)), cosine_distances(X, centers), atol=1e-12)
    objective = model.history_["objective"]
    assert np.all(np.diff(objective) <= 1e-12)
    assert objective[-1] == pytest.approx(inertia, rel=1e-9)


@KINDS
@DTYPES
@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
def test_centers_have_length_one_and_groups_are_found(kind, dtype, init):
    X = directions(spread=0.1).astype(dtype)
    model = KMeans(6, init=init, n_init=10, random_state=0, metric="cosine").fit(kind(X))
    best = brute_force(X.astype(float), model.cluster_centers_)
    assert model.cluster_centers_.dtype == dtype
    assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1, rtol=1e-6)
    assert model.inertia_ == pytest.approx(best[2], rel=1e-4)
    assert model.inertia_ < 0.05 * len(X) or init == "random"


@KINDS
def test_lengths_of_rows_do_not_matter(kind):
    X = directions()
    factor = 10.0 ** np.random.default_rng(1).uniform(-100, 100, size=(len(X), 1))
    model = KMeans(6, init=X[:6], metric="cosine")
    one, other = clone(model).fit(kind(X)), clone(model).fit(kind(X * factor))
    assert np.array_equal(one.labels_, other.labels_)
    assert np.array_equal(one.predict(kind(X * factor)), one.labels_)
    assert one.inertia_ == pytest.approx(other.inertia_, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@KINDS
def test_extreme_rows_have_directions(kind, scale):
    dtype = np.float32 if 1e-40 < scale < 1e40 else np.float64
    X = directions() / 1e3
    scaled = (X * scale).astype(dtype)
    model = KMeans(6, init=X[:6], metric="cosine").fit(kind(scaled))
    plain = KMeans(6, init=X[:6], metric="cosine").fit(kind(X.astype(dtype)))
    assert np.array_equal(model.labels_, plain.labels_)
    assert model.inertia_ == pytest.approx(plain.inertia_, rel=1e-5)


def test_nearly_parallel_rows_in_float32():
    rng = np.random.default_rng(0)
    groups = 3e-3 * rng.normal(size=(4, 10))
    which = rng.integers(4, size=1000)
    X = (1 + groups[which] + 1e-4 * rng.normal(size=(1000, 10))).astype(np.float32)
    model = KMeans(4, random_state=0, n_init=5, metric="cosine").fit(X)
    exact = brute_force(X.astype(float), model.cluster_centers_.astype(float))
    assert len(set(zip(which, model.labels_, strict=True))) == 4
    assert model.inertia_ == pytest.approx(exact[2], rel=1e-3)


@KINDS
@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
def test_weights_equal_repeats_in_any_order(kind, init):
    X = directions(200)
    X[::17] = 0
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, size=len(X))
    repeated = rng.permutation(np.repeat(X, weight, axis=0))
    model = KMeans(6, init=init, random_state=3, n_init=2, tol=0, metric="cosine")
    weighted = clone(model).fit(kind(X), sample_weight=weight)
    plain = clone(model).fit(kind(repeated))
    assert_allclose(weighted.cluster_centers_, plain.cluster_centers_, atol=1e-9)
    assert weighted.inertia_ == pytest.approx(plain.inertia_, rel=1e-9)


@KINDS
@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
def test_rows_of_zeros_have_distance_one_label_zero_and_no_influence(kind, init):
    X = directions(300)
    with_zeros = np.insert(X, [0, 50, 50, 300], 0, axis=0)
    zeros = ~with_zeros.any(axis=1)
    model = KMeans(4, init=init, n_init=2, random_state=0, metric="cosine")
    plain, mixed = clone(model).fit(kind(X)), clone(model).fit(kind(with_zeros))
    assert_allclose(mixed.cluster_centers_, plain.cluster_centers_, atol=1e-12)
    assert np.array_equal(mixed.labels_[~zeros], plain.labels_)
    assert not mixed.labels_[zeros].any()
    assert mixed.inertia_ == pytest.approx(plain.inertia_ + zeros.sum(), rel=1e-12)
    assert mixed.score(kind(with_zeros)) == pytest.approx(-mixed.inertia_, rel=1e-9)
    assert_allclose(mixed.history_["objective"], plain.history_["objective"] + 4, rtol=1e-9)
    assert np.array_equal(mixed.predict(kind(with_zeros)), mixed.labels_)
    expected = cosine_distances(with_zeros, mixed.cluster_centers_)
    assert_allclose(mixed.transform(kind(with_zeros)), expected, atol=1e-12)


@KINDS
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_nothing_but_rows_of_zeros(kind):
    model = KMeans(2, random_state=0, metric="cosine").fit(kind(np.zeros((5, 3))))
    assert not model.cluster_centers_.any()
    assert not model.labels_.any()
    assert model.inertia_ == 5
    assert np.array_equal(model.transform(kind(np.eye(3))), np.ones((3, 2)))


@KINDS
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_fewer_directions_than_clusters(kind):
    X = np.array([[1.0, 0], [0, 1], [0, 0], [0, 0]])
    model = KMeans(3, random_state=0, metric="cosine").fit(kind(X))
    assert model.inertia_ == 2
    assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1)


@KINDS
def test_a_mean_that_vanishes_keeps_its_direction(kind):
    X = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    start = np.array([[0.6, 0.8]])
    model = KMeans(1, init=start, metric="cosine").fit(kind(X))
    assert_allclose(model.cluster_centers_, start)
    assert model.inertia_ == pytest.approx(4)


def test_given_centers_are_scaled_and_zeros_refused():
    X = directions()
    short = KMeans(6, init=X[:6], metric="cosine").fit(X)
    long = KMeans(6, init=1e100 * X[:6], metric="cosine").fit(X)
    assert np.array_equal(short.labels_, long.labels_)
    with pytest.raises(ValueError, match="`init` must have no row of zeros"):
        KMeans(6, init=np.zeros((6, 20)), metric="cosine").fit(X)


def test_a_callable_gets_rows_of_length_one():
    X = directions()

    def first_rows(X, n_clusters, random_state):
        assert_allclose(np.linalg.norm(X, axis=1), 1)
        return X[:n_clusters]

    ours = KMeans(4, init=first_rows, n_init=1, metric="cosine").fit(X)
    given = KMeans(4, init=X[:4], metric="cosine").fit(X)
    assert np.array_equal(ours.labels_, given.labels_)


def test_csr_values_alone_are_copied():
    X = sparse.csr_array(directions())
    rows, _ = make_rows(X, None, seed_key(0), 1, "cosine")
    assert np.shares_memory(rows.X.indices, X.indices)
    assert np.shares_memory(rows.X.indptr, X.indptr)
    assert not np.shares_memory(rows.X.data, X.data)


def test_empty_clusters_take_the_farthest_directions():
    X = np.array([[1.0, 0, 0], [1, 0.01, 0], [0, 1, 0], [0, 0, 1]])
    init = np.array([[1.0, 0, 0], [-1, -0.01, 0], [-1, 0, -0.01]])
    model = KMeans(3, init=init, metric="cosine").fit(X)
    assert len(set(model.labels_)) == 3


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="metric"):
        KMeans(2, metric="manhattan").fit(np.eye(3))


@given(
    st.integers(1, 60), st.integers(1, 12), st.integers(1, 6), st.integers(0, 99),
    st.sampled_from([np.float32, np.float64]), st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_any_rows_give_what_the_definitions_say(n, d, k, seed, dtype, is_sparse):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.uniform(size=(n, d)) < 0.6)
    X = (X * 10.0 ** rng.uniform(-10, 10, size=(n, 1))).astype(dtype)
    rows = sparse.csr_array(X) if is_sparse else X
    model = KMeans(min(n, k), random_state=0, metric="cosine").fit(rows)
    distances = cosine_distances(X.astype(float), model.cluster_centers_.astype(float))
    tolerance = 1e-5 if dtype == np.float32 else 1e-10
    assert_allclose(model.transform(rows), distances, atol=tolerance)
    chosen = distances[np.arange(n), model.labels_]
    assert np.all(chosen <= distances.min(axis=1) + tolerance)
    assert model.inertia_ == pytest.approx(chosen.sum(), abs=n * tolerance)
    assert np.array_equal(model.predict(rows), model.labels_)
