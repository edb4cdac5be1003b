"""Piecewise linear losses of many rows: only rows near their kinks are in the program.

Portnoy and Koenker (1997), section 5: a sample gives an approximate solution; rows that are certain
to be on one side of the kink are replaced by their linear part, the band of the others is solved
exactly, and one pass over all rows checks the sides. The duality gap is that of all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Penalty
from algos.linear_learner.solvers.exact import SHARP, exact
from algos.linear_learner.solvers.kinks import Bent, Mask
from algos.linear_learner.solvers.program import Inner, Program, program_of_all, program_of_band
from algos.linear_learner.solvers.vertex import follow

FEW = 3000  # rows, and
FEW_PER_COLUMN = 40  # rows per column, up to which all rows are in the program
SHRINKAGE = 8  # rows for each row of the sample
REACH = 3.0  # half width of the band in standard deviations of the decision values
MOST = 0.7  # share of the rows in a band above which all are in the program
ROUGH = 1e-3  # gap of a sample's solution
FIRST = 1e-6  # gap of the first band's program, which is seldom the last
SAFETY = 5.0  # half width of the next bands in estimated errors
ROWS_PER_COLUMN = 20  # in a band, at least
WIDENING = 3.0
WARM = 0.3  # μ relative to the width of the band
INSIDE = 1e-4  # of the width of a dual's limits
SPREADS = (1.0, 10.0, 100.0)  # of initial points, tried in turn, as one of them may get stuck


class Found(NamedTuple):
    """An approximate solution for one candidate, in the units of `Bent`.

    Attributes
    ----------
    point : ndarray of shape (d + 1,)
    dual : ndarray of shape (n,)
        w_i θ_i of all rows.
    paired : float
        Σ w_i θ_i kink_i.
    objective, gap : float
        Over all rows.
    objectives : list of float
        Of the iterations so far.
    is_final : bool
        Whether all rows were in the program, so that it cannot be improved.
    at : ndarray of shape (p, n), default=None
        Which lines are at their kinks, if all rows were in the program.
    """

    point: Float64Array
    dual: Float64Array
    paired: float
    objective: float
    gap: float
    objectives: list[float]
    is_final: bool
    at: Mask | None = None


def rounds(
    bent: Bent,
    penalty: Penalty,
    *,
    tol: float,
    max_iter: int,
    near: Float64Array | None = None,
    error: float = np.inf,
    at: Mask | None = None,
) -> Iterator[Found]:
    """Yield successively better solutions, finally of all rows if no band is enough.

    The gap of each round bounds the error of its decision values, so that the band of the next
    one is narrower and soon costs next to nothing.

    Parameters
    ----------
    bent : Bent
    penalty : Penalty
        In the units of `bent`.
    tol : float
        Relative gap wanted.
    max_iter : int
        Of all programs together.
    near : ndarray of shape (d + 1,), default=None
        A point near the solution; None solves a sample.
    error : float, default=inf
        Approximate error of decision values at that point.
    at : ndarray of shape (p, n), default=None
        Which lines are known to be at their kinks there.

    Yields
    ------
    found : Found
    """
    objectives: list[float] = []
    sampled = _share(bent)
    if sampled > MOST:
        found = None if near is None else _beside(bent, penalty, near, at, tol)
        yield found or _of_all_rows(bent, penalty, objectives, tol, max_iter)
        return
    search = _Search(bent, penalty, max_iter, sampled)
    search.begin(near, error)
    while search.share <= MOST and len(objectives) < max_iter:
        width = search.width()
        goal = max(tol, FIRST) if search.gap == np.inf else tol
        found, z = _of_band(bent, penalty, search.at, width, goal, max_iter, objectives)
        objectives = found.objectives
        yield found
        search.go_on(found, z, width)
    yield _of_all_rows(bent, penalty, objectives, tol, max_iter)


class _Place(NamedTuple):
    """A point, with the values of all rows there, the objective, and their distances from kinks."""

    point: Float64Array
    z: Float64Array
    value: float
    distance: Float64Array


class _Search:
    """The current estimate of the solution, and the width of the band around it.

    Parameters
    ----------
    bent : Bent
    penalty : Penalty
    max_iter : int
    sampled : float
        Share of the rows in a band around a sample's solution.

    Attributes
    ----------
    at : Place
    share : float
        Share of the rows in the next band.
    gap : float
        The smallest gap so far.
    """

    at: _Place

    def __init__(self, bent: Bent, penalty: Penalty, max_iter: int, sampled: float) -> None:
        self._bent, self._penalty, self._max_iter = bent, penalty, max_iter
        self._sampled = self.share = sampled
        self.gap = np.inf
        self._was_widened = False

    def begin(self, near: Float64Array | None, error: float) -> None:
        """Start from a point near the solution, or from a sample's solution."""
        if near is not None:
            z = _values(self._bent, near)
            self.share = float((_distance(self._bent, z) <= REACH * error).mean())
        # A sample's solution is better than a distant start.
        self._is_of_sample = near is None or self.share >= self._sampled
        if near is None or self._is_of_sample:
            self._ask_sample()
        else:
            self._move(near, z)

    def width(self) -> float:
        """Return the largest distance from the kink within the next band."""
        n = len(self.at.z)
        self.share = max(self.share, ROWS_PER_COLUMN * self.at.point.size / n)
        last = int(self.share * n)
        return float(np.partition(self.at.distance, last)[last])

    def go_on(self, found: Found, z: Float64Array, width: float) -> None:
        """Update from a band's solution, at which all rows have the values z."""
        is_better = found.objective <= self.at.value
        if found.gap < self.gap / 2 and is_better:
            # With density f of kinks, an excess δ of the objective means errors sqrt(2 δ / f).
            excess = max(found.gap, 0) * self._bent.null
            error = float(np.sqrt(4 * excess * width / self.share))
            self.share *= min(1.0, SAFETY * error / width)
        elif self._is_of_sample:
            self.share *= WIDENING if not self._was_widened else 1 / self.share
            self._was_widened = True
        else:
            self._is_of_sample, self.gap = True, np.inf
            self._ask_sample()
            return
        if is_better:
            self._move(found.point, z, found.objective)
            self.gap = min(self.gap, found.gap)

    def _ask_sample(self) -> None:
        self.share = self._sampled
        near = _sample_solution(self._bent, self._penalty, self._max_iter)
        self._move(near, _values(self._bent, near))

    def _move(self, point: Float64Array, z: Float64Array, value: float | None = None) -> None:
        if value is None:
            value = _objective(self._bent, self._penalty, point, z)
        self.at = _Place(point, z, value, _distance(self._bent, z))


