"""Panels: what becomes of series and covariates, in whatever form they are given."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from algos.deepar.encoding import Encoding, fit_panel, panel_of, with_horizon
from algos.deepar.panel import Panel

DAYS = np.datetime64("2026-01-01T00:00:00") + np.arange(6) * np.timedelta64(1, "h")


def ragged(seed=0, n=6, dtype=np.float64):
    rng = np.random.default_rng(seed)
    rows = [
        (10.0**i * np.abs(rng.standard_normal(rng.integers(3, 40)))).astype(dtype) for i in range(n)
    ]
    rows[1][1:2] = np.nan
    return rows


def padded(rows):
    X = np.full((len(rows), 50), np.nan, dtype=rows[0].dtype)
    for row, values in zip(X, rows, strict=True):
        row[5 : 5 + len(values)] = values
    return X


def full(seed=0, n=6, **changes):
    """Return arguments of all kinds."""
    rng = np.random.default_rng(seed)
    rows = ragged(seed, n)
    arguments = {
        "X": rows,
        "start": DAYS[:n],
        "static_categorical": np.array([["a", "u"], ["b", "v"], ["a", "u"]] * (n // 3)),
        "static_real": rng.standard_normal((n, 2)),
        "dynamic_real": [rng.standard_normal((3, len(row))) for row in rows],
    }
    return {**arguments, **changes}


def fitted(likelihood="student_t", freq="h", **arguments):
    return fit_panel(**arguments, likelihood=likelihood, freq=freq)


def series_of(panel, i):
    """Return all that a panel has of a series, wherever it stands."""
    steps = slice(panel.offsets[i], panel.offsets[i] + panel.lengths[i])
    n = panel.lengths[i] + panel.horizon
    calendar = panel.calendar[panel.calendar_rows[i] :][:n]
    dynamic = panel.dynamic[panel.dynamic_rows[i] :][:n]
    own = [getattr(panel, name)[i] for name in ("unit", "scale", "typical", "categories")]
    other = panel.static_real[i], panel.keys[i], panel.begins[i]
    return [panel.filled[steps], panel.observed[steps], calendar, dynamic, *own, *other]


def assert_same_series(panel, i, other, j):
    for ours, theirs in zip(series_of(panel, i), series_of(other, j), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def assert_same(panel, other):
    assert len(panel) == len(other)
    for i in range(len(panel)):
        assert_same_series(panel, i, other, i)


def test_values_are_kept_in_units_of_their_series():
    rows = ragged()
    panel, _ = fitted(X=rows, freq=None)
    for i, row in enumerate(rows):
        part = slice(panel.offsets[i], panel.offsets[i] + len(row))
        known = ~np.isnan(row)
        values = panel.filled[part].astype(float) * panel.unit[i]
        np.testing.assert_allclose(values[known], row[known], rtol=6e-8)
        np.testing.assert_array_equal(panel.observed[part], known)
        assert np.log2(panel.unit[i]) % 1 == 0
        np.testing.assert_allclose(
            panel.scale[i] * panel.unit[i], np.abs(row[known]).mean(), rtol=1e-6
        )
        assert 0.7 < panel.scale[i] < 1.42
    assert panel.filled[panel.offsets[1] + 1] == panel.filled[panel.offsets[1]]


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial", "beta"])
def test_counts_and_shares_have_no_unit(likelihood):
    X = np.array([[0, 1, 1, 0], [1, 1, 0, 1]])
    panel, encoding = fitted(likelihood, None, X=X)
    np.testing.assert_array_equal(panel.unit, 1)
    np.testing.assert_array_equal(panel.filled, X.ravel())
    assert not encoding.plan(2, 2, np.array([1], np.int32)).is_scaled


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_with_nan_around_and_lists_are_the_same(dtype):
    rows = ragged(dtype=dtype)
    of_list, _ = fitted(X=rows, start=DAYS)
    earlier = DAYS - 5 * np.timedelta64(1, "h")
    for X in (padded(rows), np.asfortranarray(padded(rows)), pd.DataFrame(padded(rows))):
        of_array, _ = fitted(X=X, start=earlier)
        assert_same(of_list, of_array)
        np.testing.assert_array_equal(of_array.delays, 5)
    assert_same(of_list, fitted(X=[list(row) for row in rows], start=DAYS)[0])
    nested = np.empty(len(rows), dtype=object)
    nested[:] = rows
    assert_same(of_list, fitted(X=nested, start=DAYS)[0])


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, bool, np.float16, ">f8", ">f4"])
def test_numbers_of_any_kind_are_the_same(dtype):
    X = np.array([[0, 1, 1, 0, 1], [1, 0, 1, 1, 1]])
    assert_same(fitted(X=X.astype(dtype), freq=None)[0], fitted(X=X.astype(float), freq=None)[0])


@given(seed=st.integers(0, 100))
def test_the_order_of_the_series_has_no_part_in_anything(seed):
    arguments = full(seed)
    panel, encoding = fitted(**arguments)
    order = np.random.default_rng(seed).permutation(6)
    shuffled = {
        name: [value[i] for i in order] if isinstance(value, list) else value[order]
        for name, value in arguments.items()
    }
    other, same = fitted(**shuffled)
    for name, value in vars(encoding).items():
        np.testing.assert_equal(value, getattr(same, name))
    assert_same(panel.take(order), other)
    ordered = panel.take(panel.order_of_content())
    assert_same(ordered, other.take(other.order_of_content()))


def test_series_of_fit_are_the_same_when_given_again():
    arguments = full()
    panel, encoding = fitted(**arguments)
    assert_same(panel, panel_of(Encoding(**vars(encoding)), horizon=0, **arguments))
    ahead = [np.hstack([part, np.ones((3, 4))]) for part in arguments["dynamic_real"]]
    whole = panel_of(encoding, horizon=4, **{**arguments, "dynamic_real": ahead})
    for future in (ahead, [part[:, -4:] for part in ahead]):
        assert_same(with_horizon(encoding, panel, 4, future), whole)
    assert_same(with_horizon(encoding, fitted(**{**arguments, "dynamic_real": ahead})[0], 4), whole)


def test_a_shortened_series_is_one_that_ends_there():
    X = padded(ragged())[:, 5:]
    dynamic = np.random.default_rng(0).standard_normal((6, 2, 50))
    panel, encoding = fitted(X=X, start="2026-01-01", dynamic_real=dynamic)
    for n_steps in (1, 2):
        short = panel.shortened(n_steps)
        rows = [row[: max(len(row) - n_steps, 0)] for row in ragged()]
        wanted = panel_of(
            encoding,
            rows,
            horizon=n_steps + panel.horizon,
            start="2026-01-01",
            dynamic_real=dynamic,
        )
        np.testing.assert_array_equal(short.keys, wanted.keys)
        np.testing.assert_array_equal(short.lengths, wanted.lengths)
        np.testing.assert_allclose(short.scale * short.unit, wanted.scale * wanted.unit, rtol=3e-7)
        assert short.filled is panel.filled
    assert not panel.shortened(1000).lengths.any()


def test_the_last_values_are_those_that_were_given():
    rows = ragged(dtype=np.float32)
    panel, _ = fitted(X=rows, freq=None)
    last = panel.last(20)
    for values, row in zip(last, rows, strict=True):
        np.testing.assert_array_equal(values[-min(20, len(row)) :], row[-20:])
        assert np.isnan(values[: max(20 - len(row), 0)]).all()
    assert fitted(X=[[1.0], []], freq=None)[0].take([1]).last(2).shape == (1, 2)


def test_keys_depend_on_all_content_of_a_series():
    arguments = full()
    base = fitted(**arguments)[0].keys[0]
    changes = {
        "X": [arguments["X"][0] * 2, *arguments["X"][1:]],
        "start": DAYS[[1, 1, 2, 3, 4, 5]],
        "static_real": arguments["static_real"] * [[2]] + [[1]] * 1,
        "static_categorical": arguments["static_categorical"][[1, 0, 2, 3, 4, 5]],
        "dynamic_real": [arguments["dynamic_real"][0] ** 2, *arguments["dynamic_real"][1:]],
    }
    for name, value in changes.items():
        if name == "static_real":  # standardised: only what tells series apart counts
            value = arguments["static_real"][[1, 0, 2, 3, 4, 5]]
        other = fitted(**{**arguments, name: value})[0].keys
        assert (other[0] != base).all(), name
    assert len(np.unique(fitted(**arguments)[0].keys)) == 12


@pytest.mark.parametrize("size", [1e300, 1e-300, 1e30, 1e-30])
def test_huge_and_tiny_values_are_as_any(size):
    rows = ragged()
    panel, encoding = fitted(X=[row * 2.0 ** np.rint(np.log2(size)) for row in rows], freq=None)
    usual, _ = fitted(X=rows, freq=None)
    np.testing.assert_array_equal(panel.filled, usual.filled)
    np.testing.assert_allclose(panel.scale, usual.scale, rtol=1e-6)
    assert np.isfinite(encoding.log_center)


def test_series_without_a_scale_have_that_of_others_of_their_category():
    X = [[100.0, 100], [400.0, 400], [0.0, 0], [1e6, 1e6], []]
    kinds = ["a", "a", "a", "b", "b"]
    panel, encoding = fitted(X=X, freq=None, static_categorical=kinds)
    scale = panel.scale * panel.unit
    np.testing.assert_allclose(scale, [100, 400, 200, 1e6, 1e6], rtol=1e-5)
    # What stands for a scale that is not known yet, when a forecast begins with the series
    np.testing.assert_allclose(panel.typical * panel.unit, [200, 200, 200, 1e6, 1e6], rtol=1e-5)
    new = panel_of(encoding, [[], [], []], horizon=1, static_categorical=["a", "b", "new"])
    np.testing.assert_allclose(new.scale * new.unit, [200, 1e6, 400], rtol=1e-5)
    np.testing.assert_array_equal(new.categories[:, 0], [0, 1, 2])


@pytest.mark.parametrize("X", [[[0.0] * 5] * 2, [[0.0], []], [[0, 0]]])
def test_nothing_but_zeros_has_the_scale_one(X):
    panel, encoding = fitted(X=X, freq=None)
    np.testing.assert_array_equal(panel.scale, 1)
    np.testing.assert_array_equal(panel.unit, 1)
    assert encoding.log_spread == 1


def test_columns_are_standardised_and_constant_ones_are_zero():
    rng = np.random.default_rng(0)
    static = np.column_stack([rng.normal(1e6, 1e3, 300), np.full(300, 7.0), rng.random(300) < 0.01])
    panel, _ = fitted(X=rng.random((300, 3)), freq=None, static_real=static)
    np.testing.assert_allclose(panel.static_real[:, 0].mean(), 0, atol=1e-4)
    np.testing.assert_allclose(panel.static_real[:, 0].std(), 1, rtol=0.1)
    np.testing.assert_array_equal(panel.static_real[:, 1], 0)
    assert 2 < panel.static_real[:, 2].max() < 6  # of rare events


def test_dynamic_columns_are_standardised_over_the_steps_of_the_series():
    rows = [np.ones(30), np.ones(50)]
    dynamic = [np.arange(3.0 * len(row)).reshape(3, -1) + 5 for row in rows]
    dynamic[0][2], dynamic[1][2] = 1e29, 1e29
    panel, encoding = fitted(X=rows, freq=None, dynamic_real=dynamic)
    together = np.hstack(dynamic)
    np.testing.assert_allclose(encoding.dynamic_center[:2], together[:2].mean(axis=1))
    assert (encoding.dynamic_spread[:2] >= together[:2].std(axis=1)).all()
    assert (panel.dynamic[:, 2] == 0).all()
    as_array, _ = fitted(X=np.ones((2, 9)), freq=None, dynamic_real=np.ones((2, 3, 9)))
    assert as_array.dynamic.shape == (18, 3)


def test_a_panel_is_plain():
    panel, _ = fitted(**full())
    assert all(isinstance(value, (np.ndarray, int)) for value in vars(panel).values())
    again = Panel(**vars(panel))
    assert_same(again, panel)
    assert replace(panel, horizon=3).horizon == 3
