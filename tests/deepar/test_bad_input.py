"""Bad input: one clear error, or a documented fallback; never NaN."""

import numpy as np
import pandas as pd
import pytest

from algos.deepar import panel_from_wide
from tests.deepar.series import seasonal, small


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((3, 5), np.nan), "NaN"),
        ([], "0 sample"),
        ([[], []], "NaN|observed"),
        (np.zeros((0, 4)), "0 sample"),
        (np.zeros((3, 0)), r"0 feature|observed"),
        (np.ones(5), "2D array"),
        (np.ones((2, 3, 4)), "dim 3"),
        ([np.ones((2, 2))], "one dimension"),
        ([np.ones(4), np.array(["a", "b"])], "series 1"),
        ([np.ones(4), np.array([1, np.inf])], "series 1 .*infinity"),
    ],
)
def test_no_series_to_learn_from_is_an_error(X, message):
    with pytest.raises(ValueError, match=message):
        small().fit(X)


@pytest.mark.parametrize("likelihood", ["negative_binomial", "poisson"])
def test_negative_counts_are_refused(likelihood):
    X = np.rint(seasonal(4, 30))
    X[2, 3] = -1
    with pytest.raises(ValueError, match=r"series 2 .*counts"):
        small(likelihood=likelihood).fit(X)


def test_too_many_layers_are_refused():
    with pytest.raises(ValueError, match=r"`n_layers`=17 must be an int in \[1, 16\]"):
        small(n_layers=17).fit(seasonal(4, 30))
    assert small(n_layers=16, max_iter=1).fit(seasonal(4, 30)).predict().shape == (4, 4)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_shares_outside_their_range_are_refused(value):
    X = np.full((4, 30), 0.5)
    X[1, 3] = value
    with pytest.raises(ValueError, match=r"series 1 .*\[0, 1\]"):
        small(likelihood="beta").fit(X)


@pytest.mark.filterwarnings("ignore:`prediction_length`=4 should")
@pytest.mark.parametrize("likelihood", ["student_t", "gaussian", "deterministic_l1"])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 20)),
        np.ones((1, 1)),
        np.full((2, 30), 1e30),
        np.full((2, 30), 1e-30),
        np.full((2, 30), 1e300),
        np.full((2, 30), -1e-300),
        [[1.0], [], [2.0, np.nan, 3.0]],
        np.geomspace(1e-30, 1e30, 60).reshape(2, 30),
        np.array([[1e308, -1e308] * 10, [0.0, 1e308] * 10]),
    ],
)
def test_odd_series_give_finite_forecasts(X, likelihood):
    model = small(likelihood=likelihood).fit(X)
    for found in (model.predict(), model.sample(horizon=12), model.embed()):
        assert np.all(np.isfinite(found))
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("likelihood", ["negative_binomial", "poisson", "beta"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_counts_and_shares_give_finite_forecasts(likelihood, value):
    model = small(likelihood=likelihood).fit(np.full((3, 20), value))
    assert np.all(np.isfinite(model.sample(horizon=12)))


def test_empty_series_are_forecast_from_nothing():
    model = small().fit(seasonal(5, 40))
    found = model.sample([[], [np.nan, np.nan]])
    assert np.all(np.isfinite(found))
    assert np.all(np.isfinite(model.predict(np.empty((2, 0)))))


def hourly_frame():
    """Return a frame with a column for each of three series."""
    pandas = pytest.importorskip("pandas", reason="pandas makes the frames")
    index = pandas.date_range("2026-01-01", periods=40, freq="h")
    return pandas.DataFrame(seasonal(3, 40).T, index=index, columns=list("abc"))


def test_a_frame_of_dates_names_the_helper():
    frame = hourly_frame()
    with pytest.raises(ValueError, match="panel_from_wide"):
        small().fit(frame)
    with pytest.raises(ValueError, match="panel_from_long"):
        small().fit(frame.melt(ignore_index=False).reset_index())


def test_a_panel_as_first_argument_is_to_be_unpacked():
    panel = panel_from_wide(hourly_frame())
    model = small(freq="h").fit(**panel)
    methods = ("fit", "partial_fit", "predict", "predict_quantiles", "sample", "score", "embed",
               "backtest", "covariate_importance")  # fmt: skip
    for name in methods:
        with pytest.raises(ValueError, match=rf"`X` is a panel, .* write `{name}\(\*\*panel\)`"):
            getattr(model, name)(panel)
    with pytest.raises(TypeError, match=r"write `fit\(\*\*panel\)`"):
        model.fit(*panel)


def test_dates_as_columns_are_not_thrown_away_in_silence():
    frame = hourly_frame().T
    with pytest.warns(UserWarning, match=r"columns of `X` are dates.*start=X\.columns\[0\]"):
        small(freq="h").fit(frame)
    model = small(freq="h").fit(frame, start=frame.columns[0])
    np.testing.assert_array_equal(
        model.predict(), small(freq="h").fit(**panel_from_wide(hourly_frame())).predict()
    )


def test_many_rows_of_few_columns_are_asked_whether_they_are_series():
    with pytest.warns(UserWarning, match=r"rows are series: did you mean X\.T\?"):
        small().fit(seasonal(100, 3))
    with pytest.warns(UserWarning, match=r"or give longer series$"):
        small().fit(seasonal(5, 3))


def of_dates(pa):
    """Return arrow tables of dates and of what came then."""
    days = pd.date_range("2026-01-01", periods=40)
    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.ones(40)}, index=days)
    table = pa.Table.from_pandas(frame)
    dates = pa.table({"day": pa.array(days.date), "a": np.arange(40.0)})
    return [table, table.to_batches()[0], dates, table.select(["__index_level_0__"])]


