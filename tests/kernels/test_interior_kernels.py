"""The walks over bent lines against the formulas in numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython.linear_interior import (
    interior_ahead,
    interior_aim,
    interior_go,
    interior_look,
    interior_move,
    interior_recenter,
    interior_start,
)


class Lines:
    """Random lines somewhere inside their walls."""

    def __init__(self, n, seed):
        random = np.random.default_rng(seed)
        self.low, self.high = -random.uniform(0, 1, n), random.uniform(0.1, 1, n)
        self.width = self.high - self.low
        self.weight, self.ease = random.uniform(0.1, 2, n), random.uniform(0.5, 2, n)
        self.at = random.uniform(0.1, 3, (4, n))
        self.at[2] = self.width * random.uniform(0.01, 0.99, n)
        self.at[3] = self.width - self.at[2]
        self.move, self.aim = random.normal(size=(3, n)), random.normal(size=(3, n))
        self.curvature, self.change = random.uniform(0.1, 2, n), random.normal(size=n)


@pytest.fixture(params=[1, 7, 100])
def lines(request):
    return Lines(request.param, request.param)


def test_look_is_the_formula(lines):
    s, r, a, b = lines.at
    seen = np.empty((3, len(s)))
    total = interior_look(lines.low, lines.high, lines.weight, lines.at, seen)
    curvature = lines.weight / (s / a + r / b)
    expected = [lines.weight * (lines.low + a), curvature, curvature * (r - s)]
    np.testing.assert_allclose(seen, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(total, lines.weight @ (a * s + b * r), rtol=1e-12)


def test_aim_is_the_formula(lines):
    s, r, a, b = lines.at
    d_s, d_r, d_dual = lines.move
    aim = np.empty((3, len(s)))
    interior_aim(lines.ease, lines.at, lines.move, lines.curvature, 0.3, 0.5, aim)
    m_s = 0.3 * lines.ease - a * s - 0.5 * d_dual * d_s
    m_r = 0.3 * lines.ease - b * r + 0.5 * d_dual * d_r
    expected = [m_s, m_r, lines.curvature * (m_s / a - m_r / b)]
    np.testing.assert_allclose(aim, expected, rtol=1e-10, atol=1e-12)


def test_recentring_is_the_formula(lines):
    s, r, a, b = lines.at
    d_s, d_r, d_dual = lines.move
    aim = lines.aim.copy()
    interior_recenter(lines.ease, lines.at, lines.move, lines.curvature, 0.4, 0.6, 0.2, 3.0, aim)
    low, high = 0.2 * lines.ease / 3, 0.2 * lines.ease * 3
    after = [(a + 0.6 * d_dual) * (s + 0.4 * d_s), (b - 0.6 * d_dual) * (r + 0.4 * d_r)]
    m_s, m_r = (
        m + np.maximum(np.clip(v, low, high) - v, -high)
        for m, v in zip(lines.aim[:2], after, strict=True)
    )
    expected = [m_s, m_r, lines.curvature * (m_s / a - m_r / b)]
    np.testing.assert_allclose(aim, expected, rtol=1e-10, atol=1e-12)


def test_move_reaches_the_aim(lines):
    s, r, a, b = lines.at
    move = np.empty((3, len(s)))
    primal, dual = interior_move(lines.change, lines.at, lines.aim, move)
    d_s, d_r, d_dual = move
    np.testing.assert_allclose(d_s - d_r, lines.change, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(a * d_s + s * d_dual, lines.aim[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(b * d_r - r * d_dual, lines.aim[1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(primal, max(0, (-d_s / s).max(), (-d_r / r).max()), rtol=1e-12)
    np.testing.assert_allclose(dual, max(0, (-d_dual / a).max(), (d_dual / b).max()), rtol=1e-12)


def test_going_and_looking_ahead_are_the_formulas(lines):
    s, r, a, b = lines.at.copy()
    d_s, d_r, d_dual = lines.move
    ahead = interior_ahead(lines.weight, lines.at, lines.move, 0.1, 0.2)
    interior_go(lines.move, 0.1, 0.2, lines.at)
    after = [s + 0.1 * d_s, r + 0.1 * d_r, a + 0.2 * d_dual, b - 0.2 * d_dual]
    np.testing.assert_allclose(lines.at, after, rtol=1e-12, atol=1e-14)
    s, r, a, b = after
    np.testing.assert_allclose(ahead, lines.weight @ (a * s + b * r), rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    away=st.floats(-1e200, 1e200),
    width=st.floats(1e-3, 2),
    ease=st.floats(1e-6, 1e6),
    mu=st.floats(1e-30, 1e30),
)
def test_starts_are_on_the_path(away, width, ease, mu):
    at = np.empty((4, 1))
    interior_start(np.array([away]), np.array([width]), np.array([ease]), mu, at)
    s, r, a, b = at[:, 0]
    assert np.isfinite(at).all() and s > 0 and r > 0 and a >= 0 and b >= 0
    np.testing.assert_allclose(s - r, away, rtol=1e-9, atol=1e-9 * (s + r))
    np.testing.assert_allclose(a + b, width, rtol=1e-9)
    if abs(away) < 1e100:  # beyond, the slack of one wall is rounded to nothing
        np.testing.assert_allclose([a * s, b * r], mu * ease, rtol=1e-9)
