"""Paths of panels: what they depend on, and that they continue series as training saw them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos.deepar import sampling
from algos.deepar.encoding import fit_panel, panel_of
from algos.deepar.likelihoods import LIKELIHOODS
from algos.deepar.network import Layout, initial_weights
from algos.deepar.sampling import Forecaster, embed_series, path_quantiles, sample_paths
from algos.deepar.windows import Batch, Source
from tests.deepar import reference

KEY = np.array([3, 4], dtype=np.uint64)
LAGS = np.array([1, 2, 3, 7, 12], dtype=np.int32)
START = np.datetime64("2024-01-01")
HORIZON = 6


def some_series(n=5, seed=0, longest=40):
    """Series of several lengths, the last but one with a gap, the last one empty."""
    rng = np.random.default_rng(seed)
    lengths = np.linspace(longest, 3, n).astype(int)
    series = [np.exp(rng.normal(1, 0.5, length)) * 3**i for i, length in enumerate(lengths)]
    series[-2][1:3] = np.nan
    return [*series, np.empty(0)]


class Setting:
    """Series, and a network of random weights that goes with them."""

    def __init__(self, X, likelihood="gaussian", context=10, zoneout=0.0):
        given = {"freq": "D", "start": START, "static_categorical": np.arange(len(X)) % 2}
        given["static_categorical"] = given["static_categorical"][:, None]
        self.X, self.given = X, given
        _, self.encoding = fit_panel(X, likelihood=likelihood, **given)
        plan = self.encoding.plan(context, HORIZON, LAGS)
        kind = LIKELIHOODS[likelihood]
        layout = Layout(plan.n_inputs, plan.n_static, 7, 2, kind.n_outputs, (3,), (2,))
        weights = initial_weights(layout, KEY) * np.float32(1.5)
        weights = reference.with_direct(layout, weights)
        self.forecaster = Forecaster(plan, layout, weights, kind.code, zoneout)

    def panel(self, X=None, horizon=HORIZON):
        return panel_of(
            self.encoding,
            self.X if X is None else X,
            horizon=horizon,
            start=START,
            static_categorical=self.given["static_categorical"],
        )

    def paths(self, panel=None, horizon=HORIZON, n_samples=5, n_threads=1):
        panel = self.panel(horizon=horizon) if panel is None else panel
        parts = sample_paths(
            self.forecaster,
            panel,
            horizon=horizon,
            n_samples=n_samples,
            key=KEY,
            n_threads=n_threads,
        )
        return np.concatenate([paths for _, paths in parts])


def test_paths_continue_series_as_training_sees_them():
    """What the network says of a window of the continued series, each draw is made from."""
    setting, n_samples = Setting(some_series()[:-1]), 3
    plan, layout = setting.forecaster.plan, setting.forecaster.layout
    paths = setting.paths(n_samples=n_samples)
    before = setting.panel()
    noise = np.full_like(paths, np.nan)
    for path in range(n_samples):
        longer = [np.append(x, new) for x, new in zip(setting.X, paths[:, path], strict=True)]
        batch = Batch.empty(plan, len(longer))
        Source(setting.panel(longer), plan).gather(
            np.arange(len(longer)), before.lengths.copy(), batch
        )
        heads = reference.outputs(
            layout, setting.forecaster.weights, batch.inputs, batch.static, batch.categories
        )[plan.context_length :]
        deviation = 1e-5 + np.log1p(np.exp(heads[..., 1]))
        noise[:, path] = ((batch.targets[plan.context_length :] - heads[..., 0]) / deviation).T
    other = Setting(some_series()[:-1])  # the same noise drives a network that says nothing
    other.forecaster.weights[:] = 0
    scale = setting_scale(other)[:, None, None] * (1e-5 + np.log(2))
    np.testing.assert_allclose(noise, other.paths(n_samples=n_samples) / scale, atol=2e-3)


def setting_scale(setting):
    """Return the scale of each series' context in the units of the data."""
    panel, plan = setting.panel(), setting.forecaster.plan
    batch = Batch.empty(plan, len(panel))
    Source(panel, plan).gather(np.arange(len(panel)), panel.lengths.copy(), batch)
    return batch.scale * panel.unit


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_other_series_threads_and_paths_change_no_bit(likelihood, monkeypatch):
    rng = np.random.default_rng(0)
    draw = {"beta": rng.random, "poisson": lambda size: rng.poisson(3, size).astype(float)}
    draw["negative_binomial"] = draw["poisson"]
    X = [draw.get(likelihood, rng.normal)(size=size) for size in (30, 8, 21, 17, 0)]
    setting = Setting(X, likelihood)
    paths = setting.paths(n_samples=70)
    assert paths.shape == (5, 70, HORIZON)
    assert np.all(np.isfinite(paths))
    np.testing.assert_array_equal(setting.paths(n_samples=70, n_threads=2), paths)
    np.testing.assert_array_equal(setting.paths(n_samples=9), paths[:, :9])
    some = np.array([3, 1])
    np.testing.assert_array_equal(
        setting.paths(setting.panel().take(some), n_samples=70), paths[some]
    )
    monkeypatch.setattr(sampling, "_CHUNK_BYTES", 1)
    np.testing.assert_array_equal(setting.paths(n_samples=70), paths)


