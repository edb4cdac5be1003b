"""The measures of forecasts against cases computed by hand, and the panels they are of."""

import numpy as np
import pytest

from benchmarks import forecasts, fresh, storage
from benchmarks.cases import deepar, forecast_data
from benchmarks.peers import forecasters, seasonal_naive as naive
from benchmarks.workload import Unreachable


def constant(value, n=1, horizon=2):
    return np.full((n, len(forecasts.QUANTILES), horizon), float(value))


def test_loss_of_a_point_is_the_normalized_deviation():
    # Twice the pinball losses of q and 1 - q sum to twice the absolute error.
    truth = np.array([[3.0, 5.0]])
    found = constant(4.0)
    assert forecasts.weighted_quantile_loss(truth, found) == pytest.approx(2 / 8)
    assert forecasts.normalized_deviation(truth, found) == pytest.approx(2 / 8)


def test_loss_by_the_formula():
    truth = np.array([[10.0]])
    quantiles = np.arange(5.0, 14.0).reshape(1, 9, 1)  # 5 … 13 for 0.1 … 0.9
    error = 10 - np.arange(5.0, 14.0)
    losses = np.where(error > 0, forecasts.QUANTILES * error, (forecasts.QUANTILES - 1) * error)
    expected = 2 * losses.sum() / 9 / 10
    assert forecasts.weighted_quantile_loss(truth, quantiles) == pytest.approx(expected)


def test_missing_truth_counts_nowhere():
    truth, found = np.array([[3.0, np.nan]]), constant(4.0)
    assert forecasts.weighted_quantile_loss(truth, found) == pytest.approx(1 / 3)
    assert forecasts.normalized_deviation(truth, found) == pytest.approx(1 / 3)
    assert forecasts.coverage(truth, found) == 0.0


def test_scaled_error_is_in_units_of_each_series_own_seasons():
    X = np.array([[1.0, 2, 3, 4, np.nan], [0, 10, 20, 30, 40], [7, 7, 7, 7, 7]])
    truth = np.array([[6.0, 6.0], [25.0, 25.0], [9.0, 9.0]])
    found = constant(5.0, n=3)
    # Seasons of two steps differ by 2 and by 20; the third series never changes.
    assert forecasts.scaled_error(X, truth, found, 2) == pytest.approx((1 / 2 + 20 / 20) / 2)


def test_coverage_counts_the_ends():
    quantiles = np.arange(1.0, 10.0).reshape(1, 9, 1).repeat(4, axis=2)
    truth = np.array([[1.0, 9.0, 5.0, 9.5]])
    assert forecasts.coverage(truth, quantiles) == 0.75


def test_quantiles_of_samples_are_of_each_series_and_step():
    samples = np.arange(101.0)[None, :, None] * np.array([1.0, 2.0]) + np.zeros((3, 1, 1))
    found = forecasts.of_samples(samples)
    assert found.shape == (3, 9, 2)
    np.testing.assert_allclose(found[1, :, 1], 200 * forecasts.QUANTILES)


def test_seeds_tell_means_and_the_deviation_of_the_first():
    found = forecasts.over_seeds([{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}])
    assert found == {"a": 2.0, "a ±": pytest.approx(2**0.5), "b": 3.0}
    assert forecasts.over_seeds([{"a": 1.0}]) == {"a": 1.0}


def panel(X, horizon=3, season=2):
    return forecasters.Panel.of(
        X, np.zeros((len(X), horizon)), np.datetime64("2024-01-01"), "D", season, "student_t"
    )


def test_naive_forecasts_repeat_the_season_and_widen():
    X = np.array([[1.0, 5, 3, 5, 1, 5], [2, np.nan, 2, 4, np.nan, np.nan]])
    found = naive.Adapter().forecast(panel(X), 0, 1)
    np.testing.assert_allclose(found[0, 4], [1, 5, 1])
    np.testing.assert_allclose(found[1, 4], [2, 4, 2])  # the gap is the value before
    width = found[0, 8] - found[0, 4]
    np.testing.assert_allclose(width, 1.2815515655 * np.sqrt(2 * np.array([1, 1, 2])))
    np.testing.assert_allclose(
        naive.Adapter("point").forecast(panel(X), 0, 1), found[:, 4:5].repeat(9, 1)
    )
    np.testing.assert_allclose(
        naive.Adapter("last").forecast(panel(X), 0, 1)[:, 4], [[5] * 3, [4] * 3]
    )


