"""The fan chart: what is drawn, and errors."""

import sys

import numpy as np
import pytest

from algos import DeepARForecaster
from algos.deepar import panel_from_wide
from algos.plotting import ForecastDisplay


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib draws")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture
def paths():
    return np.random.default_rng(0).normal(size=(60, 5)).cumsum(axis=1)


class PlainForecaster:
    """What the display asks of a forecaster: quantiles are levels, scaled by the last value."""

    freq = "D"
    prediction_length = 4

    def predict_quantiles(self, X, quantiles, *, horizon=None, **covariates):
        self.asked = covariates
        (row,) = X
        known = row[~np.isnan(row)]
        steps = np.ones(self.prediction_length if horizon is None else horizon)
        return known[-1] * np.asarray(quantiles)[None, :, None] * steps


def limits(band):
    """The lower and the upper edge of a band, as far as its corners tell."""
    corners = band.get_paths()[0].vertices
    steps = np.unique(corners[:, 0])
    edges = [corners[corners[:, 0] == step, 1] for step in steps]
    return [edge.min() for edge in edges], [edge.max() for edge in edges]


def test_bands_are_quantiles_of_the_paths_the_widest_first(pyplot, paths):
    display = ForecastDisplay.from_samples(paths, coverages=(0.8, 0.5), history=[1.0, np.nan, 2])
    widest, narrow = display.bands_
    for band, ends in ((widest, (0.1, 0.9)), (narrow, (0.25, 0.75))):
        low, high = np.quantile(paths, ends, axis=0)
        np.testing.assert_allclose(limits(band), [low, high])
    assert [band.get_label() for band in display.bands_] == ["80 %", "50 %"]
    np.testing.assert_allclose(display.median_line_.get_ydata(), np.median(paths, axis=0))
    assert display.median_line_.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert display.history_line_.get_xdata().tolist() == [-2, -1, 0]
    shown = {text.get_text() for text in display.ax_.get_legend().texts}
    assert shown == {"past", "80 %", "50 %", "median"}
    assert display.truth_line_ is None
    display.figure_.canvas.draw()


def test_a_display_takes_axes_and_keywords(pyplot, paths):
    _, ax = pyplot.subplots()
    display = ForecastDisplay.from_samples(paths, truth=[1, 2.0], ax=ax, color="red")
    assert display.ax_ is ax and len(pyplot.get_fignums()) == 1
    assert display.median_line_.get_color() == "red"
    widest, narrow = (band.get_facecolor()[0].tolist() for band in display.bands_)
    assert widest[0] == narrow[0] == 1 and 1 > widest[1] == widest[2] > narrow[1] > 0
    assert display.truth_line_.get_xdata().tolist() == [1, 2]
    assert display.history_line_ is None
    assert display.plot(ax=ax).truth_line_ is not None


def test_a_single_step_is_seen(pyplot, paths):
    display = ForecastDisplay.from_samples(paths[:, :1], truth=[0.3])
    assert display.median_line_.get_marker() == display.truth_line_.get_marker() == "o"
    assert display.bands_[0].get_linewidth()[0] > 0


def test_given_quantiles_need_no_middle(pyplot):
    display = ForecastDisplay([[1, 2], [3, 4]], [0.1, 0.7]).plot()
    assert display.median_line_ is None
    assert [band.get_label() for band in display.bands_] == ["60 %"]


def test_only_one_series_is_forecast_with_its_covariates(pyplot):
    X = np.arange(60.0).reshape(3, 20)
    X[1, :2] = X[1, 15:] = np.nan
    forecaster = PlainForecaster()
    covariates = {"static_categorical": np.array([["a"], ["b"], ["c"]]), "static_real": np.eye(3)}
    starts = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], dtype="datetime64[D]")
    display = ForecastDisplay.from_estimator(
        forecaster, X, series=1, n_past=6, start=starts, coverages=0.5, **covariates
    )
    assert forecaster.asked["static_categorical"].tolist() == [["b"]]
    assert forecaster.asked["static_real"].tolist() == [[0, 1, 0]]
    assert forecaster.asked["start"].tolist() == starts[[1]].tolist()
    assert display.history_line_.get_ydata().tolist() == X[1, 9:15].tolist()
    np.testing.assert_allclose(display.median_line_.get_ydata(), 34.0 * 0.5)
    # The forecast begins on the day after the last value: 15 days after the first column.
    begins = np.asarray(display.times, dtype="datetime64[D]")
    assert begins[6] == np.datetime64("2020-02-16") and len(begins) == 10
    display.figure_.canvas.draw()


