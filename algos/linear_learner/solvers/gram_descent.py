"""Lasso and elastic net of the squared loss, from inner products alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from algos._common.arrays import Float64Array, IndexArray
from algos._common.threads import one_thread_blas
from algos._cython.linear_gram_descent import gram_descent
from algos.linear_learner.problem import Control, Penalty, Solution
from algos.linear_learner.solvers.gram import Products, finished

_FLOOR = 1e-14  # of the relative gap, due to rounding
_SWEEPS = 10  # before the active coordinates are solved for directly,
_ACTIVE_A_SWEEP = 20  # plus one for so many active coordinates; or as many sweeps as take
_CHEAP = 1 << 17  # multiplications, which cost no more than a direct solve, up to
_MOST_SWEEPS = 60
_JUMPS = 8  # direct solves in a row
_RIDGE = 1e-10

Stop = Callable[[int, float], bool]


def solve_one(
    products: Products, penalty: Penalty, control: Control, start: Float64Array, candidate: int
) -> Solution:
    """Return the minimum for one penalty.

    Parameters
    ----------
    products : Products
    penalty : Penalty
    control : Control
    start : ndarray of shape (n_outputs, d)
        Initial coefficients.
    candidate : int
        Argument of `control.give_up`.

    Returns
    -------
    Solution
    """
    penalty, null = products.of_unit(penalty), products.null
    coef = np.where(np.diagonal(products.gram) > 0, start / products.unit, 0.0)
    before = products.loss(coef) + penalty.value(coef)
    tol = max(control.tol, _FLOOR)
    gaps, falls = np.full(len(coef), null), np.zeros(0)

    def stop(output: int, gap: float) -> bool:
        gaps[output] = gap
        if control.give_up is None or null == 0:
            return False
        intercept = products.target_mean - coef @ products.mean
        unit, certificate = products.unit, float(gaps.sum()) / null
        return control.give_up(candidate, coef * unit, intercept * unit, certificate)

    for output in range(len(coef)):
        limit = tol * null / len(coef)
        done = _descend(products, penalty, output, coef, limit, control.max_iter, stop)
        falls = _sum_of_unequal(falls, done)
    objectives: list[float] = (before - np.cumsum(falls)).tolist()
    gap = float(gaps.sum())
    return finished(products, penalty, coef, gap, tol, objectives, criterion="duality gap")


def _sum_of_unequal(a: Float64Array, b: Float64Array) -> Float64Array:
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total


def _descend(
    products: Products,
    penalty: Penalty,
    output: int,
    coef: Float64Array,
    tol: float,
    max_iter: int,
    stop: Stop,
) -> Float64Array:
    """Minimise over one row of coef, in place; return the decrease of each iteration.

    Sweeps over the coordinates find which ones are zero, quickly if columns are weakly correlated;
    the others are then solved for directly, which correlations do not slow down.
    """
    v, cross = coef[output], np.ascontiguousarray(products.cross[output])
    negative_gradient, falls, done = np.empty_like(v), np.zeros(max_iter), 0
    while True:
        sweeps = min(_sweeps(len(v), int(np.count_nonzero(v))), max_iter - done)
        did, gap = gram_descent(
            products.gram,
            cross,
            penalty.l1,
            penalty.l2,
            v,
            negative_gradient,
            float(products.square[output]),
            tol,
            sweeps,
            falls[done:],
        )
        done += did
        if stop(output, gap) or gap <= tol or did < sweeps or done >= max_iter:
            return falls[:done]
        falls[done] = _solve_active(products.gram, negative_gradient, penalty, v)
        done += 1


def _sweeps(d: int, n_active: int) -> int:
    """Return the number of sweeps before a direct solve."""
    cheap = min(_CHEAP // (d * max(n_active, 1)), _MOST_SWEEPS)
    return max(_SWEEPS + n_active // _ACTIVE_A_SWEEP, cheap)


def _solve_active(
    gram: Float64Array, negative_gradient: Float64Array, penalty: Penalty, v: Float64Array
) -> float:
    """Move to the minimum over the nonzero coordinates, keeping their signs.

    A coordinate that would change its sign becomes zero, and the others continue from there.
    Returns the decrease of the objective.
    """
    total = 0.0
    for _ in range(_JUMPS):
        active = np.flatnonzero(v)
        if len(active) == 0:
            break
        fall, is_minimum = _jump(gram, negative_gradient, penalty, v, active)
        total += fall
        if is_minimum:
            break
    return total


def _jump(
    gram: Float64Array,
    negative_gradient: Float64Array,
    penalty: Penalty,
    v: Float64Array,
    active: IndexArray,
) -> tuple[float, bool]:
    """Return the decrease of the objective by one direct solve, and whether it is the last."""
    now, l2 = v[active], penalty.l2[active]
    gradient = negative_gradient[active] - penalty.l1[active] * np.sign(now) - l2 * now
    rows = gram[active]
    matrix = rows[:, active] + np.diag(l2)
    with one_thread_blas():
        factor, info = lapack.dpotrf(matrix)
        if info != 0:
            # For example more columns than rows: move along the null space to a zero.
            ridge = _RIDGE * np.diagonal(matrix).max()
            factor, info = lapack.dpotrf(matrix + ridge * np.eye(len(now)))
        step = lapack.dpotrs(factor, gradient)[0]
        opposite = np.flatnonzero(step * now < 0)
        lengths = -now[opposite] / step[opposite]
        length = min(1.0, lengths.min(initial=1.0))
        step *= length
        fall = float(gradient @ step - step @ matrix @ step / 2)
        if info != 0 or not fall > 0 or not np.isfinite(step).all():
            return 0.0, True
        negative_gradient -= step @ rows
    now += step
    now[opposite[lengths <= length]] = 0
    v[active] = now
    return fall, length == 1
