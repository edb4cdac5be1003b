"""Wide and long frames as panels."""

import copy
import io
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest

from algos.deepar import panel_from_long, panel_from_wide
from algos.deepar.encoding import fit_panel, with_horizon
from tests.deepar.series import small

HOURS = pd.date_range("2026-01-01", periods=6, freq="h")


def wide(freq="h", n=6):
    times = pd.date_range("2025-12-31", periods=n, freq=freq)
    values = np.arange(2.0 * n).reshape(n, 2)
    return pd.DataFrame(values, index=times, columns=["a", "b"])


def long():
    """Two series of other lengths, out of order, and two rows of the future of each."""
    days = pd.to_datetime("2026-03-01") + pd.to_timedelta([0, 1, 3, 4, 5, 2, 3, 4, 5, 6], unit="D")
    return pd.DataFrame(
        {
            "shop": ["x"] * 5 + ["y"] * 5,
            "day": days,
            "sold": [1, 2, 4, np.nan, np.nan, 10, 20, 30, np.nan, np.nan],
            "city": ["Rome"] * 5 + ["Oslo"] * 5,
            "size": [3.0] * 5 + [7.0] * 5,
            "price": np.arange(10.0),
        }
    ).sample(frac=1, random_state=3)


LONG = {"id": "shop", "time": "day", "target": "sold"}


@pytest.mark.parametrize("freq", ["s", "15min", "h", "D", "B", "W-SUN", "MS", "ME", "QE", "YE"])
def test_a_wide_frame_becomes_rows(freq):
    frame = wide(freq)
    panel = panel_from_wide(frame)
    np.testing.assert_array_equal(panel.X, frame.to_numpy().T)
    assert list(panel.ids) == ["a", "b"]
    assert panel.keys() == ["X", "start"]
    assert panel.start[1] == frame.index[0].to_datetime64()
    unset = pd.DataFrame(frame.to_numpy(), columns=frame.columns, index=list(frame.index))
    assert panel_from_wide(unset).freq == panel.freq
    fitted, _ = fit_panel(**panel, likelihood="gaussian", freq=panel.freq)
    assert list(fitted.lengths) == [6, 6]


def test_times_that_a_wide_frame_lacks_are_missing():
    frame = wide(n=8).drop(index=wide(n=8).index[[2, 5]])
    panel = panel_from_wide(frame.iloc[::-1])
    np.testing.assert_array_equal(np.isnan(panel.X[0]), [0, 0, 1, 0, 0, 1, 0, 0])
    np.testing.assert_array_equal(panel.X[1][[0, 1, 3]], [1, 3, 7])


def test_times_may_be_a_column_of_pandas_or_polars():
    frame = wide().reset_index(names="hour")
    expected = panel_from_wide(wide())
    for other in (frame, pl.DataFrame({name: frame[name].to_numpy() for name in frame})):
        panel = panel_from_wide(other, time="hour")
        np.testing.assert_array_equal(panel.X, expected.X)
        np.testing.assert_array_equal(panel.start, expected.start)
        assert (panel.freq, list(panel.ids)) == ("h", ["a", "b"])


def test_periods_are_times():
    frame = wide("MS")
    frame.index = frame.index.to_period("M")
    panel = panel_from_wide(frame)
    assert (panel.freq, str(panel.start[0])) == ("M", "2026-01-01T00:00:00")


def test_a_long_frame_becomes_series_of_any_length():
    panel = panel_from_long(
        long(),
        **LONG,
        static_categorical=["city"],
        static_real=["size"],
        dynamic_real=["price"],
    )
    order = list(panel.ids)
    x, y = order.index("x"), order.index("y")
    np.testing.assert_array_equal(panel.X[x], [1, 2, np.nan, 4, np.nan, np.nan])
    np.testing.assert_array_equal(panel.X[y], [10, 20, 30, np.nan, np.nan])
    np.testing.assert_array_equal(panel.dynamic_real[x], [[0, 1, np.nan, 2, 3, 4]])
    np.testing.assert_array_equal(panel.dynamic_real[y], [[5, 6, 7, 8, 9]])
    assert panel.static_categorical["city"][x] == "Rome"
    np.testing.assert_array_equal(panel.static_real["size"][[x, y]], [3, 7])
    assert str(panel.start[y]) == "2026-03-03T00:00:00"
    assert panel.freq == "D"


