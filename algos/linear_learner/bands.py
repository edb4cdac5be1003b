"""Many rows of bent lines: only those near their kinks are in the program.

Portnoy and Koenker (1997), section 5: a sample tells about where the solution is; rows whose
side of the kink is beyond doubt act as one straight line, the band of the others is solved
exactly, and one pass over all rows checks the sides. The duality gap is that of all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos.linear_learner.interior import Program, solve_band
from algos.linear_learner.kinks import Bent
from algos.linear_learner.problem import Doubles, Penalty
from algos.linear_learner.vertex import polish

Mask = NDArray[np.bool_]

FEW = 3000  # rows, and
FEW_PER_COLUMN = 40  # rows, are solved as they are
SHRINKAGE = 8  # rows for each row of the sample
REACH = 3.0  # standard deviations of decision values within the band
MOST = 0.7  # of the rows in a band; beyond, all are
ROUGH = 1e-3  # gap of a sample's solution
SHARP = 1e-9  # gap to which lines at their kinks are told from others
WARM = 0.1  # μ over the width of the band


class Found(NamedTuple):
    """What is known of one candidate, in the units of `Bent`.

    Attributes
    ----------
    point : ndarray of shape (d + 1,)
    pull : ndarray of shape (d + 1,)
        Of all rows' duals.
    objective, gap : float
        Over all rows.
    objectives : list of float
        Of the iterations so far.
    is_final : bool
        Whether all rows were in the program: nothing better can come.
    """

    point: Doubles
    pull: Doubles
    objective: float
    gap: float
    objectives: list[float]
    is_final: bool


def rounds(
    bent: Bent, penalty: Penalty, *, tol: float, max_iter: int, near: Doubles | None = None
) -> Iterator[Found]:
    """Yield ever better solutions, each from a wider band, until all rows are in.

    Parameters
    ----------
    bent : Bent
    penalty : Penalty
        In the units of `bent`.
    tol : float
        Relative gap asked of each program.
    max_iter : int
        Of all programs together.
    near : ndarray of shape (d + 1,), default=None
        A point near the solution; None asks a sample.

    Yields
    ------
    found : Found
    """
    n, share = bent.rows.n, _share(bent)
    objectives: list[float] = []
    if share > MOST:
        yield _solved(_whole(bent, penalty), near, None, objectives, tol, max_iter)
        return
    if near is None:
        near = _sample_solution(bent, penalty, max_iter)
    z = _values(bent, near)
    distance = _distance(bent, z)
    width = float(np.partition(distance, int(share * n))[int(share * n)])
    band = distance <= width
    while band.mean() <= MOST:
        program = _program(bent, penalty, band, z)
        inner = solve_band(
            program, tol=tol, max_iter=max_iter - len(objectives), start=near, mu=WARM * width
        )
        inner = polish(program, inner)
        objectives = objectives + inner.objectives
        near, before = inner.point, z
        z = _values(bent, near)
        objective = float(bent.weight @ bent.lines.cost(z)) + penalty.value(near[None, :-1])
        bound = program.bound(inner.theta, inner.pull, near)
        gap = (objective - bound) / bent.null
        yield Found(near, inner.pull, objective, gap, objectives, False)
        band = _wider(bent, band, before, z)
    yield _solved(_whole(bent, penalty), near, WARM * width, objectives, tol, max_iter)


def _solved(
    program: Program,
    near: Doubles | None,
    mu: float | None,
    objectives: list[float],
    tol: float,
    max_iter: int,
) -> Found:
    """Return the solution of a program that holds all rows."""
    max_iter -= len(objectives)
    inner = polish(program, solve_band(program, tol=tol, max_iter=max_iter, start=near, mu=mu))
    objective = program.objective(inner.point, program.values(inner.point))
    gap = (objective - program.bound(inner.theta, inner.pull, inner.point)) / program.null
    return Found(inner.point, inner.pull, objective, gap, objectives + inner.objectives, True)


def _share(bent: Bent) -> float:
    """Return which part of the rows a band must hold, given what a sample can know.

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


def _sample_solution(bent: Bent, penalty: Penalty, max_iter: int) -> Doubles:
    """Return a rough solution for one row in a few, spread evenly and without a period."""
    n = bent.rows.n
    size = _sample_size(n, bent.rows.d)
    steps = np.arange(size)
    jitter = (steps * ((np.sqrt(5) - 1) / 2)) % 1.0
    sample = bent.subset(np.minimum(((steps + jitter) * (n / size)).astype(np.intp), n - 1))
    for found in rounds(sample, penalty, tol=ROUGH, max_iter=max_iter):
        if found.gap <= 2 * ROUGH:
            break
    return found.point


def _whole(bent: Bent, penalty: Penalty) -> Program:
    nothing = np.zeros(bent.rows.d + 1)
    return Program(
        bent.rows, bent.weight, bent.lines, penalty, bent.fit_intercept, nothing, 0.0, bent.null
    )


def _program(bent: Bent, penalty: Penalty, band: Mask, z: Doubles) -> Program:
    """Return the program of a band, all other rows being straight on their sides of z."""
    inside = np.flatnonzero(band)
    theta = bent.weight * np.where(band, 0.0, bent.lines.side(z))
    return Program(
        bent.rows.subset(inside),
        bent.weight[inside],
        bent.lines.of(inside),
        penalty,
        bent.fit_intercept,
        bent.rows.cross(theta.sum(axis=0)[:, None])[0],
        float((theta * bent.lines.kink).sum()),
        bent.null,
    )


def _wider(bent: Bent, band: Mask, before: Doubles, z: Doubles) -> Mask:
    """Return the band with the rows that were on the wrong side, and those as near."""
    wrong = ~band & (bent.lines.side(z) != bent.lines.side(before)).any(axis=0)
    distance = _distance(bent, z)
    reach = float(np.median(distance[wrong])) if wrong.any() else 0.0
    return band | wrong | (distance <= reach)


def _values(bent: Bent, point: Doubles) -> Doubles:
    return bent.rows.decision(point[None, :-1], point[-1:])[:, 0]


def _distance(bent: Bent, z: Doubles) -> Doubles:
    """Return how far each row is from its nearest kink."""
    return np.abs(z - bent.lines.kink).min(axis=0)
