"""Solution paths of several outputs, computed candidate by candidate."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Penalty, Solution


class SolutionPaths:
    """The solution paths of all outputs, from which candidates are taken one by one.

    Attributes
    ----------
    is_open : bool
        Whether there are any.
    is_complete : bool
        Whether all candidates were solved together, so that none can be skipped any more.
    """

    def __init__(self) -> None:
        self._is_made = True
        self._outputs: list[Iterator[Solution]] = []
        self._found: list[list[Solution]] = []
        self._number = 0

    @property
    def is_open(self) -> bool:
        return bool(self._outputs)

    @property
    def is_complete(self) -> bool:
        return self.is_open and self._is_made

    def close(self) -> None:
        """Close the solvers; reference cycles would keep their rows in memory."""
        for one in self._outputs:
            if isinstance(one, Generator):
                one.close()
        self._outputs, self._found = [], []

    def add(self, solutions: list[Solution] | Iterator[Solution]) -> None:
        """Add the path of the next output."""
        is_made = isinstance(solutions, list)
        self._is_made &= is_made
        self._found.append(list(solutions) if is_made else [])
        self._outputs.append(iter(()) if is_made else iter(solutions))

    def next(self) -> list[Solution]:
        """Return the next candidate's solutions, output by output."""
        number, self._number = self._number, self._number + 1
        for known, ahead in zip(self._found, self._outputs, strict=True):
            if len(known) <= number:
                known.append(next(ahead))
        return [known[number] for known in self._found]

    def found(self, output: int, candidate: int) -> tuple[Float64Array, Float64Array] | None:
        """Return the coefficients and intercept of an output, None if not yet computed."""
        known = self._found[output] if output < len(self._found) else []
        return (
            (known[candidate].coef, known[candidate].intercept) if candidate < len(known) else None
        )


def skipped_solution(solution: Solution, own: Penalty, weaker: Penalty) -> Solution:
    """Return the solution for a skipped candidate: that of the candidate before it."""
    change = weaker.value(solution.coef) - own.value(solution.coef)
    return replace(
        solution,
        objective=solution.objective + change,
        certificate=np.inf,
        n_iter=0,
        converged=False,
        objectives=[],
        validations=[],
    )
