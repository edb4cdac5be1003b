"""k-means as a graph: both metrics, and rows that lie between centres."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos import KMeans
from algos.onnx import to_onnx
from tests.onnx.running import assert_equal_outputs, run

pytest.importorskip("onnx", reason="the extra `onnx` brings it")
DTYPES = ["float32", "float64"]


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(200, 5))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fitted_in", DTYPES)
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_labels_and_distances(rows, offset, fitted_in, dtype):
    X = (rows + offset).astype("float32")
    kmeans = KMeans(7, random_state=0).fit(X.astype(fitted_in))
    found = assert_equal_outputs(kmeans, X, dtype)
    assert list(found) == ["predict", "transform"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_cosine_distances_of_rows_with_and_without_direction(rows, dtype):
    kmeans = KMeans(4, metric="cosine", random_state=0).fit(rows)
    X = np.vstack([rows, np.zeros((1, 5)), rows[:9] * 1e-30, rows[:9] * 1e30])
    found = assert_equal_outputs(kmeans, X, dtype, unit=1)
    assert found["predict"][200] == 0
    assert (found["transform"][200] == 1).all()


def test_no_row_has_a_direction():
    X = np.zeros((4, 3))
    with pytest.warns(match="distinct clusters"):
        kmeans = KMeans(2, metric="cosine", random_state=0).fit(X)
    assert_equal_outputs(kmeans, np.vstack([X, np.eye(3)]), "float64")


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_rows_are_at_distance_zero(rows, dtype):
    X = (rows[:6] + 1e6).astype(dtype)
    kmeans = KMeans(6, random_state=0).fit(X)
    found = assert_equal_outputs(kmeans, kmeans.cluster_centers_, dtype)
    assert (np.diag(found["transform"]) == 0).all()
    assert found["predict"].tolist() == list(range(6))


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(2, 5), st.sampled_from(DTYPES))
def test_of_equal_distances_the_first_counts(seed, n_clusters, dtype):
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, size=(60, 2)).astype(dtype)
    centers = 2 * rng.permutation(X)[:n_clusters]  # many rows lie halfway between some
    kmeans = KMeans(n_clusters, random_state=0).fit(rng.normal(size=(9, 2)).astype(dtype))
    kmeans.cluster_centers_ = centers
    assert_equal_outputs(kmeans, X, dtype)


@pytest.mark.filterwarnings("ignore:`inertia_` overflows:UserWarning")
@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e180, 1e300])
def test_squares_beyond_doubles(rows, scale):
    kmeans = KMeans(3, random_state=0).fit(rows * scale)
    assert_equal_outputs(kmeans, rows * scale, "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_squares_beyond_singles(rows, scale, dtype):
    kmeans = KMeans(3, random_state=0).fit(rows * scale)
    assert_equal_outputs(kmeans, rows * scale, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distance", [1e3, 1e6, 1e9])
def test_groups_far_from_each_other(rows, distance, dtype):
    X = np.vstack([rows, rows[:50] + distance, rows[:1] * distance]).astype(dtype)
    kmeans = KMeans(8, random_state=0).fit(X)
    kmeans.cluster_centers_ = X[[0, 1, 2, 3, 200, 201, 202, 250]]
    assert_equal_outputs(kmeans, X, dtype)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_no_rows_at_all_and_labels_alone(rows, metric):
    kmeans = KMeans(3, metric=metric, random_state=0).fit(rows)
    found = run(to_onnx(kmeans, dtype="float64"), rows[:0])
    assert (found["predict"].shape, found["transform"].shape) == ((0,), (0, 3))
    assert_equal_outputs(kmeans, rows, "float64", outputs=["predict"])


def test_one_cluster(rows):
    assert_equal_outputs(KMeans(1, random_state=0).fit(rows), rows, "float64")
