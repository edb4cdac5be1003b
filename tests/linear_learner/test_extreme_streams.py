"""Streams of values near the ends of double's range: numbers or one clear error, no warnings."""

import numpy as np
import pytest

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.decisions import decision_values
from algos.linear_learner.extremes import check_numbers, noticing, product
from algos.linear_learner.penalties import candidate_grid
from algos.linear_learner.stream import Stream
from algos.linear_learner.targets import weight_in
from tests.common.estimators import assert_same_bits, learned

HUGE = 1.7e308


def of_one_column(value, **parameters):
    """Return a learner of a constant column: its variance is none, whatever its size."""
    X, y = np.full((4, 1), value), np.array([0, 1, 0, 1])
    return LinearLearnerClassifier(alpha=0.1, **parameters).partial_fit(X, y)


def test_streams_too_far_apart_are_not_merged():
    one, other = of_one_column(HUGE), of_one_column(-HUGE)
    before = learned(one)
    with pytest.raises(ValueError, match="variance of X"):
        one.merge(other)
    assert_same_bits(learned(one), before)


def test_a_mean_far_from_many_rows_may_still_have_a_variance():
    X, y = np.ones((4000, 1)), np.arange(4000) % 2
    one = LinearLearnerClassifier(alpha=0.1).partial_fit(X, y)
    one.merge(of_one_column(2e154))  # whose square is more than a float holds
    assert np.isfinite(one.coef_).all()


@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
@pytest.mark.parametrize("loss", ["huber", "squared_epsilon_insensitive"])
def test_losses_beyond_the_range_are_infinite(loss):
    y = np.array([1e200, -1e200, 1e200, -1e200])
    model = LinearLearnerRegressor(loss, alpha=0.1, delta=1e200, random_state=0)
    for _ in range(2):
        model.partial_fit(np.arange(4.0)[:, np.newaxis], y)
    assert np.isfinite(model.predict(np.ones((1, 1)))).all()
    assert model.objective_ == np.inf


def test_the_loss_of_a_batch_after_an_infinite_one_is_infinite(capsys):
    model = LinearLearnerRegressor(
        "squared_epsilon_insensitive", alpha=0.1, random_state=0, verbose=1
    )
    for _ in range(2):
        model.partial_fit(np.arange(4.0)[:, np.newaxis], np.array([1e200, -1e200, 1e200, -1e200]))
    assert "nan" not in capsys.readouterr().out


def test_weights_that_vanish_beside_earlier_ones_are_learned():
    X, y = np.arange(6.0)[:, np.newaxis], np.arange(6) % 2
    model = LinearLearnerClassifier(alpha=0.1, batch_size=2, random_state=0)
    model.partial_fit(X, y, sample_weight=[5e-324] * 5 + [1e300])
    assert np.isfinite(model.coef_).all()
    assert (weight_in(np.array([5e-324, 1e300]), 997) > 0).all()


def test_alphas_of_targets_of_any_size_are_positive_numbers():
    for curvature in (0.0, 5e-324, HUGE):
        for gradient in (5e-324, HUGE):
            grid = candidate_grid(
                "auto", [0.0, 0.5], 3, gradient=gradient, curvature=curvature, is_wide=False
            )
            alphas = [one.alpha for one in grid]
            assert np.isfinite(alphas).all()
            assert min(alphas) > 0


def test_products_of_huge_factors_are_clipped_and_add_up():
    coef, values = np.array([1e200, -1e200, 1e200]), np.array([1e200, 1e200, 1e-300])
    assert product(coef, values) == 0.0
    assert product(coef[:1], values[:1]) == np.finfo(np.float64).max
    assert product(coef[2:], values[2:]) == coef[2] * values[2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decisions_whose_terms_are_infinite_are_their_sum(dtype):
    X = np.array([[1e30, 1e30, 2.0], [1e30, 0, 1], [0, 1e30, 1], [0, 0, 3]], dtype=dtype)
    found = decision_values(X, np.array([[1e300, -1e300, 0.5]]), np.array([1.0]), 1)[:, 0]
    assert found[1:].tolist() == [np.inf, -np.inf, 2.5]
    assert not np.isnan(found[0])


def test_a_threshold_that_float32_cannot_hold_lets_nothing_above_it_below():
    X = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    model = LinearLearnerClassifier("hinge", alpha=0.1).fit(X, [0, 1, 0, 1])
    single = np.dtype(np.float32)
    for cut in (0.1, -0.1, 0.7):
        model.threshold_ = cut
        assert float(model._threshold_in(single)) <= cut
    for cut in (1e300, -1e300):  # infinite decisions are measured from it
        model.threshold_ = cut
        assert np.isfinite(model._threshold_in(single))


def test_states_that_are_not_finite_are_refused():
    check_numbers({"cumulative_loss": np.array([np.inf]), "n_steps": 3}, Stream.may_be_infinite)
    for parts in (
        {"theta": np.array([np.inf])},
        {"cumulative_loss": np.array([np.nan])},
        {"a": {"b": np.nan}},
    ):
        with pytest.raises(ValueError, match="less extreme"):
            check_numbers(parts, Stream.may_be_infinite)


def test_what_numpy_would_warn_of_is_noticed():
    with noticing() as noticed:
        np.ldexp(1.0, 2000)
    assert noticed == ["overflow"]
