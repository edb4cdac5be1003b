"""Windows of a panel: what they hold, and which of them are drawn."""

import numpy as np
import pytest

from algos.deepar.encoding import fit_panel, with_horizon
from algos.deepar.windows import Batch, Plan, Sampler, Source

KEY = np.array([1, 2], dtype=np.uint64)
LAGS = np.array([1, 2, 6], dtype=np.int32)


def panel_and_plan(X, context=8, prediction=4, likelihood="gaussian", **arguments):
    panel, encoding = fit_panel(X, likelihood=likelihood, **arguments)
    return panel, encoding, encoding.plan(context, prediction, LAGS)


def gathered(panel, plan, series, positions, n_steps=None, n_threads=1):
    batch = Batch.empty(plan, len(series), n_steps)
    Source(panel, plan).gather(np.array(series), np.array(positions), batch, n_threads)
    return batch


def test_inputs_are_lags_calendar_age_and_covariates():
    X = 1.0 + np.arange(40.0)[np.newaxis]
    dynamic = np.sin(np.arange(44.0))[np.newaxis, np.newaxis]
    panel, encoding, plan = panel_and_plan(
        X, freq="D", start="2026-01-05", static_categorical=["a"], static_real=[3.0],
        dynamic_real=dynamic,
    )  # fmt: skip
    batch = gathered(panel, plan, [0], [20])
    assert (plan.n_inputs, plan.n_static, plan.n_steps) == (3 + 3 + 1 + 1, 2, 12)
    inputs, steps = batch.inputs[:, 0], np.arange(12, 24)
    scale = batch.scale[0] * panel.unit[0]
    np.testing.assert_allclose(scale, X[0, 12:20].mean(), rtol=1e-6)
    for column, lag in enumerate(LAGS):
        np.testing.assert_allclose(inputs[:, column] * scale, X[0, steps - lag], rtol=1e-6)
    np.testing.assert_allclose(inputs[:, 3], steps % 7 / 6 - 0.5, atol=1e-6)  # from a Monday on
    np.testing.assert_allclose(inputs[:, 6], np.log10(14) / 2, rtol=1e-6)  # grows for 12 steps
    standard = (dynamic[0, 0] - encoding.dynamic_center) / encoding.dynamic_spread
    np.testing.assert_allclose(inputs[:, 7], standard[steps], atol=1e-6)
    np.testing.assert_allclose(batch.targets[:, 0] * scale, X[0, steps], rtol=1e-6)
    np.testing.assert_array_equal(batch.mask, 1)


def test_counts_are_targets_as_they_are():
    X = np.arange(30)[np.newaxis]
    panel, _, plan = panel_and_plan(X, likelihood="poisson")
    batch = gathered(panel, plan, [0], [20])
    np.testing.assert_array_equal(batch.targets[:, 0], np.arange(12, 24))
    np.testing.assert_allclose(batch.inputs[0, 0, 0] * batch.scale[0], 11, rtol=1e-6)


def test_the_future_is_all_but_the_values():
    X = np.ones((2, 54))
    panel, encoding, plan = panel_and_plan(X, freq="h", start="2026-01-01")
    panel = with_horizon(encoding, panel, 10)
    batch = gathered(panel, plan, [0, 1], panel.lengths, n_steps=plan.context_length + 10)
    np.testing.assert_array_equal(batch.mask[:8], 1)
    np.testing.assert_array_equal(batch.mask[8:], 0)
    for column, lag in enumerate(LAGS):
        np.testing.assert_array_equal(batch.inputs[8 + lag :, :, column], 0)
        assert (batch.inputs[: 8 + lag, :, column] > 0).all()
    assert (batch.inputs[:, :, -1] > 0).all()  # age
    hours = (np.arange(46, 64) % 24) / 23 - 0.5
    np.testing.assert_allclose(batch.inputs[:, 1, 3], hours, atol=1e-6)


def test_a_window_before_its_series_is_zero_and_masked():
    panel, _, plan = panel_and_plan(np.full((1, 30), 3.0))
    batch = gathered(panel, plan, [0, 0], [0, 3])
    for window, position in enumerate((0, 3)):
        n_before = 8 - position
        np.testing.assert_array_equal(batch.inputs[:n_before, window], 0)
        np.testing.assert_array_equal(batch.mask[:n_before, window], 0)
        np.testing.assert_array_equal(batch.mask[n_before:, window], 1)


def test_age_tells_how_series_begin_but_not_which_time_it_is():
    panel, _, plan = panel_and_plan(np.full((1, 30), 3.0))
    age = gathered(panel, plan, [0, 0], [8, 26]).inputs[:, :, -1]
    np.testing.assert_allclose(age[:, 0], np.log10(2 + np.arange(12)) / 2, rtol=1e-6)
    np.testing.assert_allclose(age[:, 1], np.log10(14) / 2, rtol=1e-6)


