"""Likelihoods of rows given their scores, and the meaning of weights."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import log_ndtr

from algos.factorization_machine.cut_points import CutPrior, _curvature, draw_cuts, start_cuts
from algos.factorization_machine.likelihoods import (
    Gaussian,
    Logit,
    OrderedProbit,
    Probit,
    copies_of,
)

KEY = np.array([7, 8], dtype=np.uint64)


def levels_of(rng, n, n_levels):
    levels = rng.integers(0, n_levels, n).astype(np.int32)
    levels[:n_levels] = np.arange(n_levels)
    return levels


def test_noise_of_weighted_rows_is_that_of_repeated_rows():
    rng = np.random.default_rng(0)
    target, scores = rng.standard_normal((2, 50))
    weight = rng.integers(1, 5, 50)
    weighted = Gaussian(target, weight.astype(float))
    repeated = Gaussian(np.repeat(target, weight))
    found = weighted.draw(scores, KEY, 3, 1)
    expected = repeated.draw(np.repeat(scores, weight), KEY, 3, 1)
    assert found.precision == pytest.approx(expected.precision, rel=1e-13)
    assert weighted.state() == {"noise_precision": found.precision}


def test_noise_follows_its_gamma_distribution():
    rng = np.random.default_rng(1)
    target, scores = rng.standard_normal((2, 9))
    likelihood = Gaussian(target, shape=3.0, rate=2.0)
    draws = [likelihood.draw(scores, KEY, sweep, 1).precision for sweep in range(3000)]
    law = stats.gamma(6.0, scale=2 / (2.0 + np.sum((target - scores) ** 2)))
    assert stats.kstest(draws, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [Probit, Logit, OrderedProbit])
def test_draws_keep_the_scores_type_and_depend_on_key_and_sweep_only(kind, dtype):
    rng = np.random.default_rng(2)
    levels = levels_of(rng, 700, 4 if kind is OrderedProbit else 2)
    scores = rng.standard_normal(700).astype(dtype)
    first, again, other = (kind(levels).draw(scores, KEY, sweep, 1) for sweep in (1, 1, 2))
    assert first.target.dtype == dtype
    assert first.target.tobytes() == again.target.tobytes() != other.target.tobytes()
    assert (first.weight is None) == (kind is not Logit) and first.precision == 1


def test_whole_weights_are_precisions_of_averages():
    levels = np.array([0, 1], dtype=np.int32)
    latent = Probit(levels, np.array([3.0, 2.0 + 1e-12])).draw(np.zeros(2), KEY, 0, 1)
    assert latent.weight.tolist() == [3, 2]
    assert copies_of(np.ones(4)) is None and copies_of(None) is None


@pytest.mark.parametrize("kind", [Probit, Logit, OrderedProbit])
@pytest.mark.parametrize("weight", [0.5, 1.0001, 2.0**31, 1e300])
def test_other_weights_are_refused_by_one_clear_error(weight, kind):
    likelihood = kind(np.array([0, 1], dtype=np.int32), np.array([1.0, weight]))
    with pytest.raises(ValueError, match=r"`sample_weight`.*integers.*solver='als'"):
        likelihood.draw(np.zeros(2), KEY, 0, 1)
    likelihood.expect(np.zeros(2), 1)


@pytest.mark.parametrize("kind", [Probit, Logit])
def test_fitting_the_expected_targets_lowers_the_objective(kind):
    """One score for all rows: EM ends at the share of the second class."""
    rng = np.random.default_rng(8)
    levels, weight = levels_of(rng, 60, 2), rng.random(60)
    likelihood = kind(levels, weight)
    score, objectives = 1.5, []
    for _ in range(60):
        scores = np.full(60, score)
        objectives.append(likelihood.objective(scores, 1))
        latent = likelihood.expect(scores, 1)
        score = np.average(latent.target, weights=latent.weight)
    assert np.all(np.diff(objectives) <= 1e-12)
    share = np.average(levels, weights=weight)
    law = stats.norm if kind is Probit else stats.logistic
    assert law.cdf(score) == pytest.approx(share, rel=1e-6)


def test_start_cuts_are_the_best_for_scores_of_zero():
    levels = levels_of(np.random.default_rng(3), 300, 4)
    likelihood = OrderedProbit(levels)
    shares = np.diff(stats.norm.cdf(likelihood.cuts))
    np.testing.assert_allclose(shares, np.bincount(levels) / 300, rtol=1e-9)
    assert start_cuts(np.array([5.0])).tolist() == [-np.inf, np.inf]


def test_improved_cuts_reach_the_optimum():
    rng = np.random.default_rng(4)
    scores = 2 * rng.standard_normal(500)
    levels = np.digitize(scores + rng.standard_normal(500), [-1.0, 0.5, 2.0]).astype(np.int32)
    weight = rng.random(500)
    likelihood = OrderedProbit(levels, weight)
    objectives = [likelihood.objective(scores, 1)]
    for _ in range(12):
        likelihood.expect(scores, 1)
        objectives.append(likelihood.objective(scores, 1))
    assert np.all(np.diff(objectives) <= 1e-10)

    def loss(at):
        cuts = np.concatenate([[-np.inf], at[0] + np.cumsum([0, *np.exp(at[1:])]), [np.inf]])
        high, low = log_ndtr(cuts[levels + 1] - scores), log_ndtr(cuts[levels] - scores)
        return -weight @ (high + np.log1p(-np.exp(np.minimum(low - high, -1e-300))))

    best = optimize.minimize(loss, [0.0, 0.0, 0.0], method="Nelder-Mead",
                             options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000})  # fmt: skip
    assert objectives[-1] == pytest.approx(best.fun, rel=1e-9)


def test_drawn_cuts_follow_their_distribution_given_the_scores():
    """One cut point between two levels, against numerical integration."""
    rng = np.random.default_rng(5)
    scores = rng.standard_normal(12)
    levels = levels_of(rng, 12, 2)
    likelihood = OrderedProbit(levels)
    cuts = np.array(
        [likelihood.draw(scores, KEY, s, 1) and likelihood.cuts[1] for s in range(6000)]
    )
    grid = np.linspace(-8, 8, 4001)
    side = np.where(levels == 0, 1.0, -1.0)
    log_density = log_ndtr(side * (grid[:, np.newaxis] - scores)).sum(axis=1) - grid**2 / 200
    share = np.cumsum(np.exp(log_density - log_density.max()))
    assert stats.kstest(cuts[::3], lambda x: np.interp(x, grid, share / share[-1])).pvalue > 1e-3
    assert np.mean(np.diff(cuts) != 0) > 0.8  # nearly all steps are accepted


def test_cut_points_follow_scores_that_have_moved():
    rng = np.random.default_rng(6)
    scores = rng.standard_normal(20_000)
    z = scores + rng.standard_normal(20_000)
    levels = np.digitize(z, [-1.6, -0.9, -0.1, 0.8]).astype(np.int32)
    likelihood = OrderedProbit(levels)  # the best cut points of scores that are all zero
    cuts = []
    for sweep in range(30):
        likelihood.draw(scores, KEY, sweep, 1)
        cuts.append(likelihood.cuts[1:-1])
    np.testing.assert_allclose(np.mean(cuts[5:], axis=0), [-1.6, -0.9, -0.1, 0.8], atol=0.05)
    assert np.mean(np.diff(np.array(cuts[3:])[:, 0]) != 0) > 0.6


def test_a_gap_that_overflows_is_drawn_without_a_warning():
    """With little information about a gap, a proposal may be anywhere."""
    cuts = np.array([-np.inf, 0.0, 5e21, np.inf])
    prior = CutPrior(np.array([0.0, 2000.0]), np.array([1.0, 100.0]))
    found = draw_cuts(cuts, prior, lambda at: (0.0, np.zeros((3, 4))), np.random.default_rng(0))
    assert np.isfinite(found[1:-1]).all()


@pytest.mark.parametrize("n_cuts", [1, 2, 3, 213])
def test_curvature_by_coordinates_follows_from_that_by_cut_points(n_cuts):
    """Sums over corners, in quadratic time, equal the products of matrices."""
    rng = np.random.default_rng(n_cuts)
    mixed = rng.random(n_cuts - 1)
    own = -rng.random(n_cuts) - np.append(mixed, 0) - np.append(0, mixed)
    steps = np.append(1.0, np.exp(rng.normal(size=n_cuts - 1)))
    moved = np.tril(np.broadcast_to(steps, (n_cuts, n_cuts)))  # by each coordinate
    second = np.diag(own) + np.diag(mixed, 1) + np.diag(mixed, -1)
    expected = -moved.T @ second @ moved
    scale = np.abs(expected).max()
    np.testing.assert_allclose(_curvature(own, mixed, steps), expected, atol=1e-13 * scale)


def test_one_level_has_no_cut_points():
    likelihood = OrderedProbit(np.zeros(5, dtype=np.int32))
    assert likelihood.cuts.tolist() == [-np.inf, np.inf]


def test_too_many_levels_are_refused():
    with pytest.raises(ValueError, match="at most 256 for loss='ordered_probit'"):
        OrderedProbit(np.arange(257, dtype=np.int32))
