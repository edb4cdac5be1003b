"""Windows drawn and gathered by the kernels, against plain loops."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from algos._cython import deepar_windows

CONTEXT, PREDICTION = 5, 4
LAGS = np.array([1, 2, 7], dtype=np.int32)


class Case:
    """A small panel with all kinds of inputs, and a batch of windows."""

    def __init__(self, seed, n_windows=6, horizon=3, is_scaled=True):
        rng = np.random.default_rng(seed)
        self.lengths = rng.integers(0, 30, size=4)
        self.lengths[0] = 25
        self.offsets = np.cumsum(self.lengths) - self.lengths
        n = int(self.lengths.sum())
        self.filled = rng.standard_normal(n).astype(np.float32)
        self.filled[: self.lengths[0] // 2] = 0
        self.observed = (rng.random(n) < 0.8).astype(np.uint8)
        self.log_unit = rng.standard_normal(4)
        self.scale = (0.5 + rng.random(4)).astype(np.float32)
        self.typical = (0.5 + rng.random(4)).astype(np.float32)
        self.horizon, self.is_scaled = horizon, is_scaled
        steps = self.lengths + horizon
        self.rows = np.cumsum(steps) - steps
        self.calendar = rng.random((30 + horizon + 9, 2)).astype(np.float32)
        self.calendar_rows = rng.integers(0, 9, size=4)
        self.dynamic = rng.random((int(steps.sum()), 3)).astype(np.float32)
        self.categories = rng.integers(0, 5, size=(4, 2)).astype(np.int32)
        self.static = rng.random((4, 2)).astype(np.float32)
        self.age = rng.random(40).astype(np.float32)
        self.series = rng.integers(0, 4, size=n_windows)
        self.positions = np.array([rng.integers(0, self.lengths[i] + 1) for i in self.series])

    def source(self):
        return deepar_windows.WindowSource(
            self.filled, self.observed, self.offsets, self.lengths, self.log_unit, self.scale,
            self.typical, self.calendar, self.calendar_rows, self.dynamic, self.rows,
            self.categories, self.static, LAGS, self.age, self.horizon, CONTEXT, self.is_scaled,
            0.3, 2.0, 0.1,
        )  # fmt: skip

    def room(self):
        n, steps = len(self.series), CONTEXT + PREDICTION
        single = np.float32
        return (
            np.full((steps, n, 9), np.nan, dtype=single),
            np.full((n, 3), np.nan, dtype=single),
            np.full((n, 2), -1, dtype=np.int32),
            np.full((steps, n), np.nan, dtype=single),
            np.full((steps, n), np.nan, dtype=single),
            np.full(n, np.nan, dtype=single),
        )

    def expected(self):
        inputs, static, codes, targets, mask, scale = (np.zeros_like(a) for a in self.room())
        for w, (i, position) in enumerate(zip(self.series, self.positions, strict=True)):
            length = self.lengths[i]
            z = self.filled[self.offsets[i] :][:length]
            seen = self.observed[self.offsets[i] :][:length] == 1
            context = slice(max(position - CONTEXT, 0), position)
            known = np.abs(z[context].astype(float))[seen[context]]
            scale[w] = self.scale[i] if position > 0 else self.typical[i]
            if known.sum() > 0:
                scale[w] = max(known.mean(), 0.1 * self.scale[i])
            static[w, 0] = (np.log(float(scale[w])) + self.log_unit[i] - 0.3) / 2
            static[w, 1:], codes[w] = self.static[i], self.categories[i]
            for step in range(CONTEXT + PREDICTION):
                t = position - CONTEXT + step
                if 0 <= t < length and seen[t]:
                    mask[step, w] = 1
                    targets[step, w] = z[t] / scale[w] if self.is_scaled else z[t]
                if 0 <= t < length + self.horizon:
                    lags = [z[t - k] / scale[w] if 0 <= t - k < length else 0 for k in LAGS]
                    inputs[step, w] = [
                        *lags,
                        *self.calendar[self.calendar_rows[i] + t],
                        self.age[t],
                        *self.dynamic[self.rows[i] + t],
                    ]
        return inputs, static, codes, targets, mask, scale


@given(seed=st.integers(0, 10000), is_scaled=st.booleans())
def test_a_window_holds_what_its_series_tells(seed, is_scaled):
    case = Case(seed, is_scaled=is_scaled)
    room = case.room()
    case.source().gather(case.series, case.positions, *room, 1)
    for ours, wanted in zip(room, case.expected(), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=3e-7, atol=1e-7)


def test_windows_are_the_same_for_any_number_of_threads_and_any_company():
    case = Case(3, n_windows=400)
    one, two, alone = case.room(), case.room(), Case(3, n_windows=400)
    case.source().gather(case.series, case.positions, *one, 1)
    case.source().gather(case.series, case.positions, *two, 2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    alone.series, alone.positions = case.series[7:8], case.positions[7:8]
    room = alone.room()
    alone.source().gather(alone.series, alone.positions, *room, 1)
    np.testing.assert_array_equal(room[0][:, 0], one[0][:, 7])
    np.testing.assert_array_equal(room[5], one[5][7:8])


def test_windows_outside_a_series_are_refused():
    case = Case(0)
    case.positions[2] = case.lengths[case.series[2]] + 1
    with pytest.raises(ValueError, match="there is no step"):
        case.source().gather(case.series, case.positions, *case.room(), 1)
    with pytest.raises(ValueError, match="shapes"):
        case.source().gather(case.series[:3], case.positions, *case.room(), 1)


def drawn(weights, n_windows, step=0, seed=0):
    n = len(weights)
    series, positions = np.empty((2, n_windows), dtype=np.int64)
    key = np.array([seed, 1], dtype=np.uint64)
    first, last = np.zeros(n, dtype=np.int64), np.arange(n)
    order = np.arange(n)[::-1].copy()
    heaped = np.cumsum(weights[order])
    deepar_windows.draw(key, heaped, order, first, last, series, positions, step)
    return series, positions


@given(seed=st.integers(0, 1000))
def test_series_are_drawn_by_weight_and_positions_within_bounds(seed):
    rng = np.random.default_rng(seed)
    weights = rng.random(7) * (rng.random(7) < 0.7)
    weights[3] = 1.0
    series, positions = drawn(weights, 50, seed=seed)
    # each of 50 equal parts of the weights has one: counts differ from shares by 2 at most
    counts = np.bincount(series, minlength=7)
    assert np.abs(counts - 50 * weights / weights.sum()).max() <= 2
    assert (counts[weights == 0] == 0).all()
    assert (positions >= 0).all() and (positions <= series).all()


def test_positions_are_uniform_and_batches_differ():
    last = drawn(np.array([0.0, 0.0, 0.0, 1.0]), 4000)[1]
    counts = np.bincount(last, minlength=4)
    assert np.abs(counts - 1000).max() < 6 * np.sqrt(1000)
    again = drawn(np.array([0.0, 0.0, 0.0, 1.0]), 4000, step=1)[1]
    assert (last != again).any()
    np.testing.assert_array_equal(drawn(np.ones(5), 9, step=4), drawn(np.ones(5), 9, step=4))


def test_nothing_can_be_drawn_from_no_series():
    with pytest.raises(ValueError, match="no series"):
        drawn(np.zeros(0), 3)
