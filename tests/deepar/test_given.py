"""Covariates as users give them: of many kinds, and wrong."""

import numpy as np
import pandas as pd
import pytest

from algos.deepar.encoding import fit_panel, panel_of, with_horizon

X = np.arange(1.0, 16.0).reshape(3, 5)


def panel(**arguments):
    return fit_panel(X, likelihood="gaussian", **arguments)


@pytest.mark.parametrize(
    "given",
    [
        ["b", "a", "b"],
        np.array(["b", "a", "b"]),
        np.array([["b"], ["a"], ["b"]], dtype=object),
        pd.DataFrame({"kind": ["b", "a", "b"]}),
        pd.DataFrame({"kind": pd.Categorical(["b", "a", "b"])}),
        [3, -1, 3],
        np.array([[2.5], [0.5], [2.5]]),
        [True, False, True],
        [b"b", b"a", b"b"],
        pd.DataFrame({"kind": pd.array([7, 2, 7], dtype="Int64")}),
        np.array(["2026-02-01", "2026-01-01", "2026-02-01"], dtype="datetime64[D]"),
    ],
)
def test_categories_may_be_anything_that_can_be_sorted(given):
    found, encoding = panel(static_categorical=given)
    np.testing.assert_array_equal(found.categories, [[1], [0], [1]])
    assert encoding.cardinalities == [2]
    again = panel_of(encoding, X, horizon=0, static_categorical=given)
    np.testing.assert_array_equal(again.categories, found.categories)


def test_features_of_a_frame_may_differ_in_kind():
    frame = pd.DataFrame({"name": ["x", "y", "x"], "number": [5, 5, 4]})
    found, encoding = panel(static_categorical=frame)
    np.testing.assert_array_equal(found.categories, [[0, 1], [1, 1], [0, 0]])
    other = pd.DataFrame({"name": ["y", "new", "x"], "number": [6, 4, 5]})
    new = panel_of(encoding, X, horizon=0, static_categorical=other)
    np.testing.assert_array_equal(new.categories, [[1, 2], [2, 0], [0, 1]])


DAYS = np.array(["2026-01-01", "2026-01-02", "2026-01-01"], dtype="datetime64[D]")


@pytest.mark.parametrize("given", [[1, 2, 3], ["c", "a-longer-name", ""], DAYS + 9, DAYS - DAYS[0]])
def test_other_kinds_of_categories_are_unknown(given):
    for known in (["a", "b", "a"], [7, 8, 8], DAYS):
        _, encoding = panel(static_categorical=known)
        with pytest.warns(UserWarning, match="none of the categories"):
            new = panel_of(encoding, X, horizon=0, static_categorical=given)
        np.testing.assert_array_equal(new.categories, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"static_categorical": ["a", "b"]}, "must have 3 rows.* and has 2"),
        ({"static_categorical": ["a", None, "b"]}, "series 1, feature 0, .* is missing"),
        ({"static_categorical": [1.0, np.nan, 2.0]}, "series 1, feature 0, .* is missing"),
        ({"static_categorical": pd.DataFrame({"a": ["x", pd.NA, "y"]})}, "series 1, feature 0"),
        ({"static_categorical": np.zeros((3, 2, 2))}, r"\(3, n_features\) and has \(3, 2, 2\)"),
        ({"static_real": [1.0, 2.0]}, "must have 3 rows.* and has 2"),
        ({"static_real": [[1.0], [np.nan], [2.0]]}, "static_real contains NaN"),
        ({"static_real": [[1.0], [1e200], [2.0]]}, "numbers up to 1e"),
        ({"static_real": ["a", "b", "c"]}, "`static_real` must hold numbers, .* could not convert"),
        ({"dynamic_real": np.zeros((3, 5))}, r"\(3, n_features, n_times\) and has \(3, 5\)"),
        ({"dynamic_real": np.zeros((3, 0, 5))}, r"\(3, n_features, n_times\) and has \(3, 0, 5\)"),
        ({"dynamic_real": np.zeros((2, 1, 5))}, r"\(3, n_features, n_times\) and has \(2, 1, 5\)"),
        ({"dynamic_real": [np.zeros((1, 5))] * 2}, "must have 3 items.* and has 2"),
        ({"dynamic_real": [np.zeros(5)] * 3}, r"series 0 must have the shape .* and has \(5,\)"),
        ({"dynamic_real": [np.zeros((k, 5)) for k in (1, 2, 1)]}, "n_features, n_times"),
        ({"dynamic_real": np.zeros((3, 1, 4))}, r"least 5 .* the 5 of `X`, and has \(1, 4\)$"),
        ({"dynamic_real": np.zeros((3, 5, 1))}, r"has \(5, 1\); swap its last two axes"),
        ({"dynamic_real": [np.zeros((5, 2))] * 3}, r"has \(5, 2\); swap its last two axes"),
        (
            {"dynamic_real": np.full((3, 1, 5), np.nan)},
            "series 0 must be finite, and feature 0 is NaN at time 0",
        ),
        (
            {"dynamic_real": np.full((3, 2, 5), -1e31)},
            "1e\\+30 at most, and feature 0 is -1e\\+31 .* divide",
        ),
        ({"dynamic_real": [[["a"] * 5]] * 3}, "must hold numbers"),
        ({"start": "2026-01-01"}, "`freq`=None must be"),
        ({"freq": "1 fortnight", "start": "2026-01-01"}, "`freq`='1 fortnight'"),
    ],
)
def test_wrong_covariates_are_named_with_the_right_shape(arguments, message):
    with pytest.raises(ValueError, match=message):
        panel(**arguments)