def test_without_dates_steps_are_counted_and_one_start_serves_all(pyplot):
    X, forecaster = [np.arange(1.0, 31), np.arange(5.0)], PlainForecaster()
    display = ForecastDisplay.from_estimator(forecaster, X, horizon=2)
    assert display.history_line_.get_xdata().tolist() == [-5, -4, -3, -2, -1, 0]
    assert forecaster.asked == {}
    display = ForecastDisplay.from_estimator(forecaster, X, series=1, start="2021-05-03")
    assert forecaster.asked == {"start": "2021-05-03"}
    assert str(display.times[0]).startswith("2021-05-03") and len(display.times) == 9


def test_a_fitted_forecaster_is_drawn(pyplot):
    X = np.sin(np.arange(80) / 3) + np.array([[3.0], [5.0]])
    forecaster = DeepARForecaster(
        6, freq="h", hidden_size=8, max_iter=1, n_batches=2, n_samples=20, random_state=0
    ).fit(X, start="2024-01-01")
    display = ForecastDisplay.from_estimator(forecaster, X, series=1, start="2024-01-01")
    expected = forecaster.predict_quantiles(X, [0.5], start="2024-01-01")[1, 0]
    np.testing.assert_allclose(display.median_line_.get_ydata(), expected)
    assert np.datetime64(display.times[18], "h") == np.datetime64("2024-01-04T08")
    new = ForecastDisplay.from_estimator(forecaster, [[]], start="2024-01-01")
    assert new.history_line_ is None


def test_wrong_arguments_are_named(paths):
    pytest.importorskip("matplotlib", reason="matplotlib draws")
    draw = ForecastDisplay.from_samples
    with pytest.raises(ValueError, match=r"`samples` of shape \(5,\) must be paths of one series"):
        draw(paths[0])
    with pytest.raises(ValueError, match=r"`coverages`=1.5 must be in \(0, 1\)"):
        draw(paths, coverages=1.5)
    with pytest.raises(ValueError, match=r"`truth` of shape \(6,\) must have at most one value"):
        draw(paths, truth=np.ones(6))
    with pytest.raises(ValueError, match=r"`times` of shape \(5,\) must have one entry for each"):
        draw(paths, history=[1.0], times=np.arange(5))
    with pytest.raises(ValueError, match=r"`quantiles` of shape \(1, 2\) must have one row"):
        ForecastDisplay([[1, 2]], [0.1, 0.9]).plot()
    with pytest.raises(ValueError, match=r"`levels`=\[0.9, 0.1\] must ascend"):
        ForecastDisplay([[1, 2], [3, 4]], [0.9, 0.1]).plot()
    for series in (2, [0], ("a", "b"), 0.0):
        with pytest.raises(ValueError, match=r"`series`=.* must be in \[0, 1\), the number of one"):
            ForecastDisplay.from_estimator(PlainForecaster(), [[1.0]], series=series)


def test_a_panel_is_drawn_by_its_parts(pyplot):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    days = pd.date_range("2026-01-01", periods=6)
    panel = panel_from_wide(pd.DataFrame({"a": np.arange(6.0)}, index=days))
    with pytest.raises(ValueError, match=r"write `ForecastDisplay\.from_estimator\(.*\*\*panel\)`"):
        ForecastDisplay.from_estimator(PlainForecaster(), panel)
    display = ForecastDisplay.from_estimator(PlainForecaster(), **panel)
    assert display.history_line_.get_ydata().tolist() == [0, 1, 2, 3, 4, 5]


def test_the_legend_can_be_left_out(pyplot, paths):
    assert ForecastDisplay.from_samples(paths).ax_.get_legend() is not None
    assert ForecastDisplay.from_samples(paths, legend=False).ax_.get_legend() is None
    display = ForecastDisplay.from_estimator(PlainForecaster(), [[1.0]], legend=False)
    assert display.ax_.get_legend() is None


def test_without_matplotlib_the_error_names_the_remedy(paths, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in (
        lambda: ForecastDisplay.from_samples(paths),
        lambda: ForecastDisplay.from_estimator(PlainForecaster(), [[1.0]]),
        lambda: ForecastDisplay([[1]], [0.5]).plot(),
    ):
        with pytest.raises(ImportError, match="needs matplotlib; install it"):
            draw()
