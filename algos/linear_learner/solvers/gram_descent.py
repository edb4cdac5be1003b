"""Lasso and elastic net of the squared loss, from inner products alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from algos._common.threads import one_thread_blas
from algos._cython.linear_gram_descent import gram_descent
from algos.linear_learner.problem import Control, Doubles, Penalty, Solution
from algos.linear_learner.solvers.gram import Products, finished

_FLOOR = 1e-14  # of the relative gap: what rounding leaves
_SWEEPS = 10  # before the active coordinates are solved for directly, and
_ACTIVE_A_SWEEP = 20  # one more for so many active coordinates each; or as many as make
_CHEAP = 1 << 17  # multiplications, which take no longer than a jump, up to
_MOST_SWEEPS = 60
_JUMPS = 8  # in a row
_RIDGE = 1e-10

Stop = Callable[[int, float], bool]


def solve_one(
    products: Products, penalty: Penalty, control: Control, start: Doubles, candidate: int
) -> Solution:
    """Return the minimum for one penalty.

    Parameters
    ----------
    products : Products
    penalty : Penalty
    control : Control
    start : ndarray of shape (n_outputs, d)
        Coefficients to begin at.
    candidate : int
        What `control.give_up` is told.

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


def _sum_of_unequal(a: Doubles, b: Doubles) -> Doubles:
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total


def _descend(
    products: Products,
    penalty: Penalty,
    output: int,
    coef: Doubles,
    tol: float,
    max_iter: int,
    stop: Stop,
) -> Doubles:
    """Change one row of coef to the minimum; return by how much each iteration lowered it.

    Sweeps over the coordinates find which ones are zero, fast where columns have little to
    do with one another; the others are then solved for directly, which no correlation slows.
    """
    v, cross = coef[output], np.ascontiguousarray(products.cross[output])
    slopes, falls, done = np.empty_like(v), np.zeros(max_iter), 0
    while True:
        sweeps = min(_sweeps(len(v), int(np.count_nonzero(v))), max_iter - done)
        did, gap = gram_descent(
            products.gram,
            cross,
            penalty.l1,
            penalty.l2,
            v,
            slopes,
            float(products.square[output]),
            tol,
            sweeps,
            falls[done:],
        )
        done += did
        if stop(output, gap) or gap <= tol or did < sweeps or done >= max_iter:
            return falls[:done]
        falls[done] = _solve_active(products.gram, slopes, penalty, v)
        done += 1


def _sweeps(d: int, n_active: int) -> int:
    """Return how many sweeps come before a jump."""
    cheap = min(_CHEAP // (d * max(n_active, 1)), _MOST_SWEEPS)
    return max(_SWEEPS + n_active // _ACTIVE_A_SWEEP, cheap)


def _solve_active(gram: Doubles, slopes: Doubles, penalty: Penalty, v: Doubles) -> float:
    """Move to the minimum over the coordinates that are not zero, as far as signs hold.

    A coordinate that would change its sign becomes zero, and the others go on from there.
    Returns by how much the objective fell.
    """
    total = 0.0
    for _ in range(_JUMPS):
        active = np.flatnonzero(v)
        if len(active) == 0:
            break
        fall, is_minimum = _jump(gram, slopes, penalty, v, active)
        total += fall
        if is_minimum:
            break
    return total


def _jump(
    gram: Doubles, slopes: Doubles, penalty: Penalty, v: Doubles, active: NDArray[np.intp]
) -> tuple[float, bool]:
    """Return by how much one jump lowered the objective, and whether it is the last."""
    now, l2 = v[active], penalty.l2[active]
    gradient = slopes[active] - penalty.l1[active] * np.sign(now) - l2 * now
    rows = gram[active]
    matrix = rows[:, active] + np.diag(l2)
    with one_thread_blas():
        factor, info = lapack.dpotrf(matrix)
        if info != 0:
            # More columns than rows, say: far along what the data leave open, to a zero.
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
        slopes -= step @ rows
    now += step
    now[opposite[lengths <= length]] = 0
    v[active] = now
    return fall, length == 1
