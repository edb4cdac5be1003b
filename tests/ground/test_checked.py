"""scikit-learn's search for NaN and infinity, without numpy's warnings (which are errors here)."""

import numpy as np
import pytest

from algos import PCA, DeepARForecaster, KMeans
from algos._common.checked import assert_all_finite, check_array
from algos.metrics import topic_coherence, weighted_quantile_loss

HUGE = np.repeat([[1.7e308, -1.7e308]], 16, axis=0)  # sums of either sign overflow
INFINITE = np.array([[np.inf, -np.inf]] * 16)


@pytest.mark.parametrize("order", ["C", "F"])
def test_huge_values_of_either_sign_are_right(order):
    X = np.asarray(HUGE, order=order)
    assert check_array(X) is X
    assert_all_finite(X)


@pytest.mark.parametrize(
    "ask",
    [
        check_array,
        assert_all_finite,
        lambda X: PCA(2).fit(np.eye(3)).inverse_transform(X),
        lambda X: KMeans(2, init=X[:2]).fit(np.eye(2)),
        lambda X: topic_coherence(X, np.eye(2), n_words=2),
        lambda X: weighted_quantile_loss(X, np.zeros((16, 1, 2)), [0.5]),
        lambda X: DeepARForecaster(2).fit(np.ones((16, 60)), static_real=X),
    ],
)
def test_infinities_of_either_sign_are_one_error(ask):
    with pytest.raises(ValueError, match="infinity"):
        ask(INFINITE)