def test_missing_values_are_masked_and_the_scale_is_of_the_others():
    X = np.full((1, 30), 2.0)
    X[0, 14:19] = np.nan
    X[0, 19] = 4.0
    panel, _, plan = panel_and_plan(X)
    batch = gathered(panel, plan, [0], [20])
    np.testing.assert_array_equal(np.flatnonzero(batch.mask[:, 0] == 0), np.arange(2, 7))
    np.testing.assert_array_equal(batch.targets[2:7], 0)
    np.testing.assert_allclose(batch.scale[0] * panel.unit[0], (2 + 2 + 4) / 3, rtol=1e-6)


def test_contexts_of_zeros_have_the_scale_of_their_series():
    X = np.zeros((1, 30))
    X[0, 25:] = 6
    panel, _, plan = panel_and_plan(X)
    batch = gathered(panel, plan, [0, 0], [20, 26])
    np.testing.assert_allclose(batch.scale * panel.unit[0], [1.0, 6 / 8], rtol=1e-6)


def test_a_plan_is_plain():
    _, _, plan = panel_and_plan(np.ones((2, 30)))
    again = Plan(**vars(plan))
    assert all(np.array_equal(value, vars(again)[name]) for name, value in vars(plan).items())


def draws(panel, plan, window_sampling="uniform", n_windows=32, n_steps=50):
    sampler = Sampler(panel, plan, window_sampling, KEY)
    series, positions = np.empty((2, n_steps, n_windows), dtype=np.int64)
    for step in range(n_steps):
        sampler.draw(step, series[step], positions[step])
    return series, positions


def test_positions_are_all_those_whose_forecast_lies_within():
    panel, _, plan = panel_and_plan([np.ones(10), np.ones(30)])
    series, positions = draws(panel, plan)
    for i, length in enumerate((10, 30)):
        assert set(positions[series == i]) == set(range(length - 4 + 1))


def test_short_series_are_forecast_from_their_first_half():
    panel, _, plan = panel_and_plan([np.ones(1), np.ones(4), np.ones(6), np.ones(30)])
    series, positions = draws(panel, plan, n_steps=200)
    for i, last in enumerate((0, 2, 3, 26)):
        assert set(positions[series == i]) == set(range(last + 1))
    shares = np.bincount(series.ravel()) / series.size
    np.testing.assert_allclose(shares, np.array([0.25, 1, 1, 1]) / 3.25, atol=0.01)


def test_series_are_drawn_uniformly_or_by_their_scale():
    X = np.array([[1.0], [2.0], [5.0], [0.0]]) * np.ones((4, 30))
    panel, _, plan = panel_and_plan(X)
    for sampling, wanted in (("uniform", [1, 1, 1, 1]), ("scale", [1, 2, 5, 2])):
        series, _ = draws(panel, plan, sampling)
        shares = np.bincount(series.ravel(), minlength=4) / series.size
        np.testing.assert_allclose(shares, np.array(wanted) / sum(wanted), atol=0.01)


def test_every_batch_has_small_series_and_large_ones():
    X = np.geomspace(1e-6, 1e6, 64)[:, np.newaxis] * np.ones(30)
    panel, _, plan = panel_and_plan(X[np.random.default_rng(0).permutation(64)])
    scale = panel.scale * panel.unit
    series, _ = draws(panel, plan)
    for batch in series:
        ranks = np.sort(np.searchsorted(np.sort(scale), scale[batch]))
        np.testing.assert_array_equal(ranks // 2, np.arange(32))


def test_draws_hang_on_key_and_step_but_not_on_the_order_of_the_series():
    X = np.random.default_rng(0).random((9, 30)).cumsum(axis=1)
    panel, _, plan = panel_and_plan(X)
    other, _, _ = panel_and_plan(X[::-1])
    series, positions = draws(panel, plan)
    mirrored, same = draws(other, plan)
    np.testing.assert_array_equal(8 - mirrored, series)
    np.testing.assert_array_equal(same, positions)
    assert (series[0] != series[1]).any() or (positions[0] != positions[1]).any()


@pytest.mark.parametrize("window_sampling", ["uniform", "scale"])
@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_empty_series_are_never_drawn_and_huge_scales_are_no_trouble(window_sampling, size):
    panel, _, plan = panel_and_plan([[], [size] * 20, [], [size / 1e3] * 20])
    series, _ = draws(panel, plan, window_sampling, n_steps=200)
    assert set(series.ravel()) == {1, 3}


def test_windows_have_the_same_bits_for_any_number_of_threads():
    X = np.random.default_rng(0).random((300, 200))
    panel, _, plan = panel_and_plan(X)
    one, two = (gathered(panel, plan, np.arange(300), panel.lengths, n_threads=n) for n in (1, 2))
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(two, name))
