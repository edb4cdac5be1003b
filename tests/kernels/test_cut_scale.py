"""Rows in a forest's units, against the formulas in numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

from algos._cython.cut_scale import LIMIT, normalize_rows, scale_rows
from algos.random_cut_forest.scaling import SCALES, learned_scaling

ALL = [*SCALES, None]


def rows(n=500, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * [1.0, 10.0, 0.1][:d] + 5


def learned(X, scale="robust"):
    return learned_scaling(X, scale, None, len(X), 0.0)


def plain_scaled(X, scaling):
    with np.errstate(over="ignore"):
        found = (X * scaling.unit - scaling.center) * scaling.factor
    return np.clip(found, -LIMIT, LIMIT).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, 3000])
def test_scale_rows_does_what_the_formula_says(dtype, n):
    X = rows(n).astype(dtype)
    scaling = learned(rows())
    assert np.array_equal(scaling.scaled(X), plain_scaled(X.astype(np.float64), scaling))
    assert np.array_equal(scaling.scaled(X, 2), scaling.scaled(X))


@settings(deadline=None, max_examples=50)
@given(
    npst.arrays(np.float64, (4, 2), elements=st.floats(allow_nan=False, allow_infinity=False)),
    st.sampled_from(ALL),
)
def test_any_numbers_are_scaled_within_the_limit(X, scale):
    scaling = learned(X, scale)
    found = scaling.scaled(np.concatenate([X, -X]))
    assert np.all(np.abs(found) <= LIMIT)
    assert np.all(np.abs(found[:4]) <= 100) or scale in ("robust", "standard")


def plain_normalized(X, running, decay, clip=100.0):
    """Return rows normalised one by one, and the running state after them."""
    weight, mean, scatter = (running[:, k].copy() for k in range(3))
    out = []
    for x in X:
        step = x - mean
        weight = weight * np.exp(-decay) + 1
        mean = mean + step / weight
        scatter = scatter * np.exp(-decay) + step * (x - mean)
        out.append(np.clip((x - mean) / np.sqrt(scatter / weight), -clip, clip))
    return np.array(out), np.column_stack([weight, mean, scatter])


def test_normalize_rows_follows_mean_and_deviation():
    X, decay = rows(), 0.01
    running = np.array([[5.0, 5.0, 4.0]] * 3)
    expected, after = plain_normalized(X, running, decay)
    found = np.empty(X.shape, dtype=np.float32)
    normalize_rows(X, np.ones(3), np.ones(3), running, found, decay, 100.0, True)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(running, after, rtol=1e-9)


def test_an_empty_block_is_accepted():
    out = np.empty((0, 3), dtype=np.float32)
    scale_rows(np.empty((0, 3)), np.ones(3), np.zeros(3), np.ones(3), out)
