"""Draws: which are kept, what they average to, and the machine they are folded into."""

import numpy as np
import pytest
from scipy import sparse, stats

from algos.factorization_machine.posterior import (
    DrawKeeper,
    Draws,
    kept_sweeps,
    predict_levels,
    predict_moments,
)
from algos.factorization_machine.rows import Rows
from tests.factorization_machine.plain_gibbs import plain_scores

KEY = np.array([9, 10], dtype=np.uint64)


def some_draws(rng, d=12, n_draws=5, n_factors=3, **state):
    return Draws(
        rng.standard_normal(n_draws),
        rng.standard_normal((d, n_draws)).astype(np.float32),
        rng.standard_normal((d, n_draws * n_factors)).astype(np.float32),
        state,
    )


def some_rows(rng, n=20, d=12):
    X = rng.standard_normal((n, d)) * rng.integers(0, 2, (n, d))
    found = sparse.csr_array(X)
    rows = Rows(
        found.indptr.astype(np.int64), found.indices.astype(np.int32), found.data, d
    )
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


def test_a_keeper_copies_what_is_wanted():
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


def test_a_chain_cut_short_keeps_at_least_its_last_sweep():
    keeper = DrawKeeper(50, 100, 10, d=1, n_factors=1)
    for sweep in range(4):
        keeper.add(sweep, sweep, np.zeros(1), np.zeros((1, 1)), {}, is_last=sweep == 3)
    draws = keeper.draws()
    assert draws.intercepts.tolist() == [3] and draws.factors.shape == (1, 1)


def test_moments_are_those_of_the_draws():
    rng = np.random.default_rng(1)
    draws = some_draws(rng)
    X, rows = some_rows(rng)
    mean, variance = predict_moments(rows, draws, 1)
    each = scores_of(X, draws)
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(variance, each.var(axis=0), rtol=1e-4, atol=1e-5)


def test_parts_of_the_rows_are_predicted_alike(monkeypatch):
    from algos.factorization_machine import posterior

    rng = np.random.default_rng(2)
    draws, (_, rows) = some_draws(rng), some_rows(rng)
    whole = predict_moments(rows, draws, 1)
    monkeypatch.setattr(posterior, "_BLOCK_BYTES", 8 * len(draws) * 7)
    np.testing.assert_array_equal(whole, predict_moments(rows, draws, 1))


@pytest.mark.parametrize("has_cuts", [False, True])
def test_probabilities_of_levels_are_means_over_the_draws(has_cuts):
    rng = np.random.default_rng(3)
    cuts = np.array([[-np.inf, -1.0, 0.5 + s, np.inf] for s in range(5)])
    draws = some_draws(rng, **({"cuts": cuts} if has_cuts else {}))
    X, rows = some_rows(rng)
    found = predict_levels(rows, draws, 1)
    own = cuts if has_cuts else np.tile([-np.inf, 0.0, np.inf], (5, 1))
    below = stats.norm.cdf(own[:, np.newaxis, :] - scores_of(X, draws)[:, :, np.newaxis])
    np.testing.assert_allclose(found, np.diff(below, axis=2).mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


def test_the_fold_of_one_draw_has_its_pair_weights():
    draws = some_draws(np.random.default_rng(4), n_draws=1)
    folded = draws.fold(KEY)
    V = draws.factors.astype(float)
    np.testing.assert_allclose(folded @ folded.T, V @ V.T, atol=1e-5)
    lengths = np.linalg.norm(folded, axis=0)
    assert np.all(np.diff(lengths) <= 0)
    assert np.all(folded[np.abs(folded).argmax(axis=0), np.arange(3)] > 0)


def test_the_fold_is_the_best_of_its_rank():
    rng = np.random.default_rng(5)
    draws = some_draws(rng, d=60, n_draws=40, n_factors=4)
    mean = draws.factors.astype(float) @ draws.factors.T.astype(float) / 40
    values = np.linalg.eigvalsh(mean)
    for rank in (4, 7):
        folded = draws.fold(KEY, rank)
        missed = np.linalg.norm(mean - folded @ folded.T)
        assert missed <= 1.001 * np.linalg.norm(values[:-rank])


def test_a_fold_of_fewer_columns_than_factors_is_padded_by_zeros():
    draws = some_draws(np.random.default_rng(6), d=2, n_factors=3)
    folded = draws.fold(KEY)
    assert folded.shape == (2, 3) and np.all(folded[:, 2] == 0)
    mean = draws.factors.astype(float) @ draws.factors.T.astype(float) / 5
    np.testing.assert_allclose(folded @ folded.T, mean, atol=1e-5)
    assert some_draws(np.random.default_rng(7), d=0).fold(KEY).shape == (0, 3)
