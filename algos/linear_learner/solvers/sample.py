"""A sample of the rows, large enough for the Hessian of the loss."""

from __future__ import annotations

import dataclasses

import numpy as np

from algos._common.arrays import IndexArray
from algos.linear_learner.problem import Problem

_GOLDEN = 0.6180339887498949
_PER_PARAMETER = 16  # rows; the condition number is then that of (1 ± 1/4)², below 3
_MULTIPLICATIONS = 1 << 20  # per parameter, that a Hessian may cost anyway


def size_for(n: int, size: int) -> int:
    """Return the size of a sample of n rows for the Hessian of `size` parameters."""
    enough = max(_PER_PARAMETER * size, _MULTIPLICATIONS // size)
    return n if n <= 2 * enough else enough


def spread(n: int, count: int) -> IndexArray:
    """Return `count` of n indices, evenly spread and aperiodic."""
    stretch = n / count
    numbers = np.arange(count)
    return ((numbers + numbers * _GOLDEN % 1) * stretch).astype(np.intp)


def sampled(problem: Problem, count: int) -> Problem:
    """Return the problem of a sample of `count` rows."""
    rows = spread(problem.rows.n, count)
    weight = problem.weight[rows]
    return dataclasses.replace(
        problem,
        rows=problem.rows.subset(rows),
        target=problem.target[rows],
        weight=weight / weight.sum(),
    )