def test_numbers_over_time_are_needed_only_where_the_series_are():
    values = X.copy()
    values[0, :2], values[1, 3:] = np.nan, np.nan
    dynamic = np.random.default_rng(0).random((3, 1, 5))
    dynamic[0, 0, :2], dynamic[1, 0, 3:] = np.nan, np.inf
    found, encoding = fit_panel(values, likelihood="gaussian", dynamic_real=dynamic)
    assert np.isfinite(encoding.dynamic_spread).all()
    assert found.horizon == 0
    with pytest.raises(
        ValueError, match=r"series 1 must be finite, and feature 0 is infinity at time 3"
    ):
        ahead = np.dstack([dynamic, np.ones((3, 1, 2))])
        panel_of(encoding, values, horizon=2, dynamic_real=ahead)


@pytest.mark.parametrize("name", ["start", "static_categorical", "static_real", "dynamic_real"])
def test_covariates_must_be_those_of_fit(name):
    given = {
        "start": "2026-01-01",
        "static_categorical": ["a", "b", "c"],
        "static_real": [1.0, 2, 3],
        "dynamic_real": np.ones((3, 1, 7)),
    }[name]
    _, without = panel(freq="h")
    with pytest.raises(ValueError, match=f"`{name}` must be None, as it was in `fit`"):
        panel_of(without, X, horizon=2, **{name: given})
    _, having = panel(freq="h", **{name: given})
    with pytest.raises(ValueError, match=f"`{name}` must be given .* as it was to `fit`"):
        panel_of(having, X, horizon=2)


def test_widths_must_be_those_of_fit():
    _, encoding = panel(static_real=np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"`static_real` must have 2 features.* and has 1"):
        panel_of(encoding, X, horizon=0, static_real=np.ones(3))


def test_a_horizon_needs_its_covariates():
    found, encoding = panel(dynamic_real=np.ones((3, 1, 7)))
    assert with_horizon(encoding, found, 2).horizon == 2
    for given, message in ((None, r"=None must have the shape \(3, 1, 3\)"), (3.0, " must have")):
        with pytest.raises(ValueError, match=f"`dynamic_real`{message}"):
            with_horizon(encoding, found, 3, given)
    with pytest.raises(ValueError, match=r"least 8 times, .* 5 of `X` and 3 .*; give its future"):
        with_horizon(encoding, found, 3, np.ones((3, 1, 6)))
