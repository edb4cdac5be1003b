"""Principal components as a graph."""

import numpy as np
import pytest

from algos import PCA
from tests.onnx.running import assert_equal_outputs

pytest.importorskip("onnx", reason="the extra `onnx` brings it")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(80, 3)) @ rng.normal(size=(3, 6)) + 0.1 * rng.normal(size=(80, 6))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
@pytest.mark.parametrize("fitted_in", ["float32", "float64"])
def test_projections_at_any_offset(rows, whiten, offset, fitted_in, dtype):
    X = rows + offset
    pca = PCA(3, whiten=whiten).fit(X.astype(fitted_in))
    found = assert_equal_outputs(pca, X, dtype)
    assert list(found) == ["transform"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_components", [None, 0.9, "mle", 1])
def test_any_number_of_components(rows, n_components, dtype):
    assert_equal_outputs(PCA(n_components).fit(rows), rows, dtype)


def test_constant_columns_whiten_to_zero():
    X = np.tile([[1.0, 2.0, 3.0]], (5, 1))
    assert_equal_outputs(PCA(2, whiten=True).fit(X), X, "float64", unit=1)


def test_streams(rows):
    sketch = PCA(2, svd_solver="sketch", random_state=0).partial_fit(rows)
    assert_equal_outputs(sketch, rows, "float64")
    assert_equal_outputs(PCA(2).partial_fit(rows[:40]).partial_fit(rows[40:]), rows, "float64")