def test_rows_without_a_target_are_the_future():
    panel = panel_from_long(long().query("shop == 'y'"), **LONG, dynamic_real=["price"])
    fitted, encoding = fit_panel(**panel, likelihood="gaussian", freq=panel.freq)
    ahead = with_horizon(encoding, fitted, 2)
    assert list(ahead.lengths) == [3]
    values = ahead.dynamic[ahead.dynamic_rows[0] :, 0]
    np.testing.assert_allclose(values, (np.arange(5) - 1) / np.sqrt(2 / 3), rtol=1e-6)


def test_a_long_frame_of_polars_is_the_same():
    frame = long()
    columns = {name: frame[name].to_numpy() for name in frame.drop(columns=["shop", "city"])}
    other = pl.DataFrame({**columns, "shop": list(frame["shop"]), "city": list(frame["city"])})
    panel, expected = (
        panel_from_long(table, **LONG, static_categorical=["city"]) for table in (other, frame)
    )
    for ours, theirs in zip(panel.X, expected.X, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert list(panel.ids) == list(expected.ids)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(city=list("abcdefghij")), r"'city'\] must be the same"),
        (lambda f: f.assign(day=f["day"].dt.floor("2D")), "times must occur once"),
        (lambda f: f.assign(day=range(10)), r"`frame`\['day'\] must hold times"),
        (lambda f: f.assign(day=pd.NaT), "is NaT"),
        (lambda f: f.assign(sold=list("abcdefghij")), r"'sold'\] must hold numbers"),
        (lambda f: f.iloc[:0], "at least one row"),
        (lambda f: f.assign(shop=[1, "a"] * 5), r"'shop'\] must name the series"),
        (lambda f: f.assign(shop=["a", None] * 5), r"'shop'\] must name .* row 1 has"),
        (lambda f: f.assign(shop=[pd.NA, "a"] * 5), r"'shop'\] must name .* row 0 has"),
        (
            lambda f: f.assign(day=f["day"].dt.tz_localize("UTC")),
            r"zone; remove it by \.tz_convert",
        ),
    ],
)
def test_wrong_long_frames_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        panel_from_long(change(long()), **LONG, static_categorical=["city"])


def test_series_may_be_named_by_several_columns():
    frame = long()
    panel = panel_from_long(frame, **{**LONG, "id": ["shop", "city"]})
    expected = panel_from_long(frame, **LONG)
    assert (
        panel.ids.tolist() == [("x", "Rome"), ("y", "Oslo")][:: 1 if expected.ids[0] == "x" else -1]
    )
    for ours, theirs in zip(panel.X, expected.X, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = frame.assign(city="Rome", shop=np.where(frame["shop"] == "x", 1, 2))
    assert sorted(panel_from_long(other, **{**LONG, "id": ["city", "shop"]}).ids) == [
        ("Rome", 1),
        ("Rome", 2),
    ]


@pytest.mark.parametrize("name", ["id", "time", "target", "static_categorical", "dynamic_real"])
def test_a_column_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match=r"`frame` must have the column 'no', and has \['shop'"):
        panel_from_long(long(), **(LONG | {name: "no"}))
    with pytest.raises(ValueError, match="must have the column 'no'"):
        panel_from_wide(wide(), time="no")


def test_a_frame_of_forecasts_is_like_the_one_given():
    frame = wide().astype(float)
    frame.iloc[-1, 1] = np.nan
    panel = panel_from_wide(frame)
    found = panel.frame_of([[1.0, 2], [3, 4]])
    after = pd.date_range(frame.index[-1], periods=3, freq="h")
    expected = pd.DataFrame({"a": [np.nan, 1, 2], "b": [3, 4, np.nan]}, after)
    pd.testing.assert_frame_equal(found, expected, check_index_type=False, check_freq=False)
    columns = {"hour": frame.index.to_numpy(), **{name: frame[name].to_numpy() for name in "ab"}}
    found = panel_from_wide(pl.DataFrame(columns), time="hour").frame_of([[1.0, 2], [3, 4]])
    assert isinstance(found, pl.DataFrame) and found.columns == ["hour", "a", "b"]
    np.testing.assert_array_equal(found["a"].to_numpy(), [np.nan, 1, 2])
    with pytest.raises(ValueError, match=r"\(2, horizon\) or .* has \(1, 2\)"):
        panel.frame_of([[1.0, 2]])


