"""The exact solution of a program: an interior-point method, then the vertex near its end."""

from __future__ import annotations

from algos._common.arrays import Float64Array
from algos.linear_learner.solvers.interior import InteriorPoint
from algos.linear_learner.solvers.program import Inner, Program
from algos.linear_learner.solvers.vertex import polish

SHARP = (1e-6, 1e-8)  # gaps from which the vertex may be identified
MANY = 30.0  # times the wanted gap, from which one or two iterations are left
LEAST = 1e-15  # smallest gap to ask for


def exact(
    program: Program,
    tol: float,
    max_iter: int,
    start: Float64Array | None = None,
    mu: float | None = None,
    first: float = 1.0,
) -> Inner:
    """Return the solution of a program: the vertex, as soon as it can be identified.

    If all coefficients have an L2 penalty, the solution is not a vertex; a face is then searched
    for only if that saves many iterations.

    Parameters
    ----------
    program : Program
    tol : float
        Of the duality gap over `program.null`.
    max_iter : int
    start : ndarray of shape (d + 1,), default=None
    mu : float, default=None
    first : float, default=1.0
        See `InteriorPoint`.

    Returns
    -------
    inner : Inner
    """
    walk = InteriorPoint(program, start, mu, first)
    # The check of all rows has other rounding errors, and a few outliers must not dominate.
    goal = max(tol / 4 * min(1.0, 1 / program.null), LEAST)
    is_round = bool(program.penalty.l2.all())
    for sharp in (*SHARP, 0.0):
        if is_round and 0 < sharp <= MANY * goal:
            continue
        inner = walk.run(max(sharp, goal), max_iter)
        if is_round and inner.gap <= goal:
            return inner
        vertex = polish(program, inner)
        if vertex.gap <= goal:
            break
    return vertex
