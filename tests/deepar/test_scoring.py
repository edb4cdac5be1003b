"""Scores against a future that is given apart, and of series that count unequally."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

from algos.deepar import panel_from_long, panel_from_wide
from algos.metrics import weighted_quantile_loss
from tests.deepar.series import plain_loss, seasonal, small

STARTS = np.datetime64("2026-01-01") + np.arange(5).astype("m8[D]")


def both(n_steps=4):
    series = seasonal(5, 44)
    return series[:, :-n_steps], series[:, -n_steps:]


@pytest.mark.parametrize("horizon", [1, 4, 7])
def test_the_steps_after_x_are_compared_with_y(horizon):
    X, y = both(horizon)
    model = small().fit(X)
    expected = plain_loss(y, model.predict_quantiles(horizon=horizon), model.quantiles)
    assert model.score(X, y) == pytest.approx(-expected, rel=1e-12)
    assert model.score(X, pd.DataFrame(y)) == model.score(X, y.tolist()) == model.score(X, y)
    assert model.score(list(X), y) == model.score(X, y)
    assert model.score(X, 10 * y) < model.score(X, y)


def test_the_future_apart_scores_as_that_in_the_last_columns():
    X, y = both()
    model = small(freq="D").fit(X, start=STARTS)
    together = model.score(np.hstack([X, y]), start=STARTS)
    assert model.score(X, y, start=STARTS) == pytest.approx(together, rel=1e-6)


@pytest.mark.parametrize("y", [None, np.arange(5), list("abcde")])
def test_a_y_that_is_not_2d_is_ignored(y):
    X, _ = both()
    model = small().fit(X, y)
    assert model.score(X, y) == model.score(X)


def test_values_that_are_not_known_do_not_count():
    X, y = both()
    model = small().fit(X)
    y[1, 2:] = y[3] = np.nan
    expected = weighted_quantile_loss(y, model.predict_quantiles(), model.quantiles)
    assert model.score(X, y) == pytest.approx(-expected, rel=1e-12)
    assert np.isnan(model.score(X, np.full_like(y, np.nan)))


def test_columns_of_y_follow_those_of_x_also_where_these_are_missing():
    X, y = both()
    rng = np.random.default_rng(0)
    given = {
        "start": STARTS,
        "static_real": rng.normal(size=5),
        "static_categorical": list("abaab"),
        "dynamic_real": rng.normal(size=(5, 2, 44)),
    }
    model = small(freq="D").fit(X, **given)
    n_missing = [0, 3, 1, 0, 3]
    for row, n in zip(X, n_missing, strict=True):
        row[len(row) - n :] = np.nan
    found = np.empty((5, 9, 4))
    for place, n in enumerate(n_missing):
        own = {name: values[place : place + 1] for name, values in given.items()}
        own["dynamic_real"] = own["dynamic_real"][:, :, :44]
        forecast = model.predict_quantiles(X[place : place + 1], horizon=4 + n, **own)
        found[place] = forecast[0, :, n:]
    expected = weighted_quantile_loss(y, found, model.quantiles)
    assert model.score(X, y, **given) == pytest.approx(-expected, rel=1e-12)


def test_weights_count_series_as_often():
    X, y = both()
    model = small().fit(X)
    weight = np.array([2, 0, 1, 3, 0])
    rows = np.repeat(np.arange(5), weight)
    expected = model.score(X[rows], y[rows])
    assert model.score(X, y, sample_weight=weight) == pytest.approx(expected, rel=1e-12)
    assert model.score(X, sample_weight=1e300 * weight) == pytest.approx(model.score(X[rows]))
    assert model.score(X, y, sample_weight=np.ones(5)) == pytest.approx(model.score(X, y))
    zeros = np.zeros_like(y)
    assert model.score(X, zeros, sample_weight=weight) == pytest.approx(
        model.score(X[rows], zeros[rows])
    )
    y[1] = 1e300  # weighs nothing
    assert model.score(X, y, sample_weight=weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [[1, 2], [1, 1, 1, 1, -1], [0] * 5, [1, 1, 1, 1, np.nan]])
def test_wrong_weights_are_refused(weight):
    X, y = both()
    with pytest.raises(ValueError, match="weight"):
        small().fit(X).score(X, y, sample_weight=weight)


def test_searches_compare_with_the_future_by_any_measure():
    X, y = both()
    model = small()
    for scoring in (None, "neg_mean_absolute_error"):
        scores = cross_val_score(model, X, y, cv=[(range(4), [4])] * 2, scoring=scoring)
        fitted = small().fit(X[:4])
        expected = -np.abs(fitted.predict(X[4:]) - y[4:]).mean()
        if scoring is None:
            expected = fitted.score(X[4:], y[4:])
        assert scores[0] == pytest.approx(expected)
    search = GridSearchCV(model, {"hidden_size": [2, 8]}, cv=2).fit(X, y)
    assert search.score(X, y) == search.best_estimator_.score(X, y)


def long(n_steps=40):
    """Two series, of which the second one begins later, with a price."""
    days = pd.date_range("2026-01-01", periods=n_steps)
    X = seasonal(2, n_steps)
    frame = pd.DataFrame({"shop": np.repeat(["a", "b"], n_steps), "day": np.tile(days, 2)})
    frame["sold"], frame["price"] = X.ravel(), np.arange(2.0 * n_steps)
    return frame.drop(index=range(n_steps, n_steps + 7))


def panel_of(frame):
    return panel_from_long(
        frame, id="shop", time="day", target="sold", dynamic_real="price", freq="D"
    )


def test_a_panel_is_split_before_its_last_steps():
    frame = long()
    past, future = panel_of(frame).split(4)
    assert [len(row) for row in past.X] == [36, 29]
    assert [part.shape for part in past.dynamic_real] == [(1, 40), (1, 33)]
    cut = panel_of(frame[frame["day"] < "2026-02-06"])
    for ours, theirs in zip(past.X, cut.X, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(future[1], frame["sold"].to_numpy()[-4:])
    model = small(freq=past.freq).fit(**past)
    found = past.frame_of(model.predict())  # the prices of the future are known
    assert sorted(set(found["day"])) == list(pd.date_range("2026-02-06", periods=4))
    expected = model.score(**panel_of(frame))
    assert model.score(**past, y=future) == pytest.approx(expected, rel=1e-6)


def test_short_series_are_empty_before_the_split_and_gaps_stay():
    days = pd.date_range("2026-01-01", periods=6)
    columns = {
        "long": np.arange(6.0),
        "gap": [1, 2, np.nan, 4, 5, 6],
        "short": [np.nan] * 4 + [5, 6],
        "ended": [1, 2, 3, 4, np.nan, np.nan],
        "none": [np.nan] * 6,
    }
    panel = panel_from_wide(pd.DataFrame(columns, days))
    past, future = panel.split(3)
    assert [list(row) for row in past.X[:2]] == [[0, 1, 2], [1, 2, pytest.approx(np.nan, nan_ok=1)]]
    assert list(past.X[3]) == [1]
    np.testing.assert_array_equal(future[3], [2, 3, 4])
    np.testing.assert_array_equal(future[2], [np.nan, 5, 6])
    assert np.isnan(future[4]).all()
    assert panel.X.shape == (5, 6)
    begun, all_of_it = panel.split(9)
    assert [len(row) for row in begun.X] == [0] * 5
    np.testing.assert_array_equal(all_of_it[3], [1, 2, 3, 4, *[np.nan] * 5])


def test_panels_whose_series_have_one_length_are_tables():
    frame = long()
    assert isinstance(panel_of(frame).X, list)
    panel = panel_of(frame.query("shop == 'a'"))
    assert panel.X.shape == (1, 40)
    assert panel.split(4)[0].X.shape == (1, 36)


def test_a_panel_is_shown_on_a_line():
    assert repr(panel_of(long())) == (
        "PanelFrame(2 series of 33 to 40 steps, freq='D', dynamic_real=['price'])"
    )
    many = pd.DataFrame(np.zeros((5, 900)), pd.date_range("2026-01-01", periods=5))
    assert repr(panel_from_wide(many)) == "PanelFrame(900 series of 5 steps, freq='D')"


@pytest.mark.parametrize("n_steps", [0, -28, 1.5])
def test_a_panel_is_split_by_a_positive_number(n_steps):
    with pytest.raises(ValueError, match=r"`n_steps`=.* must be an int"):
        panel_of(long()).split(n_steps)
