"""The joint distribution test of the samplers (Geweke, "Getting it right", JASA 99, 2004).

Parameters drawn from the prior, and then data from them, are an exact draw from the posterior
of these data; sweeps keep it one. So after some sweeps, over many such pairs, everything must
still follow the prior: hyper-parameters, columns, intercept, noise and cut points.
"""

import numpy as np
import pytest
from scipy import sparse, stats

from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.cut_points import CutPrior
from algos.factorization_machine.fields import find_fields
from algos.factorization_machine.likelihoods import Gaussian, Logit, OrderedProbit, Probit
from algos.factorization_machine.priors import Prior
from algos.factorization_machine.rows import Rows
from algos.factorization_machine.sampler import Chain, one_sweep
from tests.factorization_machine.plain_gibbs import (
    SHAPE,
    draw_hyper,
    draw_prior,
    plain_scores,
    plain_sweep,
    rates_of,
)

N_LEVELS = 4
N_SWEEPS = 2
RATES = (0.4, 2.5)  # not 1: a rate that is left out, or one in place of the other, shows
CHAIN = Chain(max_iter=N_SWEEPS, burn_in=0, n_draws=1, rates=RATES)


def pairs(rng):
    """Two one-hot fields: the kernel's path for pairs."""
    X = np.zeros((8, 5))
    X[np.arange(8), rng.integers(0, 3, 8)] = 1
    X[np.arange(8), rng.integers(3, 5, 8)] = 1
    return X, np.array([0, 0, 0, 1, 1])


def numbers(rng):
    """Values of any size, some of them zero."""
    X = rng.standard_normal((7, 4)) * rng.integers(0, 2, (7, 4))
    return X, np.array([0, 0, 1, 1])


def long_rows(rng):
    """Rows so long that their sums are stored."""
    return rng.standard_normal((5, 18)), np.arange(18) % 2


def to_rows(X):
    found = sparse.csr_array(X)
    values = None if np.all(found.data == 1) else found.data
    return Rows(found.indptr.astype(np.int64), found.indices.astype(np.int32), values, X.shape[1])


class GaussianCase:
    has_intercept = True

    def __init__(self, rng):
        self.precision = rng.gamma(0.5, 2.0)

    def likelihood(self, rng, scores):
        noise = rng.standard_normal(len(scores)) / np.sqrt(self.precision)
        made = Gaussian(scores + noise)
        made.precision = self.precision
        return made

    def found(self, likelihood):
        return {"noise": (likelihood.precision, stats.gamma(0.5, scale=2.0).cdf)}


class ProbitCase:
    has_intercept = True

    def __init__(self, rng):
        pass

    def likelihood(self, rng, scores):
        z = scores + rng.standard_normal(len(scores))
        return Probit((z > 0).astype(np.int32))

    def found(self, likelihood):
        return {}


class LogitCase:
    has_intercept = True

    def __init__(self, rng):
        pass

    def likelihood(self, rng, scores):
        return Logit((rng.logistic(size=len(scores)) < scores).astype(np.int32))

    def found(self, likelihood):
        return {}


class OrderedCase:
    has_intercept = False
    prior = CutPrior(np.array([0.0, -0.5, 0.2]), np.array([2.0, 0.8, 0.5]))

    def __init__(self, rng):
        self.at = rng.normal(self.prior.mean, self.prior.deviation)

    def likelihood(self, rng, scores):
        inner = self.at[0] + np.concatenate([[0.0], np.cumsum(np.exp(self.at[1:]))])
        z = scores + rng.standard_normal(len(scores))
        levels = np.searchsorted(inner, z).astype(np.int32)
        # Levels that do not occur have cut points too.
        made = OrderedProbit(np.arange(N_LEVELS, dtype=np.int32), prior=self.prior)
        made.levels = levels
        made.cuts = np.concatenate([[-np.inf], inner, [np.inf]])
        return made

    def found(self, likelihood):
        inner = likelihood.cuts[1:-1]
        at = np.concatenate([inner[:1], np.log(np.diff(inner))])
        away = (at - self.prior.mean) / self.prior.deviation
        return {f"cut {i}": (value, stats.norm.cdf) for i, value in enumerate(away)}


