"""scikit-learn's scalers as graphs, alone and before our estimators."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from algos import PCA, KMeans
from algos.onnx import to_onnx
from tests.onnx.running import assert_equal_outputs

pytest.importorskip("onnx", reason="the extra `onnx` brings it")

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    StandardScaler(with_mean=False, with_std=False),
    MinMaxScaler(),
    MinMaxScaler((-2, 3), clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False, quantile_range=(10, 90)),
    RobustScaler(with_scaling=False),
    Normalizer(),
    Normalizer("l1"),
    Normalizer("max"),
]


@pytest.fixture(scope="module")
def rows():
    """Columns of other sizes and offsets; one is constant, and of the rows one is zero."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5)) * [1e-3, 1, 1, 100, 0] + [0, 0, 3, -50, 2]
    X[7] = 0
    return X


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fitted_in", ["float32", "float64"])
@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_rows_are_scaled_alike(rows, scaler, fitted_in, dtype):
    scaler.fit(rows[:60].astype(fitted_in))  # so that some of the others are outside
    found = assert_equal_outputs(scaler, rows, dtype)
    assert list(found) == ["transform"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_nearly_no_length_stay_as_they_are(rows, dtype):
    X = rows * np.logspace(-30, 0, len(rows))[:, np.newaxis]
    assert_equal_outputs(Normalizer().fit(X), X, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_labels_after_a_scaler_and_components_are_the_same(rows, scaler, dtype):
    model = make_pipeline(scaler, PCA(3), KMeans(4, random_state=0)).fit(rows)
    assert set(assert_equal_outputs(model, rows, dtype)) == {"predict", "transform"}


@pytest.mark.parametrize("scaler", SCALERS[::4], ids=repr)
def test_what_is_not_fitted_is_refused(scaler):
    with pytest.raises(NotFittedError):
        to_onnx(make_pipeline(type(scaler)(), PCA()))


class Doubling(StandardScaler):
    def transform(self, X, copy=None):
        return 2 * super().transform(X, copy)


def test_what_transforms_otherwise_is_refused():
    X = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match=r"`estimator` must be one of .*Doubling"):
        to_onnx(Doubling().fit(X))
