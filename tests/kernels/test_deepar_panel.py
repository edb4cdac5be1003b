"""What the kernels find in series, against numpy."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from algos._cython import deepar_panel


def gappy(seed, n=6, dtype=np.float64):
    rng = np.random.default_rng(seed)
    rows = [rng.standard_normal(rng.integers(0, 20)).astype(dtype) for _ in range(n)]
    for row in rows:
        row[rng.random(len(row)) < 0.4] = np.nan
    return rows


def flat(rows):
    stops = np.cumsum([len(row) for row in rows])
    return np.concatenate(rows), np.r_[0, stops[:-1]], stops


def surveyed(rows):
    values, starts, stops = flat(rows)
    n = len(rows)
    mean, exponent, flags = np.empty(n), np.empty(n, np.int32), np.empty(n, np.uint8)
    deepar_panel.survey(values, starts, stops, mean, exponent, flags)
    return values, starts, stops, mean, exponent, flags


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 1000))
def test_series_are_trimmed_and_measured(dtype, seed):
    rows = gappy(seed, dtype=dtype)
    values, starts, stops, mean, exponent, flags = surveyed(rows)
    for i, row in enumerate(rows):
        known = np.flatnonzero(~np.isnan(row))
        trimmed = row[known[0] : known[-1] + 1] if len(known) else row[:0]
        np.testing.assert_array_equal(values[starts[i] : stops[i]], trimmed)
        wanted = np.abs(row[known].astype(float)).mean() if len(known) else 0
        np.testing.assert_allclose(np.ldexp(mean[i], exponent[i]), wanted, rtol=1e-12)
        assert flags[i] == 2 * (row < 0).any() + 4 * (row > 1).any()


def near(values):
    """Return the magnitudes that tell a series' scale, as they are documented."""
    found = np.abs(np.asarray(values, dtype=float))
    exponents = np.frexp(found)[1]
    known = np.sort(exponents[found > 0])
    median = known[(len(known) - 1) // 2] if len(known) else 0
    return found[(found == 0) | (exponents <= median + 10)]


@given(
    st.lists(
        st.one_of(st.just(0.0), st.floats(-1e9, 1e9), st.floats(-1e-3, 1e-3), st.just(-9e9)),
        min_size=1,
        max_size=30,
    )
)
def test_magnitudes_far_beyond_the_median_tell_nothing_of_the_scale(row):
    row = np.array(row)
    _, starts, _, mean, exponent, _ = surveyed([row])
    np.testing.assert_allclose(np.ldexp(mean[0], exponent[0]), near(row).mean(), rtol=1e-12)
    filled, scale = row.astype(np.float32), np.full(1, -1, dtype=np.float32)
    observed, lengths = np.ones(len(row), dtype=np.uint8), np.array([len(row)])
    deepar_panel.mean_magnitudes(filled, observed, starts, lengths, scale)
    wanted = near(filled).mean() or -1
    np.testing.assert_allclose(scale, np.float32(wanted), rtol=1e-6)


def test_the_largest_values_in_units_have_squares():
    values, one, filled = np.array([1.0, -1e300]), np.ones(1, np.int64), np.empty(2, np.float32)
    deepar_panel.fill(
        values, one - 1, one - 1, one + 1, np.zeros(1, np.int32), filled, np.empty(2, np.uint8)
    )
    assert filled.tolist() == [1, -(2.0**60)]


@pytest.mark.parametrize("size", [1e308, 1e-308, 5e-324])
def test_extreme_magnitudes_are_measured(size):
    _, _, _, mean, exponent, flags = surveyed([np.full(100, size), np.array([np.inf])])
    np.testing.assert_allclose(np.log2(mean[0]) + exponent[0], np.log2(size), atol=1e-12)
    assert list(flags & 1) == [0, 1]


@given(seed=st.integers(0, 1000))
def test_gaps_are_filled_with_the_value_before(seed):
    values, starts, stops, _, _, _ = surveyed(gappy(seed))
    lengths = stops - starts
    offsets = np.cumsum(lengths) - lengths
    exponent = np.arange(len(lengths), dtype=np.int32) * 300 - 700
    n = int(lengths.sum())
    filled, observed = np.empty(n, np.float32), np.empty(n, np.uint8)
    deepar_panel.fill(values * 0 + 1, starts, offsets, lengths, exponent, filled, observed)
    deepar_panel.fill(values, starts, offsets, lengths, exponent * 0, filled, observed)
    for i in range(len(lengths)):
        last = 0.0
        for t in range(lengths[i]):
            z = values[starts[i] + t]
            last = last if np.isnan(z) else z
            assert filled[offsets[i] + t] == np.float32(last)
            assert observed[offsets[i] + t] == (not np.isnan(z))
    scale = np.full(len(lengths), -1.0, dtype=np.float32)
    deepar_panel.mean_magnitudes(filled, observed, offsets, lengths, scale)
    for i in range(len(lengths)):
        part = slice(offsets[i], offsets[i] + lengths[i])
        known = np.abs(filled[part].astype(float))[observed[part] == 1]
        assert scale[i] == (np.float32(known.mean()) if len(known) else -1)


def test_units_are_exact_powers_of_two():
    values = np.array([3e300, -1e300, 3e-300])
    one, filled, observed = np.ones(2, np.int64), np.empty(3, np.float32), np.empty(3, np.uint8)
    exponent = np.array([1000, -1000], dtype=np.int32)
    starts = np.array([0, 2])
    deepar_panel.fill(values, starts, starts, one * [2, 1], exponent, filled, observed)
    np.testing.assert_array_equal(filled, np.ldexp(values, [-1000, -1000, 1000]).astype(np.float32))


@given(seed=st.integers(0, 1000))
def test_content_tells_series_apart_wherever_they_stand(seed):
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 2, size=rng.integers(0, 5)).astype(float) for _ in range(20)]
    for row in rows:
        row[rng.random(len(row)) < 0.2] = np.nan
    factors = (rng.integers(0, 2**63, size=5, dtype=np.uint64) * 2 + 1).astype(np.uint64)

    def sums(rows, unit):
        values, starts, stops = flat(rows)
        filled = np.nan_to_num(values / unit, nan=0.25).astype(np.float32)
        observed = (values == values).astype(np.uint8)
        out = np.zeros(len(rows), dtype=np.uint64)
        units = np.full(len(rows), unit)
        deepar_panel.add_values(filled, observed, units, starts, stops - starts, factors, out)
        return out

    keys = sums(rows, 1.0)
    np.testing.assert_array_equal(sums(rows[::-1], 1.0), keys[::-1])
    np.testing.assert_array_equal(sums(rows, 2.0**-30), keys)
    contents = {(key, str(row)) for key, row in zip(keys, rows, strict=True)}
    assert len(contents) == len(set(keys)) == len({str(row) for row in rows})


