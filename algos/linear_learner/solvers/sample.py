"""A spread of the rows, large enough to tell the shape of a loss that all rows make."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from algos.linear_learner.problem import Problem

_GOLDEN = 0.6180339887498949
_PER_PARAMETER = 16  # rows: the condition number is then that of (1 ± 1/4)², below 3
_MULTIPLICATIONS = 1 << 20  # by parameter, that a Hessian may cost anyway


def size_for(n: int, size: int) -> int:
    """Return how many of n rows to take for Hessians of so many parameters."""
    enough = max(_PER_PARAMETER * size, _MULTIPLICATIONS // size)
    return n if n <= 2 * enough else enough


def spread(n: int, count: int) -> NDArray[np.intp]:
    """Return `count` of n indices, one from each stretch, with no period."""
    stretch = n / count
    numbers = np.arange(count)
    return ((numbers + numbers * _GOLDEN % 1) * stretch).astype(np.intp)


def sampled(problem: Problem, count: int) -> Problem:
    """Return the problem of so many rows."""
    rows = spread(problem.rows.n, count)
    weight = problem.weight[rows]
    return dataclasses.replace(
        problem,
        rows=problem.rows.subset(rows),
        target=problem.target[rows],
        weight=weight / weight.sum(),
    )