def test_a_long_frame_of_forecasts_has_a_row_for_each_series_and_time():
    frame = long().sort_values(["shop", "day"])
    panel = panel_from_long(frame, **LONG)
    found = panel.frame_of(np.arange(4.0).reshape(2, 2))
    assert found["shop"].tolist() == ["x", "x", "y", "y"]
    days = ["2026-03-05", "2026-03-06", "2026-03-06", "2026-03-07"]
    assert found["day"].astype(str).str[:10].tolist() == days
    assert found["forecast"].tolist() == [0, 1, 2, 3]
    both = panel_from_long(frame, **{**LONG, "id": ["shop", "city"]})
    found = both.frame_of(np.arange(8.0).reshape(2, 2, 2), quantiles=[0.1, 0.5])
    assert list(found.columns) == ["shop", "city", "day", "0.1", "0.5"]
    assert found["city"].tolist() == ["Rome"] * 2 + ["Oslo"] * 2
    assert found["0.5"].tolist() == [2, 3, 6, 7]
    with pytest.raises(ValueError, match="must be the 2 levels"):
        both.frame_of(np.ones((2, 2, 2)), quantiles=[0.5])


@pytest.mark.parametrize(
    "freq", ["s", "15min", "h", "D", "B", "W-WED", "MS", "ME", "QE", "YE", "BME", "BMS", "BQE"]
)
def test_forecasts_have_the_times_that_follow(freq):
    offset = pd.tseries.frequencies.to_offset(freq)
    times = pd.date_range("2025-11-03", periods=9, freq=offset)
    panel = panel_from_wide(pd.DataFrame({"a": np.arange(5.0)}, times[:5]), freq=offset)
    found = panel.frame_of(np.ones((1, 4)))
    np.testing.assert_array_equal(found.index.to_numpy(), times[5:].to_numpy())
    fit_panel(**panel, likelihood="gaussian", freq=offset)


def test_features_of_a_panel_keep_their_names():
    panel = panel_from_long(
        long().query("shop == 'y'"), **LONG, static_categorical="city", static_real="size",
        dynamic_real="price",
    )  # fmt: skip
    _, encoding = fit_panel(**panel, likelihood="gaussian", freq="D")
    names = {"static_categorical": ["city"], "static_real": ["size"], "dynamic_real": ["price"]}
    assert encoding.names == names


def test_one_column_needs_no_list():
    one = panel_from_long(long(), **LONG, static_categorical="city")
    of_list = panel_from_long(long(), **LONG, static_categorical=["city"])
    np.testing.assert_array_equal(one.static_categorical, of_list.static_categorical)


@pytest.mark.parametrize(
    ("times", "freq", "message"),
    [
        (["2026-01-01", "2026-01-02", "2026-01-02"], None, "times must occur once"),
        (["2026-01-01", "2026-01-02", "2026-01-04"], "2D", "must be steps of freq='2D'"),
        (["2026-01-01", "2026-01-02 00:00:01", "2026-01-09"], None, "most of the steps have none"),
        (["2026-01-02", "2026-01-03", "2026-01-05"], "B", "business days"),
        ([1, 2, 3], None, "must hold times, and has numbers; name a column"),
    ],
)
def test_uneven_times_are_refused(times, freq, message):
    index = times if isinstance(times[0], int) else pd.to_datetime(times, format="mixed")
    frame = pd.DataFrame({"a": [1.0, 2, 3]}, index=index)
    with pytest.raises(ValueError, match=message):
        panel_from_wide(frame, freq=freq)


def test_missing_parts_of_a_panel_are_not_passed_to_fit():
    panel = panel_from_wide(wide())
    with pytest.raises(KeyError):
        panel["static_real"]
    with pytest.raises(ValueError, match="rows and series"):
        panel_from_wide(wide()[[]])
    with pytest.raises(ValueError, match="`time`=None must name a column"):
        panel_from_wide(pl.DataFrame({"a": [1]}))


def hours(n):
    return pd.date_range("2024-01-01", periods=n, freq="h")


@pytest.mark.parametrize("names", [[("a", 1), ("b", 2)], ["a", 2]])
def test_frames_of_forecasts_have_the_names_as_they_were(names):
    frame = pd.DataFrame(np.ones((5, 2)), index=hours(5))
    frame.columns = names if isinstance(names[1], int) else pd.MultiIndex.from_tuples(names)
    found = panel_from_wide(frame.rename_axis("day")).frame_of([[1.0, 2], [3, 4]])
    assert found.columns.tolist() == names and found.index.name == "day"