def package_sweeps(rng, X, groups, parameters, hyper, likelihood):
    key = rng.integers(0, 2**64, 2, dtype=np.uint64)
    rows = to_rows(X)
    sweeper = Sweeper(rows, find_fields(rows), *parameters, dtype=np.float64, n_threads=1)
    prior = Prior(*hyper)
    for number in range(N_SWEEPS):
        prior = one_sweep(sweeper, likelihood, CHAIN, groups.astype(np.int32), prior, key, number)
    return (sweeper.intercept, sweeper.linear, sweeper.factors), prior


def plain_sweeps(rng, X, groups, parameters, hyper, likelihood):
    key = rng.integers(0, 2**64, 2, dtype=np.uint64)
    for number in range(N_SWEEPS):
        latent = likelihood.draw(plain_scores(X, *parameters), key, number, 1)
        hyper = draw_hyper(rng, groups, *parameters[1:], hyper, RATES)
        parameters = plain_sweep(
            rng, X, latent, groups, parameters, hyper, likelihood.has_intercept
        )
    return parameters, hyper


def statistics(X, groups, parameters, hyper):
    """Return quantities that are standard normal, or gamma, under the prior."""
    intercept, linear, factors = parameters
    means, precisions = hyper
    theta = np.column_stack([factors, linear])
    normal, gamma = stats.norm.cdf, stats.gamma(SHAPE / 2, scale=2.0).cdf
    return {
        "precisions": (precisions * rates_of(factors.shape[1], RATES), gamma),
        "means": (means * np.sqrt(precisions), normal),
        "columns": ((theta - means[groups]) * np.sqrt(precisions[groups]), normal),
        "intercept": (intercept, normal),
    }


def p_values(design, case, sweeps, n_factors, n_pairs, seed=0):
    rng = np.random.default_rng(seed)
    X, groups = design(rng)
    samples, laws, scores = {}, {}, ([], [])
    for _ in range(n_pairs):
        parameters, hyper = draw_prior(rng, groups, n_factors, case.has_intercept, RATES)
        scores[0].append(plain_scores(X, *parameters)[:2])
        made = case(rng)
        likelihood = made.likelihood(rng, plain_scores(X, *parameters))
        parameters, hyper = sweeps(rng, X, groups, parameters, hyper, likelihood)
        scores[1].append(plain_scores(X, *parameters)[:2])
        found = statistics(X, groups, parameters, hyper) | made.found(likelihood)
        if not case.has_intercept:
            del found["intercept"]
        for name, (value, law) in found.items():
            samples.setdefault(name, []).append(np.ravel(value))
            laws[name] = law
    found = {
        name: stats.kstest(np.concatenate(values), laws[name]).pvalue
        for name, values in samples.items()
    }
    found["scores"] = stats.ks_2samp(
        *(np.concatenate(each) for each in scores), method="asymp"
    ).pvalue
    return found


CASES = [GaussianCase, ProbitCase, LogitCase, OrderedCase]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("design", [pairs, numbers, long_rows])
def test_sweeps_keep_the_joint_distribution(case, design):
    found = p_values(design, case, package_sweeps, 2, 600)
    assert min(found.values()) > 1e-4, found


def test_sweeps_that_stretch_numbers_keep_the_joint_distribution(monkeypatch):
    monkeypatch.setattr(Gaussian, "stretches", True)
    found = p_values(numbers, GaussianCase, package_sweeps, 2, 600)
    assert min(found.values()) > 1e-4, found


def test_sweeps_of_many_factors_keep_the_joint_distribution():
    found = p_values(pairs, GaussianCase, package_sweeps, 35, 150)
    assert min(found.values()) > 1e-4, found


@pytest.mark.parametrize("case", CASES)
def test_the_plain_sampler_keeps_the_joint_distribution(case):
    found = p_values(numbers, case, plain_sweeps, 2, 250)
    assert min(found.values()) > 1e-4, found


@pytest.mark.parametrize("wrong", ["noise", "precision", "mean", "rates"])
def test_a_wrong_sampler_is_found_out(wrong):
    def sweeps(rng, X, groups, parameters, hyper, likelihood):
        parameters, hyper = plain_sweeps(rng, X, groups, parameters, hyper, likelihood)
        means, precisions = hyper
        if wrong == "noise":
            likelihood.precision *= 1.6
        elif wrong == "precision":
            precisions = precisions * 1.3
        elif wrong == "rates":
            means, precisions = draw_hyper(rng, groups, *parameters[1:], hyper)
        else:
            means = means * 1.2
        return parameters, (means, precisions)

    assert min(p_values(numbers, GaussianCase, sweeps, 2, 500).values()) < 1e-4