def _of_band(
    bent: Bent,
    penalty: Penalty,
    at: _Place,
    width: float,
    tol: float,
    max_iter: int,
    objectives: list[float],
) -> tuple[Found, Float64Array]:
    """Return the solution of a band around a point, and the values of all rows there."""
    band = at.distance <= width
    program = program_of_band(bent, penalty, band, at.z)
    inner = exact(program, tol, max_iter - len(objectives), at.point, WARM * width)
    z = _values(bent, inner.point)
    dual = (bent.weight * bent.lines.side(z)).sum(axis=0)
    dual[band] = program.weight * inner.theta.sum(axis=0)
    return _found(bent, program, inner, z, dual, objectives + inner.objectives), z


def _beside(
    bent: Bent, penalty: Penalty, near: Float64Array, at: Mask | None, tol: float
) -> Found | None:
    """Return the solution if nearly the same lines are at their kinks as at a nearby point."""
    program = program_of_all(bent, penalty)
    inner = follow(program, near, at, tol)
    if inner is None:
        return None
    dual = bent.weight * inner.theta.sum(axis=0)
    objectives = [inner.objective]
    paired, at = program.paired(inner.theta), _bound_lines(bent, inner.theta)
    return Found(inner.point, dual, paired, inner.objective, inner.gap, objectives, True, at)