def test_the_task_of_the_naive_is_judged():
    arrays = forecast_data.panel(50, "planted")
    options = {"n_jobs": 1, "n_seeds": 5, "seconds": 9.0}
    found = deepar.of_value(naive.Adapter().forecast_value(**arrays, **options)(), arrays)
    assert found["wQL / law's"] > 1.1 and 0.5 < found["inside 80 %"] <= 1.0
    assert "wQL ±" not in found  # a seed makes no difference


class OneMean(forecasters.Forecasters):
    """Draws around the mean of each series, and counts its steps."""

    title, importing = "one mean", "import json"
    steps = 0

    def version(self):
        return "1"

    def learn_series(self, panel, seed, n_jobs, max_iter=100, n_batches=50):
        self.steps += max_iter * n_batches
        return seed

    def draw_paths(self, model, panel, n_samples):
        rng = np.random.default_rng(model)
        shape = len(panel.X), n_samples, panel.horizon
        return np.nanmean(panel.X, axis=1)[:, None, None] + rng.normal(size=shape)


def test_windows_are_forecast_one_behind_the_other_by_one_model():
    whole, found = forecast_data.planted(), forecast_data.windows(1, "planted", 3)
    assert found["X"].shape == (200, 700 - 2 * 24) and found["later"].shape == (200, 72)
    np.testing.assert_array_equal(found["truth"][400:], whole["truth"])
    arrays = {name: value for name, value in found.items() if name not in ("mean", "deviation")}
    panels = forecasters.Panel.of(**arrays).windows(arrays["later"])
    assert [one.X.shape[1] for one in panels] == [652, 676, 700]
    np.testing.assert_array_equal(panels[2].X, whole["X"])
    peer = OneMean()
    outcome = peer.forecast_value(1, 2, 60.0, **arrays)()
    assert peer.steps == 2 * 100 * 50
    assert 0 < deepar.of_value(outcome, arrays)["wQL"] < 1
    naive_outcome = naive.Adapter().forecast_value(1, 1, 60.0, **arrays)()
    assert naive_outcome["quantiles"][0].shape == (600, 9, 24)


def test_tasks_of_samplers_tell_steps_and_draws():
    arrays, peer = forecast_data.panel(1, "planted"), OneMean()
    outcome = peer.forecast_epochs(1, 5, **arrays)()
    assert outcome["steps"] == 250 and peer.steps == 50 * (1 + 1 + 6)
    assert deepar.of_epochs(outcome, arrays)["ms a step"] > 0
    outcome = peer.forecast_paths(1, 10, **arrays)()
    assert outcome["shape"] == (200, 10, 24)
    assert deepar.of_paths(outcome, arrays)["M draws/s"] > 0
    outcome = peer.forecast_value(1, 2, 60.0, **arrays)()
    assert outcome["note"] == "2 seeds"
    assert deepar.of_value(outcome, arrays)["wQL ±"] > 0


def test_a_planted_panel_is_of_its_law():
    found = forecast_data.planted(300)
    error = (found["truth"] - found["mean"]) / found["deviation"]
    assert abs(error.mean()) < 0.05 and error.std() == pytest.approx(1.0, abs=0.05)
    assert np.isnan(found["X"][::3]).any(axis=1).all() and not np.isnan(found["X"][1::3]).any()


def test_a_panel_of_real_hours_is_replaced_where_it_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("ALGOS_DATA", str(tmp_path))
    with pytest.raises(Unreachable, match="m4_hourly"):
        forecast_data.m4_hourly()
    found = forecast_data.hours(50)
    assert found["X"].shape == (8, 960) and found["truth"].shape == (8, 48)
    assert "generated" in found["source"] and found["short"] == 1


def test_panels_travel_to_the_worker(tmp_path):
    arrays = forecast_data.panel(50, "planted")
    storage.write_arrays(tmp_path / "arrays.npz", arrays)
    found = forecasters.Panel.of(**storage.read_arrays(tmp_path / "arrays.npz"))
    assert found.freq == "h" and found.horizon == 24
    assert found.start == np.datetime64("2024-01-01T00") and found.dynamic_real is None
    np.testing.assert_array_equal(found.static_categorical, arrays["static_categorical"])


def test_a_fresh_process_tells_what_it_took(monkeypatch, tmp_path):
    arrays = forecast_data.panel(50, "planted")
    storage.write_arrays(tmp_path / "arrays.npz", arrays)
    monkeypatch.setattr(fresh.peers, "load", lambda name: OneMean())
    found = fresh.answer("import json", "one_mean", tmp_path / "arrays.npz", "1")
    measured = deepar.of_process(found, arrays)
    assert set(measured) == {"import s", "fit s", "draw s", "process MB"}
    assert measured["process MB"] > 10
