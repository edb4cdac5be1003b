"""Weighted centres with many columns, in the coordinates of the space that they span."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from algos import KMeans
from algos._cython.kmeans_merge import merge_closest
from algos.kmeans import reduction, stream
from algos.kmeans.span import Span, is_wide
from algos.kmeans.stream import Mergers
from tests.common.estimators import assert_same_bits, learned


def wide_rows(kind, n=700, d=400, k=6):
    rng = np.random.default_rng(5)
    X = 2 * rng.normal(size=(k, d))[rng.integers(k, size=n)] + rng.normal(size=(n, d))
    if kind == "far from zero":
        return X + 1e6
    return X if kind == "dense" else sparse.csr_array(np.where(np.abs(X) > 3, X, 0))


def streamed(X, **parameters):
    kmeans = KMeans(**{"n_clusters": 5, "random_state": 0, **parameters})
    for start in range(0, X.shape[0], 350):
        kmeans.partial_fit(X[start : start + 350])
    return kmeans


def in_all_columns(monkeypatch):
    monkeypatch.setattr(reduction, "is_wide", lambda points, n_looks: False)
    measure_all(monkeypatch)


def measure_all(monkeypatch):
    """Let mergers know no products."""

    def merge(points, weights, products, *others):
        return merge_closest(points, weights, None, *others)

    monkeypatch.setattr(stream, "merge_closest", merge)


@pytest.mark.parametrize("kind", ["dense", "far from zero", "sparse"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_the_span_gives_the_clusters_of_all_columns(kind, metric, monkeypatch):
    X = wide_rows(kind)
    ours = streamed(X, metric=metric)
    centers, inertia, n_iter = ours.cluster_centers_, ours.inertia_, ours.n_iter_
    points, curve = ours.inertia_curve([2, 5, 20])
    in_all_columns(monkeypatch)
    theirs = streamed(X, metric=metric)
    assert_allclose(centers, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert inertia == pytest.approx(theirs.inertia_, rel=1e-9)
    assert n_iter == theirs.n_iter_
    assert_allclose(curve, theirs.inertia_curve(points)[1], rtol=1e-9)
    assert_allclose(ours._stream["weights"], theirs._stream["weights"])
    assert ours._stream["scatter"] == pytest.approx(theirs._stream["scatter"], rel=1e-9)


@pytest.mark.parametrize("init", ["random", "k-means||", "array", "callable"])
def test_every_choice_of_first_centers_takes_wide_rows(init, monkeypatch):
    X = wide_rows("dense")
    first = {"array": X[:5] + 3, "callable": lambda X, k, random_state: X[:k] + 3}.get(init, init)
    centers = streamed(X, init=first).cluster_centers_
    in_all_columns(monkeypatch)
    assert_allclose(centers, streamed(X, init=first).cluster_centers_, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_threads_change_no_bit_of_wide_centers(kind):
    X = wide_rows(kind)
    one, two = (streamed(X, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(one.cluster_centers_, two.cluster_centers_)
    assert one.inertia_ == two.inertia_
    assert_same_bits(learned(one), learned(two))


def test_merged_equal_streams_of_wide_rows_have_equal_centers():
    X = 3.0 * np.eye(30, 400)
    kmeans = KMeans(40, random_state=0).partial_fit(X).merge(KMeans(40).partial_fit(X))
    assert kmeans.inertia_ == pytest.approx(0, abs=1e-24)
    distances = kmeans.transform(X)
    assert_allclose(distances.min(axis=1), 0, atol=1e-12)


def test_coordinates_keep_distances_and_can_be_lifted():
    rng = np.random.default_rng(0)
    near = 1e-7 * rng.normal(size=(20, 90))
    points = np.concatenate([rng.normal(size=(20, 90)), np.ones((20, 90)) + near])
    origin = rng.normal(size=90)
    span = Span(points - origin, origin)
    assert_allclose(span.lifted(span.coordinates), points, rtol=0, atol=1e-13)
    for some in (points, points[20:] - 1):
        away = np.linalg.norm(some[:, None] - some, axis=2)
        turned = span.coordinates[-len(some) :]
        found = np.linalg.norm(turned[:, None] - turned, axis=2)
        assert_allclose(found, away, rtol=1e-7, atol=1e-13)


def test_products_of_wide_points_change_no_merger(monkeypatch):
    rng = np.random.default_rng(1)
    points, weights = rng.normal(size=(60, 500)) + 1e3, rng.random(60) + 0.1
    ours = Mergers(points, weights, 20, 2)
    measure_all(monkeypatch)
    theirs = Mergers(points, weights, 20, 2)
    # Which of a pair stays may differ by rounding.
    by_first, its_by_first = (np.argsort(merged.centers[:, 0]) for merged in (ours, theirs))
    assert_allclose(ours.weights[by_first], theirs.weights[its_by_first], rtol=1e-13)
    assert_allclose(ours.centers[by_first], theirs.centers[its_by_first], rtol=1e-14)
    assert_allclose(ours.costs, theirs.costs, rtol=1e-11)
    assert ours.price == pytest.approx(theirs.price, rel=1e-11)


def test_points_are_not_turned_for_a_single_merger():
    points = np.zeros((100, 400))
    assert is_wide(points, 50)
    assert not is_wide(points, 1)
    assert not is_wide(points, 0)
    assert not is_wide(points[:, :150], 50)


def test_a_giant_center_costs_the_others_no_digit():
    points = np.random.default_rng(0).normal(size=(20, 100))
    points[3] = 1e30
    merged = Mergers(points, np.ones(20), 15, 1)
    kept = [point for point in points if np.any(np.all(merged.centers == point, axis=1))]
    means = [center for center in merged.centers if np.abs(center).max() < 10]
    assert len(means) == 14
    exact = np.delete(points, 3, axis=0).sum(axis=0)
    weights = merged.weights[np.abs(merged.centers).max(axis=1) < 10]
    assert_allclose(weights @ np.array(means), exact, atol=1e-12)
    assert any(np.array_equal(point, points[3]) for point in kept)
