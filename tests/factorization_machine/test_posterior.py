"""Draws: which are kept, their mean, and its approximation by one model."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse, stats

from algos.factorization_machine import posterior
from algos.factorization_machine.posterior import (
    DrawKeeper,
    Draws,
    MeanMachine,
    kept_sweeps,
    predict_levels,
    predict_variance,
)
from algos.factorization_machine.rows import Rows
from tests.factorization_machine.plain_gibbs import plain_scores


def some_draws(rng, d=12, n_draws=5, n_factors=3, **state):
    mean = rng.standard_normal(), rng.standard_normal(d), rng.standard_normal((d, n_factors))
    return Draws(
        rng.standard_normal(n_draws),
        rng.standard_normal((d, n_draws)).astype(np.float32),
        rng.standard_normal((d, n_draws * n_factors)).astype(np.float32),
        state,
        *mean,
        {name: np.mean(value, axis=0) for name, value in state.items()},
    )


def some_rows(rng, n=20, d=12):
    X = rng.standard_normal((n, d)) * rng.integers(0, 2, (n, d))
    found = sparse.csr_array(X)
    rows = Rows(found.indptr.astype(np.int64), found.indices.astype(np.int32), found.data, d)
    return X, rows


def scores_of(X, draws):
    k = draws.n_factors
    return np.stack(
        [
            plain_scores(
                X,
                draws.intercepts[s],
                draws.linear[:, s].astype(float),
                draws.factors[:, s * k : (s + 1) * k].astype(float),
            )
            for s in range(len(draws))
        ]
    )


@pytest.mark.parametrize(
    "burn_in, max_iter, n_draws, expected",
    [
        (0, 5, 10, [0, 1, 2, 3, 4]),
        (2, 10, 4, [3, 5, 7, 9]),
        (3, 10, 2, [6, 9]),
        (9, 10, 4, [9]),
        (10, 10, 4, [9]),
        (0, 10, 3, [3, 6, 9]),
    ],
)
def test_kept_sweeps_are_even_and_end_with_the_last(burn_in, max_iter, n_draws, expected):
    assert sorted(kept_sweeps(burn_in, max_iter, n_draws)) == expected


def test_a_keeper_copies_the_draws_it_keeps():
    rng = np.random.default_rng(0)
    keeper = DrawKeeper(2, 6, 2, d=4, n_factors=2)
    linear, factors = rng.standard_normal(4), rng.standard_normal((4, 8))  # padded
    for sweep in range(6):
        linear += 1
        factors += 1
        keeper.add(sweep, float(sweep), linear, factors, {"noise_precision": sweep + 0.5})
    draws = keeper.draws()
    assert draws.intercepts.tolist() == [3, 5]
    np.testing.assert_array_equal(draws.linear[:, 1], linear.astype(np.float32))
    np.testing.assert_array_equal(draws.factors[:, 2:], factors[:, :2].astype(np.float32))
    np.testing.assert_allclose(draws.factors[:, :2], factors[:, :2] - 2, atol=1e-6)
    assert draws.state["noise_precision"].tolist() == [3.5, 5.5]
    assert draws.mean_intercept == 3.5 and draws.mean_state == {"noise_precision": 4.0}
    np.testing.assert_allclose(draws.mean_linear, linear - 1.5, rtol=1e-12)


def test_a_chain_cut_short_keeps_at_least_its_last_sweep():
    keeper = DrawKeeper(50, 100, 10, d=1, n_factors=1)
    for sweep in range(4):
        keeper.add(sweep, sweep, np.zeros(1), np.zeros((1, 1)), {}, is_last=sweep == 3)
    draws = keeper.draws()
    assert draws.intercepts.tolist() == [3] and draws.factors.shape == (1, 1)


def test_variance_is_that_of_the_draws():
    rng = np.random.default_rng(1)
    draws = some_draws(rng)
    X, rows = some_rows(rng)
    expected = scores_of(X, draws).var(axis=0)
    np.testing.assert_allclose(predict_variance(rows, draws, 1), expected, rtol=1e-4, atol=1e-5)


def test_parts_of_the_rows_are_predicted_alike(monkeypatch):
    rng = np.random.default_rng(2)
    draws, (_, rows) = some_draws(rng), some_rows(rng)
    whole = predict_variance(rows, draws, 1)
    monkeypatch.setattr(posterior, "_BLOCK_BYTES", 8 * len(draws) * 7)
    np.testing.assert_array_equal(whole, predict_variance(rows, draws, 1))


def test_probabilities_of_levels_are_near_their_means_over_the_draws():
    """For normal scores with the mean of the mean model and the variance of the draws."""
    rng = np.random.default_rng(3)
    X, rows = some_rows(rng)
    n_draws = 4000
    cuts = np.array([-np.inf, -1.0, 0.5, np.inf]) + np.zeros((n_draws, 1))
    draws = some_draws(rng, n_draws=n_draws, n_factors=1, cuts=cuts)
    draws.factors[:] = 0.1
    means = draws.linear.mean(axis=1, dtype=float)
    mean = draws.intercepts.mean(), means, np.full((12, 1), 0.1)
    draws = replace(draws, mean_intercept=mean[0], mean_linear=mean[1], mean_factors=mean[2])
    found = predict_levels(rows, draws, 1)
    each = scores_of(X, draws)
    below = stats.norm.cdf(cuts[0] - each[:, :, np.newaxis])
    np.testing.assert_allclose(found, np.diff(below, axis=2).mean(axis=0), atol=0.02)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


def test_a_shift_of_scores_and_cut_points_alike_is_no_variance():
    rng = np.random.default_rng(4)
    _, rows = some_rows(rng)
    shift = rng.standard_normal(5)
    cuts = np.array([-np.inf, -1.0, 0.5, np.inf]) + shift[:, np.newaxis]
    draws = some_draws(rng, cuts=cuts)
    alike = replace(
        draws,
        intercepts=shift,
        linear=np.ones_like(draws.linear),
        factors=np.ones_like(draws.factors),
    )
    np.testing.assert_allclose(predict_variance(rows, alike, 1), 0, atol=1e-20)


def mean_of(rng, d, n_machines, n_factors, spread, mass=None):
    """Return a mean model and the expected one."""
    common = rng.standard_normal((d, n_factors))
    machine = MeanMachine(d, n_factors, mass)
    products, linear = np.zeros((d, d)), np.zeros(d)
    for i in range(n_machines):
        factors = (common + spread * rng.standard_normal((d, n_factors))).astype(np.float32)
        own = rng.standard_normal(d)
        machine.add(float(i), own, np.pad(factors, ((0, 0), (0, 3))), {"cuts": np.full(2, i)})
        products += factors.astype(float) @ factors.T / n_machines
        linear += own / n_machines
    return machine.mean(), products, linear


def test_the_mean_of_one_machine_has_its_pair_weights():
    (_, _, folded, _), products, _ = mean_of(np.random.default_rng(5), 12, 1, 3, 0.5)
    np.testing.assert_allclose(folded @ folded.T, products, atol=1e-5)
    assert np.all(np.diff(np.linalg.norm(folded, axis=0)) <= 0)
    assert np.all(folded[np.abs(folded).argmax(axis=0), np.arange(folded.shape[1])] >= 0)


@pytest.mark.parametrize("n_machines", [3, 8, 9, 60])
def test_the_mean_machine_is_nearly_the_best_of_its_rank(n_machines):
    rng = np.random.default_rng(6)
    mean, products, linear = mean_of(rng, 60, n_machines, 4, 0.3)
    intercept, found, folded, state = mean
    assert intercept == pytest.approx((n_machines - 1) / 2)
    assert state["cuts"] == pytest.approx(np.full(2, (n_machines - 1) / 2))
    np.testing.assert_allclose(found, linear, rtol=1e-12)
    for rank in (4, 16):
        best = np.linalg.norm(np.linalg.eigvalsh(products)[:-rank])
        few = folded[:, :rank]
        assert np.linalg.norm(products - few @ few.T) <= 1.1 * best + 1e-4


@pytest.mark.parametrize("n_machines", [8, 30, 60])
def test_products_of_columns_count_as_much_as_rows_have_of_them(n_machines):
    mass = np.geomspace(1e-3, 1.0, 60)
    mean, products, _ = mean_of(np.random.default_rng(6), 60, n_machines, 4, 0.3, mass)
    roots = np.sqrt(mass)[:, np.newaxis]
    weighed = roots * products * roots.T
    for rank in (4, 16):
        best = np.linalg.norm(np.linalg.eigvalsh(weighed)[:-rank])
        few = roots * mean[2][:, :rank]
        assert np.linalg.norm(weighed - few @ few.T) <= 1.1 * best + 1e-4


def test_factors_that_only_hold_noise_are_left_out():
    (_, _, few, _), products, _ = mean_of(np.random.default_rng(6), 60, 60, 4, 0.3)
    assert few.shape == (60, posterior._FEW)
    values = np.linalg.eigvalsh(products)[::-1]
    assert values[8] < posterior._LEAST_SHARE * values[0]
    (_, _, many, _), *_ = mean_of(np.random.default_rng(6), 60, 60, 4, 3.0)
    assert many.shape[1] > posterior._FEW


def test_a_mean_of_fewer_columns_than_factors_is_padded_by_zeros():
    (_, _, folded, _), products, _ = mean_of(np.random.default_rng(7), 2, 30, 3, 0.5)
    assert folded.shape == (2, 3)
    np.testing.assert_allclose(folded @ folded.T, products, atol=1e-5)
    assert mean_of(np.random.default_rng(8), 0, 30, 3, 0.5)[0][2].shape == (0, 3)


def test_masses_are_in_proportion_however_large_the_values():
    _, rows = some_rows(np.random.default_rng(2))
    mass, huge = rows.mass(), replace(rows, values=np.ldexp(rows.values, 900)).mass()
    np.testing.assert_array_equal(huge, mass)