def test_columns_of_forecasts_have_names_of_their_own():
    frame = pd.DataFrame({"forecast": ["a"] * 5, "time": hours(5), "y": np.ones(5)})
    panel = panel_from_long(frame, id="forecast", time="time", target="y")
    with pytest.raises(ValueError, match="with a repeated name"):
        panel.frame_of([[1.0, 2]])
    with pytest.raises(ValueError, match="with a repeated name"):
        panel.frame_of([[[1.0], [2]]], quantiles=[0.1, 0.1])
    with pytest.raises(ValueError, match="must be the 2 levels of `forecast`"):
        panel.frame_of([[[1.0], [2]]])
    assert panel.frame_of([[[1.0], [2]]], quantiles=[0.1, 0.123456789]).shape == (1, 4)


def test_names_of_columns_come_in_any_sequence():
    frame = pd.DataFrame({"id": ["a"] * 5, "time": hours(5), "y": np.ones(5)})
    for names in (np.array(["id"]), pd.Index(["id"]), ("id",)):
        panel = panel_from_long(frame, id=names, time="time", target="y")
        assert panel.ids.tolist() == ["a"]
    with pytest.raises(ValueError, match="at least one column"):
        panel_from_long(frame, id=[], time="time", target="y")


@pytest.mark.parametrize("freq", ["h", "2D", "B"])
def test_the_frequency_of_a_panel_is_that_of_the_estimator(freq):
    panels = [
        panel_from_wide(wide("D", n=20)),
        panel_from_long(long(), **LONG, static_categorical="city"),
    ]
    for panel in panels:
        message = f"`freq`='{freq}' must be 'D', .* write freq=panel.freq"
        with pytest.raises(ValueError, match=message):
            small(prediction_length=2, freq=freq).fit(**panel)
        start = pickle.loads(pickle.dumps(panel.start))[[1]]
        with pytest.raises(ValueError, match=message):
            small(prediction_length=2, freq=freq).fit(panel.X[:1], start=start)
        small(prediction_length=2, freq="24h").fit(**panel)
    daily, hourly = panels[0], panel_from_wide(wide("h", n=20))
    with pytest.raises(ValueError, match="`freq`='D' must be 'h'"):
        small(prediction_length=2, freq="D").fit(**daily).predict(**hourly)


def saved(values, save, load):
    buffer = io.BytesIO()
    save(buffer, values)
    buffer.seek(0)
    return load(buffer)


@pytest.mark.parametrize(
    "keep",
    [
        lambda start: saved(start, lambda to, x: joblib.dump(x, to), joblib.load),
        copy.deepcopy,
        lambda start: start[::-1],
        lambda start: start + np.timedelta64(1, "D"),
    ],
    ids=["joblib", "copy", "rows", "later"],
)
def test_the_times_of_a_panel_know_their_frequency_after(keep):
    panel = panel_from_wide(wide("D", n=20))
    start = keep(panel.start)
    assert start.dtype == "datetime64[s]"
    with pytest.raises(ValueError, match="`freq`='h' must be 'D'"):
        small(prediction_length=2, freq="h").fit(panel.X, start=start)


def test_the_times_of_a_panel_are_saved_by_numpy_without_a_warning():  # warnings are errors
    panel = panel_from_wide(wide("D", n=20))
    start = saved(panel.start, np.save, np.load)
    np.testing.assert_array_equal(start, panel.start)
    starts = saved(
        panel.start, lambda to, x: np.savez(to, start=x), lambda file: dict(np.load(file))
    )
    np.testing.assert_array_equal(starts["start"], panel.start)
    fitted = small(prediction_length=2, freq="D").fit(panel.X, start=start)
    assert fitted.predict().shape == (2, 2)


def test_gaps_of_covariates_are_named_as_in_the_frame():
    panel = panel_from_long(long(), **LONG, dynamic_real=["price"])
    panel.X[list(panel.ids).index("x")][2] = 3.0
    with pytest.raises(
        ValueError, match=r"series 'x' must be finite, and 'price' is NaN at time 2 \(2026-03-03\)"
    ):
        fit_panel(**panel, likelihood="gaussian", freq=panel.freq)


