"""Metrics of forecasts against their textbook definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from scipy.integrate import quad
from sklearn.metrics import mean_pinball_loss

from algos.metrics import (
    crps_from_samples,
    mean_absolute_scaled_error,
    mean_scaled_interval_score,
    normalized_deviation,
    weighted_quantile_loss,
)

LEVELS = np.array([0.1, 0.5, 0.8])


@pytest.fixture
def forecast():
    rng = np.random.default_rng(0)
    truth = rng.normal(3, 2, size=(5, 4))
    samples = rng.normal(3, 2, size=(5, 30, 4))
    return truth, samples, np.moveaxis(np.quantile(samples, LEVELS, axis=1), 0, 1)


def test_the_quantile_loss_is_that_of_scikit_learn_over_the_sum_of_magnitudes(forecast):
    truth, _, quantiles = forecast
    expected = [
        2 * truth.size * mean_pinball_loss(truth.ravel(), quantiles[:, j].ravel(), alpha=level)
        / np.abs(truth).sum()
        for j, level in enumerate(LEVELS)
    ]  # fmt: skip
    each = weighted_quantile_loss(truth, quantiles, LEVELS, multioutput="raw_values")
    np.testing.assert_allclose(each, expected, rtol=1e-12)
    assert weighted_quantile_loss(truth, quantiles, LEVELS) == pytest.approx(np.mean(expected))
    assert normalized_deviation(truth, quantiles[:, 1]) == pytest.approx(expected[1])


def test_the_score_of_samples_is_the_integral_over_their_distribution_function(forecast):
    truth, samples, _ = forecast
    for y, x in ((truth[0, 0], samples[0, :, 0]), (9.0, samples[1, :, 0])):
        law = stats.ecdf(x).cdf

        def squared(t, y=y, law=law):
            return (law.evaluate(t) - (t >= y)) ** 2

        ends = np.sort([*x, y])
        expected = sum(quad(squared, a, b)[0] for a, b in itertools.pairwise(ends))
        assert crps_from_samples([y], [x]) == pytest.approx(expected)


def test_the_score_of_samples_is_a_mean_over_pairs(forecast):
    truth, samples, _ = forecast
    error = np.abs(samples - truth[:, None]).mean(axis=1)
    pairs = np.abs(samples[:, :, None] - samples[:, None]).sum(axis=(1, 2))
    assert crps_from_samples(truth, samples) == pytest.approx((error - pairs / 30**2 / 2).mean())
    fair = crps_from_samples(truth, samples, fair=True)
    assert fair == pytest.approx((error - pairs / (30 * 29) / 2).mean())


def test_the_fair_score_is_that_of_the_law_however_few_the_samples():
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=20_000), rng.normal(size=(20_000, 3))
    law = 1 / np.sqrt(np.pi)  # E |x - y| - E |x - x'| / 2 of standard normal numbers
    assert crps_from_samples(y, x, fair=True) == pytest.approx(law, abs=0.02)
    assert crps_from_samples(y, x) > law + 0.1


def test_one_sample_has_its_absolute_error(forecast):
    truth, samples, _ = forecast
    error = np.abs(truth - samples[:, 0]).mean()
    assert crps_from_samples(truth, samples[:, :1]) == pytest.approx(error)


def test_the_mean_quantile_loss_approaches_the_score_of_samples():
    rng = np.random.default_rng(1)
    truth, samples = rng.normal(5, 1, size=(40, 3)), rng.normal(5, 1, size=(40, 400, 3))
    levels = (np.arange(400) + 0.5) / 400
    quantiles = np.moveaxis(np.quantile(samples, levels, axis=1), 0, 1)
    share = crps_from_samples(truth, samples) / np.abs(truth).mean()
    assert weighted_quantile_loss(truth, quantiles, levels) == pytest.approx(share, rel=5e-3)


def test_scaled_errors_are_those_of_hyndman_and_koehler():
    train = [np.array([1.0, 2, 4, 3, 5]), np.array([10.0, 12, 11, 15])]
    truth, found = np.array([[6.0, 5], [14, 13]]), np.array([[5.0, 5], [11, 15]])
    naive = [np.mean([3, 1, 1]), np.mean([1, 3])]
    expected = np.mean([0.5 / naive[0], 2.5 / naive[1]])
    assert mean_absolute_scaled_error(truth, found, train, season=2) == pytest.approx(expected)
    low, high = found - 1, found + 1
    # Outside by 0 and 0, by 2 and 1.
    expected = np.mean([2 / naive[0], (2 + 2 / 0.2 * 1.5) / naive[1]])
    score = mean_scaled_interval_score(truth, low, high, train, alpha=0.2, season=2)
    assert score == pytest.approx(expected)


@pytest.mark.parametrize("size", [1e-300, 1e300, 1.7e308])
def test_scaled_errors_of_any_size_are_the_same(size):
    train = [np.array([-1.0, 1, 0.5, -1, 1]) * size]
    truth, found = size * np.array([[1.0, -1]]), size * np.array([[-1.0, 0]])
    naive = np.mean([2, 0.5, 1.5, 2])
    error = mean_absolute_scaled_error(truth, found, train)
    assert error == pytest.approx(1.5 / naive)
    score = mean_scaled_interval_score(truth, found, found, train, alpha=0.5)
    assert score == pytest.approx(4 * 1.5 / naive)


def test_frames_have_their_series_in_rows():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    rng = np.random.default_rng(0)
    truth, found, train = (rng.normal(size=shape) for shape in ((3, 2), (3, 2), (3, 9)))
    frames = [pd.DataFrame(values) for values in (truth, found, train)]
    error = mean_absolute_scaled_error(truth, found, train)
    assert mean_absolute_scaled_error(*frames) == pytest.approx(error)


def test_the_interval_score_is_least_at_the_quantiles():
    rng = np.random.default_rng(0)
    truth, train = rng.normal(size=(1, 50_000)), rng.normal(size=(1, 100))
    scores = [
        mean_scaled_interval_score(
            truth, np.full_like(truth, -z), np.full_like(truth, z), train, alpha=0.2
        )
        for z in (0.8, stats.norm.isf(0.1), 2.0)
    ]
    assert np.argmin(scores) == 1


def test_what_is_not_known_is_left_out(forecast):
    truth, samples, quantiles = forecast
    truth, train = truth.copy(), np.random.default_rng(2).normal(size=(5, 30))
    kept = truth[:, :3].copy()
    truth[:, 3] = np.nan
    for metric, of_all, of_kept in (
        (weighted_quantile_loss, (quantiles, LEVELS), (quantiles[:, :, :3], LEVELS)),
        (crps_from_samples, (samples,), (samples[:, :, :3],)),
        (normalized_deviation, (quantiles[:, 0],), (quantiles[:, 0, :3],)),
        (mean_absolute_scaled_error, (quantiles[:, 0], train), (quantiles[:, 0, :3], train)),
    ):
        assert metric(truth, *of_all) == pytest.approx(metric(kept, *of_kept), rel=1e-12)
    gaps = train.copy()
    gaps[:, 10] = np.nan
    ragged = [np.append(row, np.nan) for row in train]
    error = mean_absolute_scaled_error(truth, quantiles[:, 0], train)
    assert mean_absolute_scaled_error(truth, quantiles[:, 0], ragged) == pytest.approx(error)
    assert mean_absolute_scaled_error(truth, quantiles[:, 0], gaps) != pytest.approx(error)


def test_series_without_a_scale_are_left_out(forecast):
    truth, _, quantiles = forecast
    train = [np.arange(9.0), np.ones(9), np.empty(0), np.ones(1), np.arange(9.0) ** 2]
    found = mean_absolute_scaled_error(truth, quantiles[:, 1], train)
    used = [0, 4]
    expected = mean_absolute_scaled_error(truth[used], quantiles[used, 1], [train[0], train[4]])
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="`y_train` must have a series longer than"):
        mean_absolute_scaled_error(truth, quantiles[:, 1], np.ones((5, 9)))


@settings(max_examples=25, deadline=None)
@given(factor=st.sampled_from([1e-150, 1e-9, 3.0, 1e150]), seed=st.integers(0, 99))
def test_shares_have_no_units_and_scores_those_of_the_values(factor, seed):
    rng = np.random.default_rng(seed)
    truth, samples, train = (rng.normal(size=shape) for shape in ((3, 2), (3, 7, 2), (3, 9)))
    quantiles = np.moveaxis(np.quantile(samples, LEVELS, axis=1), 0, 1)
    for metric, arguments in (
        (weighted_quantile_loss, (quantiles,)),
        (normalized_deviation, (samples[:, 0],)),
        (mean_absolute_scaled_error, (samples[:, 0], train)),
        (mean_scaled_interval_score, (quantiles[:, 0], quantiles[:, 2], train)),
    ):
        scaled = [factor * argument for argument in arguments]
        rest = (LEVELS,) if metric is weighted_quantile_loss else ()
        expected = metric(truth, *arguments, *rest)
        assert metric(factor * truth, *scaled, *rest) == pytest.approx(expected)
    score = crps_from_samples(truth, samples)
    assert crps_from_samples(factor * truth, factor * samples) == pytest.approx(factor * score)


def test_where_all_is_zero_each_value_counts_as_one():
    assert normalized_deviation([[0, 0]], [[0, 3]]) == 1.5
    assert weighted_quantile_loss([[0, 0]], [[[0, 3]]], [0.5]) == 1.5
    assert weighted_quantile_loss([0.0], [[0.0]], [0.5]) == 0


def test_many_samples_are_sorted_in_parts(forecast, monkeypatch):
    truth, samples, _ = forecast
    score = crps_from_samples(truth, samples)
    monkeypatch.setattr("algos.deepar.accuracy._CHUNK", 250)
    assert crps_from_samples(truth, samples) == pytest.approx(score, rel=1e-14)


Y = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: weighted_quantile_loss(Y, np.ones((3, 2, 3)), LEVELS),
            r"\(3, 2, 3\).*\(2, 3, 3\)",
        ),
        (lambda: weighted_quantile_loss(Y, np.ones((2, 3, 3)), [0.1, 0.5, 1.0]), "`quantiles`=.*"),
        (lambda: weighted_quantile_loss(Y, np.ones((2, 1, 3)), np.nan), "`quantiles`=nan must"),
        (
            lambda: weighted_quantile_loss(Y, np.ones((2, 1, 3)), [0.5], multioutput="all"),
            "`multioutput`='all' must be one of",
        ),
        (lambda: crps_from_samples(Y, np.ones((2, 3))), r"\(2, 3\) must.*\(2, n_samples, 3\)"),
        (lambda: crps_from_samples(Y, np.ones((2, 1, 3)), fair=True), "at least two"),
        (lambda: normalized_deviation(Y, np.ones((3, 2))), r"\(3, 2\) must have.*\(2, 3\)"),
        (lambda: normalized_deviation(np.full((2, 3), np.nan), Y), "all are NaN"),
        (lambda: normalized_deviation(Y, np.full((2, 3), np.nan)), "y_pred contains NaN"),
        (lambda: normalized_deviation(Y * np.inf, Y), "y_true contains inf"),
        (lambda: mean_absolute_scaled_error(Y, Y, np.ones((3, 9))), "has 3 series and must have 2"),
        (lambda: mean_absolute_scaled_error(Y, Y, np.ones((2, 9)), season=0), "`season`=0 must"),
        (lambda: mean_scaled_interval_score(Y, Y, Y - 1, np.ones((2, 9))), "not be above"),
        (lambda: mean_scaled_interval_score(Y, Y, Y, Y, alpha=1.0), "`alpha`=1.0 must"),
    ],
)
def test_bad_input_is_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()