def test_an_arrow_table_of_dates_names_the_helper():
    pa = pytest.importorskip("pyarrow", reason="makes the tables")
    model = small().fit(seasonal(3, 40))
    for table in of_dates(pa):
        for call in (small().fit, model.partial_fit, model.predict, model.score, model.backtest):
            with pytest.raises(ValueError, match="panel_from_wide"):
                call(table)


@pytest.mark.parametrize("unit", ["ns", "D"])
def test_series_of_dates_are_refused(unit):
    X = np.full((3, 30), "2020-01-01", f"M8[{unit}]")
    for series in (X, X - X[0, 0], list(X)):
        with pytest.raises(ValueError, match="holds dates or times"):
            small().fit(series)


@pytest.mark.parametrize("name", ["dynamic_real", "static_real"])
def test_dates_among_numbers_are_named(name):
    pa = pytest.importorskip("pyarrow", reason="makes the tables")
    tables = of_dates(pa)
    frame = tables[0].to_pandas().reset_index()
    for table in [*tables, frame, frame.iloc[:, 0]]:
        with pytest.raises(ValueError, match=f"`{name}` must hold numbers, and it.* holds dates"):
            small().fit(seasonal(40, 40), **{name: table})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lags": [0, 1]}, "`lags`"),
        ({"lags": [1.5]}, "`lags`"),
        ({"lags": []}, "`lags`"),
        ({"quantiles": [0.5, 1.0]}, "`quantiles`"),
        ({"quantiles": []}, "`quantiles`"),
        ({"freq": "fortnight"}, "`freq`"),
        ({"dropout": 1.0}, "`dropout`"),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(seasonal(3, 30))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.predict(horizon=0), "`horizon`=0 must be"),
        (lambda model: model.predict(output="mode"), "`output`='mode' must be"),
        (lambda model: model.sample(n_samples=1.5), "`n_samples`=1.5 must be"),
        (lambda model: model.predict_quantiles(quantiles=(0, 1)), "`quantiles`"),
        (lambda model: model.backtest(seasonal(2, 30), 0), "`n_windows`=0 must be"),
        (lambda model: model.predict(start="2026-01-01"), "`start`"),
        (lambda model: model.predict(48), "the first argument is `X`, .* write horizon=48$"),
        (lambda model: model.predict(np.ones(30)), r"dimension; write X\[None, :\] for a single"),
        (lambda model: model.predict([1.0] * 30), r"dimension; write \[X\] for a single series"),
        (lambda model: model.predict_quantiles(np.ones(30)), "quantiles=.*, or X.None, :. for"),
        (lambda model: model.predict_quantiles(np.full(30, 2.0)), r"dimension; write X\[None, :\]"),
        (lambda model: model.score(seasonal(3, 30), np.ones((2, 4))), r"`y` .*\(2, 4\) .* 3 rows"),
        (
            lambda model: model.score(seasonal(3, 30), [[1], [2], [3, 4]]),
            "rows of `y` must have the same",
        ),
        (lambda model: model.score(np.ones(30), np.ones((1, 4))), "2D array"),
        (lambda model: model.sample(np.int64(50)), "write n_samples=50"),
        (lambda model: model.predict_quantiles([0.1, 0.9]), r"write quantiles=\[0.1, 0.9\]"),
        (lambda model: model.predict_quantiles((0.1, 0.9)), r"write quantiles=\[0.1, 0.9\]"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(small().fit(seasonal(3, 30)))


def test_a_score_without_covariates_of_fit_names_metadata_routing():
    X = seasonal(4, 30)
    model = small(freq="h").fit(X, start="2026-01-01")
    remedy = (
        r"enable_metadata_routing=True\) and "
        r"\.set_fit_request\({0}\)\.set_score_request\({0}\)$"
    )
    calls = remedy.format("start=True")
    with pytest.raises(ValueError, match=f"`start` must be given .* in a search .*{calls}"):
        model.score(X)
    with pytest.raises(ValueError, match=r"`start` must be given .* to `fit`$"):
        model.predict(X)
    model.fit(X, start="2026-01-01", static_real=np.arange(4))
    calls = remedy.format("start=True, static_real=True")
    with pytest.raises(ValueError, match=f"`static_real` must be given .*{calls}"):
        model.score(X, start="2026-01-01")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(30), r"write X\[None, :\] for a single series$"),
        (pd.Series(np.ones(30)), r"write X\.to_numpy\(\)\[None, :\] for a single series$"),
        (
            pd.Series(np.ones(30), pd.date_range("2026-01-01", periods=30)),
            r"write \*\*algos\.deepar\.panel_from_wide\(X\.to_frame\(\)\) for a single series$",
        ),
        (pd.Series([np.ones(30)] * 2), r"write X\.to_list\(\) for a series in each item$"),
        (3.0, "give an array of numbers$"),
    ],
)
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_a_single_series_is_refused_with_the_way_out(X, message, learn):
    with pytest.raises(ValueError, match=f"Expected 2D array: .*{message}"):
        getattr(small(), learn)(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"prediction_length": 31}, "`prediction_length`=31 should be at most the 30 steps"),
        ({"lags": [1, 30]}, "`lags` of up to 30 should be less than the 30 steps"),
    ],
)
def test_too_short_series_are_warned_about(parameters, message):
    with pytest.warns(UserWarning, match=message) as warned:
        small(**parameters).fit(seasonal(3, 30))
    assert len(warned) == 1
    small(prediction_length=30, lags=[29]).fit(seasonal(3, 30))