def test_a_series_without_values_is_forecast_after_its_row():
    frame = pd.DataFrame({"a": np.arange(6.0), "b": np.nan}, HOURS)
    panel = panel_from_wide(frame)
    assert list(panel.frame_of([[1, 2], [3, 4]]).index) == list(HOURS[-1:].shift(1)) + [
        HOURS[-1] + pd.Timedelta(hours=2)
    ]
    fitted, _ = fit_panel(**panel, likelihood="gaussian", freq=panel.freq)
    assert fitted.begins[1] == fitted.begins[0] + 6  # the calendar of its forecasts


def test_a_panel_without_its_frequency_names_the_remedy():
    panel = panel_from_wide(wide())
    with pytest.raises(ValueError, match=r"`freq`=None .*; write freq=panel\.freq$"):
        small().fit(**panel)
    with pytest.raises(ValueError, match=r"`freq`=None .*; set freq='h', 'D'"):
        small().fit(panel.X, start="2026-01-01")


def test_a_long_frame_of_forecasts_keeps_the_last_day_of_business():
    days = pd.date_range("2025-11-03", periods=8, freq="BME")
    frame = pd.DataFrame({"shop": "x", "day": days[:6], "sold": 1.0})
    panel = panel_from_long(frame, **LONG)
    assert panel.freq == "M"
    assert panel.frame_of([[1.0, 2.0]])["day"].tolist() == days[6:].tolist()


def test_a_business_day_of_months_may_be_given_by_freq():
    days = pd.date_range("2026-06-30", periods=6, freq="BME")
    ends = days[:2]  # of June and July: the last days of these months too
    for given, freq in ((ends, None), (pd.DatetimeIndex(ends.to_numpy()), "BME")):
        panel = panel_from_wide(pd.DataFrame({"a": [1.0, 2.0]}, given), freq=freq)
        assert panel.frame_of(np.ones((1, 4))).index.tolist() == days[2:].tolist()


@pytest.mark.parametrize("blank", ["", " "])
def test_quarters_as_strings_are_refused_with_the_way_out(blank):
    quarters = pd.Series([f"1998{blank}Q1", f"1998{blank}Q2"])
    frame = pd.DataFrame({"shop": "x", "day": quarters, "sold": 1.0})
    with pytest.raises(ValueError, match=r"must hold times .*; read quarters by") as refusal:
        panel_from_long(frame, **LONG)
    written = str(refusal.value).partition("quarters by ")[2].replace("…", "quarters")
    periods = eval(written, {"pandas": pd, "quarters": quarters})
    panel = panel_from_long(frame.assign(day=periods), **LONG)
    assert (panel.freq, str(panel.start[0])) == ("Q", "1998-01-01T00:00:00")


def test_times_between_seconds_are_refused():
    times = pd.date_range("2026", periods=9, freq="1500ms")
    with pytest.raises(ValueError, match="some have fractions of a second"):
        panel_from_wide(pd.DataFrame({"a": np.arange(9.0)}, times))


@pytest.mark.parametrize("freq", ["SME", "SMS"])
def test_two_times_a_month_are_refused(freq):
    times = pd.date_range("2025-11-03", periods=9, freq=freq)
    frame = pd.DataFrame({"a": np.arange(9.0)}, times)
    with pytest.raises(ValueError, match=r"two days of each month, .*; aggregate them to months"):
        panel_from_wide(frame)
    assert panel_from_wide(frame, freq="D").freq == "D"


@pytest.mark.parametrize("freq", ["h", "B", "ME", "MS"])
def test_a_wide_frame_of_forecasts_leaves_no_time_out(freq):
    times = pd.date_range("2025-10-30", periods=14, freq=freq)
    frame = pd.DataFrame({"a": np.ones(12), "b": [1.0] * 5 + [np.nan] * 7}, times[:12])
    found = panel_from_wide(frame).frame_of([[1.0, 2], [3, 4]])
    np.testing.assert_array_equal(found.index.to_numpy(), times[5:].to_numpy())
    np.testing.assert_array_equal(found["a"], [np.nan] * 7 + [1, 2])
    np.testing.assert_array_equal(found["b"], [3, 4] + [np.nan] * 7)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (wide()["a"], r"DataFrame, and is a Series; write frame\.to_frame\(\)"),
        (np.ones((3, 4)), "DataFrame, and is a ndarray; pass arrays whose rows are series"),
        (wide().set_axis(["a", "a"], axis=1), "unique names, and several have the name 'a'"),
    ],
)
def test_other_objects_than_frames_of_series_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        panel_from_wide(frame)
    with pytest.raises(ValueError, match=message):
        panel_from_long(frame, id="a", time="b", target="c")