def test_a_longer_horizon_begins_with_a_shorter_one():
    setting = Setting(some_series())
    longer = setting.paths(horizon=3 * HORIZON)
    np.testing.assert_array_equal(longer[:, :, :HORIZON], setting.paths())
    assert np.all(np.isfinite(longer))


@pytest.mark.parametrize("factor", [2.0**200, 2.0**-200])
def test_paths_are_in_the_units_of_the_data(factor):
    setting, scaled = Setting(some_series()), Setting([x * factor for x in some_series()])
    panel = replace(scaled.panel(), keys=setting.panel().keys)  # for the same noise
    paths, scaled = setting.paths(), scaled.paths(panel)
    np.testing.assert_allclose(scaled / factor, paths, rtol=1e-3, atol=1e-3)


def test_a_network_of_zeros_draws_standard_variates():
    setting = Setting(some_series())
    setting.forecaster.weights[:] = 0
    standard = setting.paths(n_samples=2000) / setting_scale(setting)[:, None, None] / np.log(2)
    np.testing.assert_allclose(standard.mean(axis=1), 0, atol=0.12)
    np.testing.assert_allclose(standard.std(axis=1), 1, atol=0.12)
    correlation = np.corrcoef(standard.transpose(1, 0, 2).reshape(2000, -1).T)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 0.12


def test_deterministic_paths_are_alike():
    paths = Setting(some_series(), "deterministic_l1").paths(n_samples=4)
    np.testing.assert_array_equal(paths, paths[:, :1].repeat(4, axis=1))


def test_embeddings_are_of_each_series_alone():
    setting = Setting(some_series(), zoneout=0.1)
    found = embed_series(setting.forecaster, setting.panel())
    assert found.shape == (6, 7)
    assert np.all(np.abs(found) < 1)
    some = setting.panel().take(np.array([4, 2]))
    np.testing.assert_array_equal(
        embed_series(setting.forecaster, some, n_threads=2), found[[4, 2]]
    )


@settings(max_examples=30, deadline=None)
@given(
    n_samples=st.integers(1, 12),
    levels=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_quantiles_are_numpys(n_samples, levels, seed):
    paths = np.random.default_rng(seed).normal(size=(3, n_samples, 2))
    np.testing.assert_allclose(
        path_quantiles(paths, levels),
        np.quantile(paths, levels, axis=1).transpose(1, 0, 2),
        rtol=1e-12,
        atol=1e-12,
    )


def test_no_series_have_no_paths():
    setting = Setting(some_series())
    none = setting.panel().take(np.empty(0, dtype=np.int64))
    panels = sample_paths(setting.forecaster, none, horizon=2, n_samples=3, key=KEY)
    assert list(panels) == []
    assert embed_series(setting.forecaster, none).shape == (0, 7)
