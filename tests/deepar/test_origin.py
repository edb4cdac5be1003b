"""Series close to a random walk are learned relative to their last value."""

from dataclasses import replace

import numpy as np
import pytest

from algos.deepar.encoding import fit_panel
from algos.deepar.model import Model
from algos.deepar.origin import explained_share, origin_of
from algos.deepar.windows import Batch, Sampler, Source
from tests.deepar.series import plain_loss, seasonal, small


def walks(n_series=8, n_times=400, seed=0):
    """Return series that drift at random, far from 0."""
    changes = np.random.default_rng(seed).normal(size=(n_series, n_times))
    return 100 + changes.cumsum(axis=1)


def panel_and_plan(X, lags=(1, 2, 3, 12), likelihood="student_t", length=12):
    panel, encoding = fit_panel(X, likelihood=likelihood)
    return panel, encoding.plan(length, length, np.array(lags, dtype=np.int32))


def test_inputs_explain_the_changes_of_seasons_and_not_of_walks():
    assert explained_share(*panel_and_plan(seasonal(n_times=300))) > 0.5
    assert abs(explained_share(*panel_and_plan(walks()))) < 0.01


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_short_forecast_knows_seasons_from_walks(length):
    lags = np.arange(1, 13)
    noisy, drifting = seasonal(50, 400, noise=0.3), walks(50)
    assert origin_of(*panel_and_plan(noisy, length=length))[0] == 0
    assert explained_share(*panel_and_plan(noisy, lags, length=length)) > 0.5
    gaps = np.random.default_rng(1).random(drifting.shape) < 0.3
    for X in (drifting, np.where(gaps, np.nan, drifting)):
        assert origin_of(*panel_and_plan(X, np.arange(1, 31), length=length))[0] == 1


def plain_rows(batch, positions, lags):
    """Return, for each window, inputs and changes of its steps that have a value before."""
    for window, position in enumerate(positions):
        steps = range(max(0, 1 - position), 12)
        inputs = [batch.inputs[12 + step, window].astype(float) for step in steps]
        changes = [batch.targets[12 + s, window] - x[0] for s, x in zip(steps, inputs, strict=True)]
        rows = []
        for step, x, change in zip(steps, inputs, changes, strict=True):
            apart = [x[k] - x[0] if position + step >= lag else 0 for k, lag in enumerate(lags)]
            rows.append([1, x[0], *apart[1:], *x[len(lags) :], change])
        yield np.array(rows) / np.linalg.norm(changes)


def test_the_share_is_that_of_plain_least_squares():
    panel, plan = panel_and_plan(seasonal(noise=0.5))
    sampler, source = Sampler(panel, plan, "uniform", np.zeros(2, np.uint64)), Source(panel, plan)
    batch = Batch.empty(plan, 32)
    series, positions = np.empty((2, 32), dtype=np.int64)
    windows = []
    for number in range(64):
        sampler.draw(number, series, positions)
        source.gather(series, positions, batch)
        windows += plain_rows(batch, positions, plan.lags)
    rows = np.concatenate(windows)
    table, changes = rows[:, :-1], rows[:, -1]
    rest = changes - table @ np.linalg.lstsq(table, changes)[0]
    share = 1 - rest @ rest / (changes @ changes)
    weights = np.concatenate([np.full(len(window), 1 / len(window)) for window in windows])
    chance = 1 / panel.n_values + (weights**2).sum() / weights.sum() ** 2
    np.testing.assert_allclose(explained_share(panel, plan), share - plan.n_inputs * chance)


def test_chance_is_subtracted():
    assert origin_of(*panel_and_plan(walks(2, 60), lags=np.arange(1, 13)))[0] == 1
    assert abs(explained_share(*panel_and_plan(walks(100, 1500), lags=np.arange(1, 601)))) < 0.005


@pytest.mark.parametrize("share", [0.9, 0.95, 0.99])
def test_walks_that_are_mostly_missing_are_recognised(share):
    X, lags = walks(200, 1000), np.arange(1, 61)
    gaps = np.random.default_rng(5).random(X.shape) < share
    assert origin_of(*panel_and_plan(np.where(gaps, np.nan, X), lags, length=24))[0] == 1


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_seasons_that_are_mostly_missing_are_recognised(share):
    X, lags = seasonal(200, 1000, noise=0.5), np.arange(1, 61)
    gaps = np.random.default_rng(5).random(X.shape) < share
    assert origin_of(*panel_and_plan(np.where(gaps, np.nan, X), lags, length=24))[0] == 0