@pytest.mark.parametrize(("id", "name"), [("shop", "'y'"), (["shop", "city"], r"\('y', 'Oslo'\)")])
def test_repeated_times_are_named_with_their_series_and_what_may_lack(id, name):
    frame = long().sort_values(["shop", "day"])
    twice = pd.concat([frame, frame.iloc[[7]]])
    message = f"{name} has two rows at 2026-03-05T00:00:00; if another column .*, name it, too"
    with pytest.raises(ValueError, match=message):
        panel_from_long(twice, **{**LONG, "id": id})
    twice.iloc[-1, 1] += pd.Timedelta(hours=1)
    message = f"the same step of series {name} at freq='D'; .*, or give a finer `freq`"
    with pytest.raises(ValueError, match=message):
        panel_from_long(twice, **{**LONG, "id": id}, freq="D")


def test_repeated_times_of_a_wide_frame_lead_to_long_ones():
    frame = wide("D")
    with pytest.raises(ValueError, match=r"two rows have 2026-01-02.*; .* `panel_from_long` if a"):
        panel_from_wide(pd.concat([frame, frame.iloc[[2]]]))


def test_an_arrow_table_is_taken_for_a_frame_of_pandas():
    pa = pytest.importorskip("pyarrow", reason="makes the tables")
    frame = long()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    more = {"static_categorical": "city", "dynamic_real": "price"}
    found, expected = (panel_from_long(one, **LONG, **more) for one in (table, frame))
    assert found.ids.tolist() == expected.ids.tolist()
    for one, other in zip(found.X, expected.X, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.static_categorical.equals(expected.static_categorical)
    of_hours = pa.Table.from_pandas(wide().reset_index(names="time"))
    np.testing.assert_array_equal(panel_from_wide(of_hours, time="time").X, wide().T)


@pytest.mark.parametrize("freq", ["M", "Q", "Q-JAN", "Y", "W", "D", "h", "15min"])
@pytest.mark.parametrize("in_index", [True, False])
def test_forecasts_of_a_frame_with_periods_have_periods(freq, in_index):
    periods = pd.period_range("2020-01-01", periods=8, freq=freq, name="when")
    frame = pd.DataFrame({"a": np.arange(8.0), "b": np.ones(8)}, periods)
    if not in_index:
        frame = frame.reset_index()
    panel = panel_from_wide(frame, time=None if in_index else "when")
    past, _ = panel.split(3)
    found = pickle.loads(pickle.dumps(past)).frame_of(np.ones((2, 3)))
    times = found.index if in_index else pd.PeriodIndex(found["when"])
    pd.testing.assert_index_equal(times, periods[-3:], check_names=in_index)


@pytest.mark.parametrize("quantiles", [None, [0.1, 0.5]])
def test_forecasts_merge_with_the_periods_of_a_long_frame(quantiles):
    quarters = pd.period_range("1998Q1", periods=6, freq="Q")
    frame = pd.DataFrame(
        {"shop": np.repeat(["x", "y"], 6), "day": [*quarters, *quarters], "sold": np.arange(12.0)}
    )
    past, future = panel_from_long(frame, **LONG).split(2)
    shape = (2, 2) if quantiles is None else (2, 2, 2)
    both = past.frame_of(np.ones(shape), quantiles).merge(frame, on=["shop", "day"])
    assert both["day"].tolist() == [*quarters[-2:]] * 2
    assert both["sold"].tolist() == future.ravel().tolist()


def test_levels_are_those_of_the_forecast():
    panel = panel_from_wide(wide())
    with pytest.raises(ValueError, match=r"must be the 100 levels .*; sample paths have no frame"):
        panel.frame_of(np.ones((2, 100, 3)))
    with pytest.raises(ValueError, match=r"must be the 100 levels .*; sample paths have no frame"):
        panel.frame_of(np.ones((2, 100, 3)), quantiles=[0.5])
    with pytest.raises(ValueError, match=r"must be None .* \(2, 3\), which has no axis of levels"):
        panel.frame_of(np.ones((2, 3)), quantiles=[0.5])