def _bound_lines(bent: Bent, theta: Float64Array) -> Mask:
    """Return which lines are at their kinks: those whose duals are strictly within limits."""
    low, high = bent.lines.low, bent.lines.high
    inside: Mask = np.minimum(theta - low, high - theta) > INSIDE * (high - low)
    return inside


def _of_all_rows(
    bent: Bent, penalty: Penalty, objectives: list[float], tol: float, max_iter: int
) -> Found:
    """Return the solution of the program of all rows, from a cold start.

    Interior-point methods gain little from warm starts and may get stuck in bad ones.
    """
    program = program_of_all(bent, penalty)
    best: Found | None = None
    for first in SPREADS:
        inner = exact(program, tol, max_iter - len(objectives), first=first)
        objectives = objectives + inner.objectives
        z = program.values(inner.point)
        dual = bent.weight * inner.theta.sum(axis=0)
        found = _found(bent, program, inner, z, dual, objectives)
        found = found._replace(at=_bound_lines(bent, inner.theta))
        best = found if best is None or found.gap < best.gap else best
        if best.gap <= max(tol, SHARP[-1]) or len(objectives) >= max_iter:
            break
    assert best is not None
    return best._replace(objectives=objectives, is_final=True)


def _found(
    bent: Bent,
    program: Program,
    inner: Inner,
    z: Float64Array,
    dual: Float64Array,
    objectives: list[float],
) -> Found:
    """Evaluate a program's solution on all rows, whose values are z."""
    point, paired = inner.point, program.paired(inner.theta)
    objective = _objective(bent, program.penalty, point, z)
    gap = (objective - program.bound(paired, inner.pull, point)) / bent.null
    return Found(point, dual, paired, objective, gap, objectives, False)


def _share(bent: Bent) -> float:
    """Return the share of the rows that a band needs, given the precision of a sample.

    A decision value from m rows errs by sqrt(d τ / m) / f, with τ the variance of θ and f
    the density of kinks: a band of c such errors to either side holds 2 c sqrt(d τ / m).
    """
    n, d = bent.rows.n, bent.rows.d
    sample = _sample_size(n, d)
    if sample >= n:
        return 1.0
    low, high = bent.lines.low[:, 0], bent.lines.high[:, 0]
    balance = float((-low * high / (high - low) ** 2).sum()) or 0.25
    return 2 * REACH * float(np.sqrt((d + 1) * balance / sample))


def _sample_size(n: int, d: int) -> int:
    return max(FEW, FEW_PER_COLUMN * d, n // SHRINKAGE)


def _sample_solution(bent: Bent, penalty: Penalty, max_iter: int) -> Float64Array:
    """Return a rough solution for a sample of rows, spread evenly and aperiodically."""
    n = bent.rows.n
    size = _sample_size(n, bent.rows.d)
    steps = np.arange(size)
    jitter = (steps * ((np.sqrt(5) - 1) / 2)) % 1.0
    sample = bent.subset(np.minimum(((steps + jitter) * (n / size)).astype(np.intp), n - 1))
    for found in rounds(sample, penalty, tol=ROUGH, max_iter=max_iter):
        if found.gap <= 2 * ROUGH:
            break
    return found.point


def _values(bent: Bent, point: Float64Array) -> Float64Array:
    return bent.rows.decision(point[None, :-1], point[-1:])[:, 0]


def no_worse(bent: Bent, penalty: Penalty, found: Found, points: list[Float64Array]) -> Found:
    """Return the solution, or the best of some points if that has a lower objective."""
    for point in points:
        objective = _objective(bent, penalty, point, _values(bent, point))
        if objective < found.objective:
            gap = found.gap - (found.objective - objective) / bent.null
            found = found._replace(point=point, objective=objective, gap=gap)
    return found


def _objective(bent: Bent, penalty: Penalty, point: Float64Array, z: Float64Array) -> float:
    return float(bent.weight @ bent.lines.cost(z)) + penalty.value(point[None, :-1])


def _distance(bent: Bent, z: Float64Array) -> Float64Array:
    """Return the distance of each row from its nearest kink."""
    return np.abs(z - bent.lines.kink).min(axis=0)
