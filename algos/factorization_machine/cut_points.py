"""Cut points between ordered levels, given the scores: their distribution and their optimum.

Cut points c_1 < … < c_m are unconstrained in the coordinates (c_1, log(c_2 - c_1), …). The
log-probability of the levels is concave in the cut points (Burridge, "A note on maximum
likelihood estimation for regression models using grouped data", JRSS B 43, 1981), so that a
Newton step from anywhere goes up, and nearly all steps of the sampler are accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import ndtri

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas

# Log-probability of the levels and its derivatives by the cut points: see `measure_levels`.
Measure = Callable[[Float64Array], tuple[float, Float64Array]]

_LEAST_GAP = 1e-8  # float32 scores cannot distinguish levels closer than this
_LARGEST_LOG = 50.0  # largest log of a gap, in units of the noise
_HALVINGS = 30
_DEGREES = 8.0  # degrees of freedom of Student's t distribution


class CutPrior(NamedTuple):
    """Independent normal priors of the coordinates.

    Attributes
    ----------
    mean, deviation : ndarray of shape (n_levels - 1,)
    """

    mean: Float64Array
    deviation: Float64Array

    @classmethod
    def of(cls, n_levels: int) -> CutPrior:
        """Return a wide prior: cut points spread over some units of the noise."""
        mean = np.full(n_levels - 1, np.log(4.0 / n_levels))
        deviation = np.full(n_levels - 1, 2.0)
        mean[:1], deviation[:1] = 0.0, 10.0
        return cls(mean, deviation)


def start_cuts(mass: Float64Array) -> Float64Array:
    """Return the best cut points if all scores are zero, from the levels' weights."""
    share = np.cumsum(mass)[:-1] / mass.sum()
    inner = ndtri(np.clip(share, 1e-12, 1 - 1e-12))
    gaps = _LEAST_GAP * np.arange(len(inner))
    inner = np.maximum.accumulate(inner - gaps) + gaps
    return np.concatenate([[-np.inf], inner, [np.inf]])


@np.errstate(over="ignore", invalid="ignore")  # proposals that overflow are rejected
def draw_cuts(
    cuts: Float64Array, prior: CutPrior, measure: Measure, rng: np.random.Generator
) -> Float64Array:
    """Return cut points after one step of a Metropolis-Hastings chain.

    The proposal is a t distribution around the end of a Newton step, with its curvature: where
    scores have moved away from the cut points, the tails of a normal proposal would be too light to
    come back (Chib and Greenberg, "Understanding the Metropolis-Hastings algorithm", The American
    Statistician 49, 1995, section 6).
    """
    if len(cuts) == 2:
        return cuts
    at = _coordinates(cuts)
    normal = rng.standard_normal(len(at))
    stretch = np.sqrt(_DEGREES / rng.chisquare(_DEGREES))
    uniform = rng.random()
    try:
        here = _Newton(at, prior, measure)
        proposal = here.sample(stretch * normal)
        there = _Newton(proposal, prior, measure)
    except np.linalg.LinAlgError:  # no curvature so far out: the scores must come back first
        return cuts
    gain = there.value - here.value + there.log_density(at) - here.log_density(proposal)
    return there.cuts if np.log(uniform) < gain else cuts  # NaN is rejected


@np.errstate(over="ignore", invalid="ignore")
def improve_cuts(cuts: Float64Array, measure: Measure) -> Float64Array:
    """Return cut points with at least the same log-probability, after a Newton step."""
    if len(cuts) == 2:
        return cuts
    flat = CutPrior(np.zeros(len(cuts) - 2), np.full(len(cuts) - 2, np.inf))
    at = _coordinates(cuts)
    try:
        here = _Newton(at, flat, measure)
    except np.linalg.LinAlgError:  # as in `draw_cuts`
        return cuts
    step = here.mean - at
    for _ in range(_HALVINGS):
        found = _cuts(at + step)
        if measure(found)[0] >= here.value:
            return found
        step = step / 2
    return cuts


class _Newton:
    """The log-density at some coordinates, and the t distribution fitted to it there."""

    def __init__(self, at: Float64Array, prior: CutPrior, measure: Measure) -> None:
        self.cuts = _cuts(at)
        value, (slope, curvature, mixed) = measure(self.cuts)
        steps = np.exp(np.minimum(at, _LARGEST_LOG))
        steps[:1] = 1.0
        away = (at - prior.mean) / prior.deviation
        self.value = value - away @ away / 2
        gradient = _sums_from(slope[1:-1]) * steps - away / prior.deviation
        matrix = _curvature(curvature[1:-1], mixed[1:-2], steps)
        matrix.flat[:: len(at) + 1] += prior.deviation**-2.0 + 1e-12 * (1 + np.trace(matrix))
        with one_thread_blas():
            self._factor = cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
            self.mean = at + cho_solve((self._factor, True), gradient, check_finite=False)

    def sample(self, number: Float64Array) -> Float64Array:
        """Return mean + L^-T number, where L Lᵀ is the curvature."""
        with one_thread_blas():
            step = solve_triangular(self._factor, number, lower=True, trans="T", check_finite=False)
        return np.asarray(self.mean + step)

    def log_density(self, at: Float64Array) -> float:
        """Return the log-density of the t distribution, up to a constant."""
        with one_thread_blas():
            away = self._factor.T @ (at - self.mean)
        tail = np.log1p(away @ away / _DEGREES) * (_DEGREES + len(at)) / 2
        return float(np.log(np.diag(self._factor)).sum() - tail)


def _curvature(own: Float64Array, mixed: Float64Array, steps: Float64Array) -> Float64Array:
    """Return minus the second derivatives by the coordinates, from those by the cut points.

    A coordinate moves all cut points from its own on, by its entry of `steps`. So an entry is
    the sum over a corner of the cut points' tridiagonal matrix, the columns from the later
    coordinate on. Each of these columns is complete, except the first for a diagonal entry.
    """
    columns = own.copy()
    columns[1:] += mixed
    columns[:-1] += mixed
    corners = -_sums_from(columns)
    numbers = np.arange(len(own))
    matrix = corners[np.maximum(numbers[:, np.newaxis], numbers)]
    matrix[numbers[1:], numbers[1:]] += mixed
    return np.asarray(matrix * steps * steps[:, np.newaxis])


def _sums_from(numbers: Float64Array) -> Float64Array:
    """Return the sums of the numbers from each place on."""
    return numbers[::-1].cumsum()[::-1]


def _coordinates(cuts: Float64Array) -> Float64Array:
    inner = cuts[1:-1]
    return np.concatenate([inner[:1], np.log(np.maximum(np.diff(inner), _LEAST_GAP))])


def _cuts(at: Float64Array) -> Float64Array:
    gaps = np.concatenate([[0.0], np.exp(np.clip(at[1:], np.log(_LEAST_GAP), _LARGEST_LOG))])
    return np.concatenate([[-np.inf], at[0] + np.cumsum(gaps), [np.inf]])