def test_content_over_time_tells_series_apart():
    values = np.array([[1, 2], [3, 4], [1, 2], [3, 5], [1, 2], [3, 4]], dtype=np.float32)
    factors = np.arange(1, 9, 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    sums = np.zeros(4, dtype=np.uint64)
    starts, lengths = np.array([0, 2, 4, 0]), np.array([2, 2, 2, 1])
    deepar_panel.add_steps(values, starts, lengths, factors, sums)
    assert sums[0] == sums[2]
    assert len(set(sums)) == 3
    deepar_panel.add_steps(values[:, :0].copy(), starts, lengths, factors, sums)
    assert sums[0] == sums[2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 1000))
def test_sums_over_ranges_are_numpys(dtype, seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((30, 3)).astype(dtype)
    starts, lengths = np.array([0, 4, 20, 30]), np.array([4, 0, 7, 0])
    center = rng.standard_normal(3)
    total, squares, peak = np.empty((3, 4, 3))
    deepar_panel.range_sums(values, starts, lengths, center, total, squares, peak)
    for i, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        part = values[start : start + length].astype(float)
        np.testing.assert_allclose(total[i], part.sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(squares[i], ((part - center) ** 2).sum(axis=0), rtol=1e-12)
        np.testing.assert_allclose(peak[i], np.abs(part - center).max(axis=0, initial=0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 1000))
def test_known_steps_end_at_the_first_that_is_not(dtype, seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((30, 2)).astype(dtype)
    values[rng.random((30, 2)) < 0.1] = rng.choice([np.nan, np.inf, -np.inf, 1e9])
    starts, stops = np.array([0, 3, 20, 30]), np.array([30, 3, 28, 30])
    known = np.empty(4, dtype=np.int64)
    deepar_panel.count_known(values, starts, stops, known, 1e8)
    for i, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        is_known = (np.abs(values[start:stop]) < 1e8).all(axis=1)
        assert known[i] == np.append(is_known, False).argmin()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_standardised_within_bounds(dtype):
    values = np.array([[1, 10], [np.nan, 20], [1e30, -1e30], [3, 30]]).astype(dtype)
    units = np.empty((4, 2), dtype=np.float32)
    deepar_panel.standardise(values, np.array([1.0, 20]), np.array([2.0, 5]), units, 100.0)
    np.testing.assert_array_equal(units, [[0, -2], [0, 0], [100, -100], [1, 2]])


@given(seed=st.integers(0, 1000))
def test_the_future_is_spliced_behind_the_past(seed):
    rng = np.random.default_rng(seed)
    past, future = (rng.random((n, 2)).astype(np.float32) for n in (20, 15))
    lengths, horizon = rng.integers(0, 6, size=4), int(rng.integers(0, 4))
    past_rows, future_rows = rng.integers(0, 14, size=4), rng.integers(0, 11, size=4)
    rows = np.cumsum(lengths + horizon) - lengths - horizon
    both = np.full((int((lengths + horizon).sum()), 2), np.nan, dtype=np.float32)
    deepar_panel.splice(past, past_rows, lengths, future, future_rows, rows, both, horizon)
    for i in range(4):
        mine = both[rows[i] :][: lengths[i] + horizon]
        np.testing.assert_array_equal(mine[: lengths[i]], past[past_rows[i] :][: lengths[i]])
        np.testing.assert_array_equal(mine[lengths[i] :], future[future_rows[i] :][:horizon])
