"""The exact minimum along a step, for losses that are piecewise quadratic."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from algos._common.arrays import Float64Array
from algos.linear_learner.decisions import loss_derivatives
from algos.linear_learner.solvers.points import Penalties, Points

_PRECISION = 1e-3  # of the length; Newton's method needs no more


def shortened(
    points: Points, penalties: Penalties, point: Float64Array, step: Float64Array
) -> float:
    """Return the share of a step that goes too far at which the objective is least; 0 if unknown.

    Rows that the step takes to another piece of the loss can make all of it worse than nothing, and
    a short share of it good: Newton's method with exact line searches ends after few steps (Keerthi
    and DeCoste, 2005, "A modified finite Newton method for fast solution of large scale linear
    SVMs"), but may need a thousand with shares found by halving.

    Parameters
    ----------
    points : Points
        Of one output.
    penalties : Penalties
    point, step : ndarray of shape (size,)
    """
    problem, (l1, l2) = points.problem, penalties
    z = np.ascontiguousarray(problem.rows.decision(*points.model(point))[:, 0])
    moved = np.ascontiguousarray(problem.rows.decision(*points.model(step))[:, 0])
    bent, straight = float((l2 * step) @ step), float((l2 * point) @ step)

    def derivative(length: float) -> float:
        pulls = problem.weight * loss_derivatives(z + length * moved, problem.target, problem.loss)
        smooth = float(pulls @ moved) + straight + length * bent
        return smooth + float((l1 * np.sign(point + length * step)) @ step)

    with np.errstate(over="ignore", invalid="ignore"):
        if not derivative(0.0) < 0 < derivative(1.0) < np.inf:
            return 0.0
        return float(brentq(derivative, 0.0, 1.0, xtol=1e-12, rtol=_PRECISION))
