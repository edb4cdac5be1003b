"""What the ways to one candidate's optimum cost, about: passes of L-BFGS, or Newton's curvature.

Seconds of one core, fitted to 240 problems: 1 to 100 outputs, 300 to 100,000 rows, 10 to 1000
columns, each at six strengths from 0.1 to 1e-6. Only their ratio matters. How many passes a
problem takes hangs on how far its classes overlap, too, which nobody knows beforehand, and on how
columns go together. What is chosen took 1.4 times as long as the faster way (geometric mean),
where curvature alone took 2.6 times, and never 2.5 times as long as that; it is slow, as
curvature was, where classes stand far apart under a weak penalty.
"""

from __future__ import annotations

import numpy as np

from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.solvers.sample import sampled, size_for

_MEASURED = frozenset({"log_loss", "multinomial"})
_LITTLE = 1e-2  # seconds, of which nothing is to be gained
_STEEPEST = 1e6  # times the weakest penalty: beyond, passes may come to `max_iter`
_STEPS, _ROWS = 3, 2000  # that tell how steep the rows are
_NARROW = 200  # parameters of one output, up to which there is little to gain

# A pass: itself, a decision value, a product.
_PASS, _DECISION, _PRODUCT = 3e-4, 8e-9, 3.5e-10
# All Hessians of a fit: themselves, a pair of classes, a row of it, a product, and a
# product in the factor; and the passes beside them.
_NEWTON, _PAIR, _PAIRED_ROW, _SQUARE, _CUBE = 6e-3, 2.5e-5, 4e-8, 1.2e-10, 7e-10
_BESIDE = 17
_PASSES, _POWER = 1.5, -0.3  # of the weakest L2 penalty, on columns of deviation 1


def are_passes_cheaper(problem: Problem, penalty: Penalty) -> bool:
    """Tell whether passes are taken to cost less than curvature."""
    n, d, k = problem.rows.n, problem.rows.d, problem.n_outputs
    width = d + problem.fit_intercept
    if problem.loss.name not in _MEASURED or (k == 1 and width < _NARROW):
        return False
    weakest = float(penalty.l2.min(initial=1.0))
    if weakest <= 0:
        return False
    one_pass = _PASS + n * k * (_DECISION + d * _PRODUCT)
    passes, curvature = _PASSES * weakest**_POWER * one_pass, _of_newton(n, width, k)
    if curvature <= max(_LITTLE, passes):
        return False
    return _largest_eigenvalue(problem) <= _STEEPEST * weakest


def _largest_eigenvalue(problem: Problem) -> float:
    """Return about that of the columns' correlations, by the power method on some rows."""
    some = problem if problem.rows.n <= _ROWS else sampled(problem, _ROWS)
    way, size = np.cos(np.arange(1.0, some.rows.d + 1)), 0.0
    way /= np.linalg.norm(way)
    for _ in range(_STEPS):
        along = some.rows.decision(way[np.newaxis], np.zeros(1))
        way = some.rows.cross(some.weight[:, np.newaxis] * along)[0, :-1]
        size = float(np.linalg.norm(way))
        way /= size or 1.0
    return size


def _of_newton(n: int, width: int, k: int) -> float:
    """Return what Hessians of a sample, their factors and a few passes cost."""
    size = k * width
    sample, pairs = size_for(n, size), k * k / 2 if k > 1 else 0.0
    hessians = sample * (_SQUARE * size**2 / 2 + _PAIRED_ROW * pairs) + _PAIR * pairs
    return _NEWTON + hessians + _CUBE * size**3 / 3 + _BESIDE * n * k * width * _PRODUCT
