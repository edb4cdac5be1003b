"""What the ways to one candidate's optimum cost, about: passes of L-BFGS, or Newton's curvature.

Seconds of one core, fitted to 240 problems: 1 to 100 outputs, 300 to 100,000 rows, 10 to 1000
columns, each at six strengths from 0.1 to 1e-6. Only their ratio matters, which is off by a factor
of 3 at times, and up to 5 where columns go together. How many passes a problem takes hangs on that
and on how far its classes overlap, which nobody knows beforehand: so passes come first, and
curvature after as many of them as are worth a part of it (`handover`).
"""

from __future__ import annotations

from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.solvers.sample import size_for

_MEASURED = frozenset({"log_loss", "multinomial"})
_LITTLE = 1e-2  # seconds, of which nothing is to be gained
_FEWEST = 20  # passes, that may come to an end
_SHARE = 0.6  # of what curvature is estimated to cost, which may be too much
_NARROW = 200  # parameters of one output, up to which there is little to gain

# A pass: itself, a decision value, a product.
_PASS, _DECISION, _PRODUCT = 3e-4, 8e-9, 3.5e-10
# All Hessians of a fit: themselves, a pair of classes, a row of it, a product, and a
# product in the factor; and the passes beside them.
_NEWTON, _PAIR, _PAIRED_ROW, _SQUARE, _CUBE = 6e-3, 2.5e-5, 4e-8, 1.2e-10, 7e-10
_BESIDE = 17


def passes_first(problem: Problem, penalty: Penalty, max_iter: int) -> int:
    """Return how many passes to make before curvature is looked at; 0 for none."""
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
    """Return what Hessians of a sample, their factors and a few passes cost."""
    size = k * width
    sample, pairs = size_for(n, size), k * k / 2 if k > 1 else 0.0
    hessians = sample * (_SQUARE * size**2 / 2 + _PAIRED_ROW * pairs) + _PAIR * pairs
    return _NEWTON + hessians + _CUBE * size**3 / 3 + _BESIDE * n * k * width * _PRODUCT
