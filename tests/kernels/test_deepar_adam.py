"""Steps of Adam against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import deepar_adam


def plain_step(gradient, weight, state, number, rate, clip, decay, memory):
    """Return the state after Adam's step number `number`, in double, and the length."""
    w, m, v, average = (part.astype(float) for part in state)
    g = gradient.astype(float) / weight
    length = np.linalg.norm(g)
    g *= min(1, clip / length) if length else 1
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    step = (m / (1 - 0.9**number)) / (np.sqrt(v / (1 - 0.999**number)) + 1e-8)
    w = w - rate * decay * w - rate * step
    share = max(1 - memory, min(1, 11 / (number + 10)))
    return (w, m, v, average + share * (w - average)), length


def state_of(n, seed):
    rng = np.random.default_rng(seed)
    state = [rng.normal(size=n).astype(np.float32) for _ in range(4)]
    state[2] = np.abs(state[2])
    return state


def take(gradient, weight, state, **how):
    how = {"number": 1, "rate": 1e-2, "clip": 10.0, "decay": 0.0, "memory": 0.9, **how}
    return deepar_adam.step(gradient, weight, *state, **how)


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(1, 70),
    seed=st.integers(0, 1000),
    number=st.integers(1, 10_000),
    magnitude=st.sampled_from([1e-30, 1e-3, 1.0, 1e3, 1e30]),
    weight=st.sampled_from([1e-3, 1.0, 3000.0]),
    clip=st.sampled_from([1e-3, 1.0, 10.0]),
    decay=st.sampled_from([0.0, 0.1]),
    memory=st.sampled_from([0.0, 0.9, 0.999]),
)
def test_a_step_is_that_of_the_paper(n, seed, number, magnitude, weight, clip, decay, memory):
    rng = np.random.default_rng(seed + 1)
    gradient = (magnitude * rng.normal(size=n)).astype(np.float32)
    state = state_of(n, seed)
    how = {"number": number, "rate": 1e-2, "clip": clip, "decay": decay, "memory": memory}
    expected, expected_length = plain_step(gradient, weight, state, **how)
    length = take(gradient, weight, state, **how)
    assert length == pytest.approx(expected_length, rel=1e-6)
    for got, wanted in zip(state, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_no_number_changes_nothing(bad):
    state, gradient = state_of(40, 0), np.ones(40, dtype=np.float32)
    gradient[17] = bad
    before = [part.copy() for part in state]
    assert not np.isfinite(take(gradient, 1.0, state))
    for got, wanted in zip(state, before, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_a_gradient_of_nothing_changes_nothing():
    state = state_of(5, 0)
    before = [part.copy() for part in state]
    assert take(np.zeros(5, dtype=np.float32), 0.0, state) == np.inf
    for got, wanted in zip(state, before, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("clip", [10.0, np.inf])
def test_the_largest_numbers_are_clipped_and_not_rejected(clip):
    state = state_of(1000, 0)
    gradient = np.full(1000, np.finfo(np.float32).max)
    assert np.isfinite(take(gradient, 1.0, state, clip=clip))
    assert all(np.isfinite(part).all() for part in state)


def test_an_average_without_memory_is_the_weights():
    state = state_of(33, 0)
    for number in range(1, 4):
        take(np.ones(33, dtype=np.float32), 1.0, state, number=number, memory=0.0)
        np.testing.assert_allclose(state[3], state[0], rtol=1e-6)
