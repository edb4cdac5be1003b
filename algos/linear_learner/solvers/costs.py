"""Estimated costs of solving one candidate with L-BFGS passes or with Newton's Hessians.

Seconds on one core, fitted to 240 problems: 1 to 100 outputs, 300 to 100,000 rows, 10 to 1000
columns, each with six values of alpha from 0.1 to 1e-6. Only the ratio matters; it is sometimes off
by a factor of 3, and by up to 5 for correlated columns. The number of passes depends on the
correlation of the columns and on the overlap of the classes, which is not known beforehand: so
passes come first, and Hessians after passes worth a share of their cost (`handover`).
"""

from __future__ import annotations

from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.solvers.sample import size_for

_MEASURED = frozenset({"log_loss", "multinomial"})
_LITTLE = 1e-2  # seconds, too little to save any
_FEWEST = 20  # passes; fewer would hardly converge
_SHARE = 0.6  # of the estimated cost of Hessians
_NARROW = 200  # parameters of one output, up to which there is little to save

# A pass: itself, a decision value, a product.
_PASS, _DECISION, _PRODUCT = 3e-4, 8e-9, 3.5e-10
# All Hessians of a fit: fixed cost, a pair of classes, a row of a pair, a product, and a product in
# the factorisation; and the passes in addition.
_NEWTON, _PAIR, _PAIRED_ROW, _SQUARE, _CUBE = 6e-3, 2.5e-5, 4e-8, 1.2e-10, 7e-10
_BESIDE = 17


def passes_first(problem: Problem, penalty: Penalty, max_iter: int) -> int:
    """Return the number of passes to make before Hessians; 0 for none."""
    n, d, k = problem.rows.n, problem.rows.d, problem.n_outputs
    width = d + problem.fit_intercept
    if problem.loss.name not in _MEASURED or (k == 1 and width < _NARROW):
        return 0
    if float(penalty.l2.min(initial=1.0)) <= 0:
        return 0
    curvature = _of_newton(n, width, k)
    if curvature <= _LITTLE:
        return 0
    one_pass = _PASS + n * k * (_DECISION + d * _PRODUCT)
    budget = min(int(_SHARE * curvature / one_pass), max_iter // 2)
    return budget if budget >= _FEWEST else 0


def _of_newton(n: int, width: int, k: int) -> float:
    """Return the cost of Hessians of a sample, their factors and a few passes."""
    size = k * width
    sample, pairs = size_for(n, size), k * k / 2 if k > 1 else 0.0
    hessians = sample * (_SQUARE * size**2 / 2 + _PAIRED_ROW * pairs) + _PAIR * pairs
    return _NEWTON + hessians + _CUBE * size**3 / 3 + _BESIDE * n * k * width * _PRODUCT