def test_the_order_of_series_has_no_part_in_it():
    X = walks()
    assert explained_share(*panel_and_plan(X)) == explained_share(*panel_and_plan(X[::-1]))


def test_walks_begin_at_their_last_value():
    assert origin_of(*panel_and_plan(walks()))[0] == 1
    assert origin_of(*panel_and_plan(seasonal(n_times=300)))[0] == 0


@pytest.mark.parametrize(
    ("X", "given"),
    [
        (walks(), {"lags": (2, 3)}),
        (np.rint(walks()), {"likelihood": "poisson"}),
    ],
    ids=["no value before", "counts"],
)
def test_nothing_else_does(X, given):
    assert origin_of(*panel_and_plan(X, **given))[0] == 0


def test_constant_series_begin_at_the_last_value():
    assert origin_of(*panel_and_plan(np.full((4, 60), 7.0)))[0] == 1


def test_a_network_that_learned_nothing_forecasts_the_last_value():
    X = walks(n_times=80)
    model = small(likelihood="deterministic_l1").fit(X)
    assert model.origin_ == 1
    kept = Model.from_plain(model._model)
    model._weights = kept.weights(np.zeros_like(model._weights))
    np.testing.assert_allclose(model.predict(), np.repeat(X[:, -1:], 4, axis=1), rtol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_walks_that_have_not_begun_are_forecast_as_others_begin(sign):
    X = sign * walks(30, 100)
    model = small(max_iter=20, n_batches=20).fit(X)
    assert model.origin_ == 1
    np.testing.assert_allclose(model.predict([[]]), sign * 100, rtol=0.15)


def test_only_series_that_have_not_begun_get_a_first_value():
    panel, plan = panel_and_plan(walks())
    batches = [Batch.empty(plan, 3) for _ in range(2)]
    positions = np.array([0, 5, 300])
    for given, batch in zip((plan, replace(plan, origin=1, first=0.7)), batches, strict=True):
        Source(panel, given).gather(np.arange(3), positions, batch)
    apart = batches[1].inputs - batches[0].inputs
    assert np.argwhere(apart).tolist() == [[7, 1, 0], [12, 0, 0]]
    np.testing.assert_allclose(apart[[7, 12], [1, 0], 0], 0.7, rtol=1e-6)


def test_weights_are_as_learned_without_an_origin():
    model = small().fit(seasonal(n_times=300))
    kept = Model.from_plain(model._model)
    learned = model._progress["average"]
    np.testing.assert_array_equal(kept.weights(learned), learned)
    apart = kept.beginning_at(1).weights(learned) - learned
    assert kept.plan == replace(kept.plan, origin=0)
    assert np.count_nonzero(apart) == 1
    np.testing.assert_allclose(kept.layout.views(apart)["direct"][0, 0], 1, rtol=1e-6)


def test_walks_are_forecast_as_well_as_by_their_last_value():
    X = walks(n_times=600)
    past, future = X[:, :-12], X[:, -12:]
    model = small(
        prediction_length=12, context_length=12, max_iter=10, n_batches=20, n_samples=200
    ).fit(past)
    width = np.sqrt(np.arange(1, 13)) * np.array([-1.282, 0, 1.282])[:, None]
    levels = np.array([0.1, 0.5, 0.9])
    law = plain_loss(future, past[:, -1:, None] + width, levels)
    assert plain_loss(future, model.predict_quantiles(quantiles=levels), levels) < 1.15 * law


def test_the_reason_is_printed(capsys):
    X = walks(n_times=80)
    small(verbose=1).fit(X)
    assert "origin 1: inputs explain 0.0%" in capsys.readouterr().out
    small(verbose=1, lags=[2, 3]).fit(X)
    assert "origin 0: " in capsys.readouterr().out


def test_learning_from_an_origin_goes_through_all_rates():
    model = small(early_stopping=True, max_iter=6, n_iter_no_change=1, tol=10.0).fit(walks())
    assert model.origin_ == 1 and model.n_iter_ == 6 and 1 <= model.best_iter_ <= 6


def test_a_warm_start_keeps_the_origin():
    X = walks(n_times=80)
    model = small(warm_start=True).fit(X)
    once = model.predict()
    model.set_params(max_iter=1, learning_rate_init=1e-12).fit(X)
    assert model.origin_ == 1 and model.n_iter_ == 3
    np.testing.assert_allclose(model.predict(), once, rtol=1e-4)
