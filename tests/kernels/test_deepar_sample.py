"""Prediction's steps of the network, and the paths drawn by them, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import deepar_sample
from algos.deepar.network import Layout, initial_weights
from algos.deepar.sampling import Forecaster, network_steps
from algos.deepar.windows import Plan
from tests.deepar import reference

LEVELS = (0, 3, 4)
KINDS = tuple(reference.OUTPUTS)
REAL = (0, 1, 5)
SEED = np.array([7, 11], dtype=np.uint64)


@pytest.fixture(params=LEVELS)
def level(request):
    yield deepar_sample._test_choose_level(request.param)
    deepar_sample._test_choose_level(max(LEVELS))


class Case:
    """A network and series as the kernel takes them."""

    def __init__(
        self, seed=0, n=3, kind=1, hidden=5, n_layers=2, context=4, horizon=6, lags=(1, 2, 5),
        n_other=3, n_static=2, zoneout=0.0,
    ):  # fmt: skip
        rng = np.random.default_rng(seed)
        self.n, self.kind, self.context, self.horizon = n, kind, context, horizon
        self.lags = np.array(lags, dtype=np.int32)
        self.layout = Layout(
            len(lags) + n_other, n_static, hidden, n_layers, reference.OUTPUTS[kind]
        )
        self.weights = reference.with_direct(self.layout, initial_weights(self.layout, SEED) * 2)
        plan = Plan(context, horizon, self.lags, n_dynamic=n_other - 1)
        self.forecaster = Forecaster(plan, self.layout, self.weights, kind, zoneout)
        shape = (context + horizon, n, self.layout.n_inputs)
        self.inputs = rng.normal(size=shape).astype(np.float32)
        for step in range(horizon):  # the future is not known
            self.inputs[context + step, :, : len(lags)][:, self.lags <= step] = 0
        self.statics = rng.normal(size=(n, n_static)).astype(np.float32)
        self.scale = rng.uniform(0.5, 3, n).astype(np.float32)
        self.feed = np.ones(n, dtype=np.float32) if kind in REAL else 1 / self.scale
        self.keys = rng.integers(0, 2**64, size=(n, 2), dtype=np.uint64)

    def states(self, n_threads=1):
        steps = network_steps(self.forecaster, np.arange(self.layout.n_inputs))
        shape = (self.n, 2, self.layout.n_layers, self.layout.hidden_size)
        states = np.full(shape, np.nan, dtype=np.float32)
        steps.read(self.inputs[: self.context], self.statics, states, n_threads)
        return states

    def paths(self, n_samples=2, n_threads=1, some=slice(None)):
        own = np.flatnonzero(self.lags < self.horizon)
        paths = np.full((self.n, n_samples, self.horizon), np.nan, dtype=np.float32)[some].copy()
        network_steps(self.forecaster, own[::-1]).draw(
            self.inputs[self.context :, some].copy(), self.statics[some], self.states()[some],
            self.scale[some], self.feed[some], SEED, self.keys[some], self.lags[own], paths,
            self.kind, n_threads,
        )  # fmt: skip
        return paths

    def heads(self, paths):
        """Return the raw numbers (horizon, n, n_samples, n_outputs) of the steps of paths."""
        n_samples = paths.shape[1]
        inputs = self.inputs.repeat(n_samples, axis=1)
        drawn = (paths * self.feed[:, None, None]).reshape(-1, self.horizon).T
        for j, lag in enumerate(self.lags):
            for step in range(lag, self.horizon):
                inputs[self.context + step, :, j] = drawn[step - lag]
        statics = self.statics.repeat(n_samples, axis=0)
        found = plain_outputs(self, inputs, statics)[self.context :]
        return found.reshape(self.horizon, self.n, n_samples, -1)


def plain_outputs(case, inputs, statics):
    none = np.zeros((len(statics), 0), dtype=np.int32)
    return reference.outputs(case.layout, case.weights, inputs, statics, none)


def plain_draws(case, heads):
    """Return (n, n_samples, horizon) draws, one by one."""
    horizon, n, n_samples, _ = heads.shape
    drawn = np.empty((n, n_samples, horizon))
    for step, i, path in np.ndindex(horizon, n, n_samples):
        head, one = heads[step, i, path][None].copy(), np.empty(1)
        deepar_sample._test_draw(
            head, SEED, case.keys[i], one, case.kind, float(case.scale[i]), path, step
        )
        drawn[i, path, step] = one[0]
    return drawn


def assert_paths_follow(case, paths):
    """Each step is drawn from what the network makes of the steps before."""
    expected = plain_draws(case, case.heads(paths))
    if case.kind in REAL or case.kind == 4:
        np.testing.assert_allclose(paths, expected, rtol=1e-3, atol=1e-4)
    else:  # a rounded head may move a count
        assert np.mean(paths != expected) < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_paths_are_drawn_from_what_the_network_says(kind, level):
    case = Case(kind=kind)
    assert_paths_follow(case, case.paths(n_samples=30))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99),
    n=st.integers(1, 5),
    n_samples=st.sampled_from([1, 2, 17, 97, 200]),
    hidden=st.integers(1, 20),
    n_layers=st.integers(1, 3),
    context=st.integers(1, 4),
    horizon=st.integers(1, 5),
    lags=st.sets(st.integers(1, 7), max_size=4).map(sorted),
    kind=st.sampled_from([0, 1, 2]),
)
def test_paths_of_any_shape_are_drawn_from_the_network(n_samples, **sizes):
    case = Case(**sizes)
    assert_paths_follow(case, case.paths(n_samples=n_samples))


@pytest.mark.parametrize("n", [1, 16, 17, 70])
def test_the_context_leads_to_the_states_of_the_network(n, level):
    case = Case(n=n, hidden=9, n_layers=2, context=5)
    found = case.states()
    parts = {name: part.astype(float) for name, part in case.layout.views(case.weights).items()}
    head = found[:, 0, -1] @ parts["head"][:9] + case.inputs[4] @ parts["direct"]
    expected = plain_outputs(case, case.inputs[:5], case.statics)[-1]
    np.testing.assert_allclose(head[:, :3], expected, rtol=1e-4, atol=1e-5)


def test_a_path_depends_on_its_series_and_number_alone():
    case = Case(n=9)
    paths = case.paths(n_samples=50)
    np.testing.assert_array_equal(case.paths(n_samples=50, n_threads=2), paths)
    np.testing.assert_array_equal(case.paths(n_samples=7), paths[:, :7])
    np.testing.assert_array_equal(case.paths(n_samples=50, some=slice(3, 5)), paths[3:5])
    np.testing.assert_array_equal(case.states(n_threads=2), case.states())


def test_levels_agree():
    case = Case(n=4, hidden=12)
    found = []
    for limit in LEVELS:
        deepar_sample._test_choose_level(limit)
        found.append(case.paths(n_samples=20)[:, :, :2])
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [0.0, 1e20])
def test_extreme_weights_give_finite_paths(kind, factor):
    case = Case(kind=kind)
    case.weights *= np.float32(factor)
    assert np.all(np.isfinite(case.paths(n_samples=10)))


def test_zoneout_keeps_its_share_of_the_states():
    case = Case(n=2, n_layers=1, context=1, zoneout=0.25)
    free = Case(n=2, n_layers=1, context=1)
    np.testing.assert_allclose(case.states(), 0.75 * free.states(), rtol=1e-6)


def test_wrong_shapes_are_refused():
    case = Case()
    steps = network_steps(case.forecaster, np.arange(case.layout.n_inputs))
    shape = (case.n, 2, case.layout.n_layers, case.layout.hidden_size)
    with pytest.raises(ValueError, match="disagree"):
        steps.read(case.inputs[:, :, 1:].copy(), case.statics, np.empty(shape, np.float32), 1)
