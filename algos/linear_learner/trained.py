"""Trained candidates in the user's units, and how solutions in those of solvers become them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from algos.linear_learner.penalties import Strength
from algos.linear_learner.problem import Doubles, Rows, Solution
from algos.linear_learner.targets import Unit
from algos.linear_learner.used_columns import UsedColumns

LARGEST = float(np.finfo(np.float64).max)

# (candidate, coef (n_outputs, d), intercept, certificate), in the user's units
Watch = Callable[[int, Doubles, Doubles, float], bool]

# coef (n_outputs, d) and intercept, in the user's units → loss
LossOf = Callable[[Doubles, Doubles], float]


@dataclass
class Model:
    """One trained candidate in the user's units.

    Attributes
    ----------
    strength : Strength
    coef : ndarray of shape (n_outputs, d)
    intercept : ndarray of shape (n_outputs,)
    objective, certificate : float
        Summed over outputs that were solved one by one; the certificate is their largest.
    criterion : str
    n_iter : int
        The largest of the outputs'.
    converged : bool
    objectives : list of float
        One for each iteration, summed over outputs.
    seconds : list of float
        When each iteration was done, since the solver began: its time, shared evenly.
    validations : list of float
        The loss of validation rows after each iteration; empty for solvers that do not ask.
    left : float
        What weaker penalties could still gain on the rows, as a share of what a constant
        loses; infinite where nobody asked.
    n_passes_before : int
        Iterations of L-BFGS, the most of any output, if Newton's method went on from there.
    """

    strength: Strength
    coef: Doubles
    intercept: Doubles
    objective: float
    certificate: float
    criterion: str
    n_iter: int
    converged: bool
    objectives: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)
    left: float = float("inf")
    n_passes_before: int = 0

    @property
    def is_spared(self) -> bool:
        """Whether nobody began to train it: it is where the candidate before it ended."""
        return self.n_iter == 0 and self.certificate == np.inf


class UsersUnits:
    """The way from the units of solvers to those of the user, and back.

    Parameters
    ----------
    rows : Rows
    columns : UsedColumns
        Of X, that the rows have.
    unit : Unit
        Of the targets.
    is_joint : bool
        Whether outputs share a loss, which a constant for all of them does not change.
    """

    def __init__(self, rows: Rows, columns: UsedColumns, unit: Unit, is_joint: bool) -> None:
        self._rows, self._columns, self._unit, self._is_joint = rows, columns, unit, is_joint

    def of(self, coef: Doubles, intercept: Doubles) -> tuple[Doubles, Doubles]:
        """Return coefficients of all columns and intercepts in the user's units."""
        with np.errstate(over="ignore"):  # columns of subnormal numbers
            users = np.ldexp(coef / self._rows.scale, self._unit.exponent)
        users = np.clip(users, -LARGEST, LARGEST)
        offset = np.ldexp(intercept, self._unit.exponent) - users @ self._rows.shift
        if self._is_joint:  # a constant for all classes says nothing
            offset = offset - offset.mean()
        return self._columns.spread(users), offset

    def model(
        self, strength: Strength, solutions: list[Solution], seconds: float, left: float
    ) -> Model:
        """Return a candidate of which these are the outputs, solved in so many seconds."""
        coef, intercept = self.of(
            np.concatenate([one.coef for one in solutions]),
            np.concatenate([one.intercept for one in solutions]),
        )
        certificates = [
            np.inf if np.isnan(one.certificate) else one.certificate for one in solutions
        ]
        worst = int(np.argmax(certificates))
        objective = float(sum(one.objective for one in solutions))
        objectives = _sum_of_traces(solutions)
        if self._unit.of_loss:
            with np.errstate(over="ignore"):
                objective = float(np.ldexp(objective, self._unit.of_loss))
                objectives = np.ldexp(objectives, self._unit.of_loss)
        n_iter = len(objectives)
        return Model(
            strength,
            coef,
            intercept,
            objective,
            float(certificates[worst]),
            solutions[worst].criterion,
            n_iter,
            all(one.converged for one in solutions) and bool(np.isfinite(certificates).all()),
            objectives.tolist(),
            [seconds * (i + 1) / n_iter for i in range(n_iter)],
            solutions[0].validations if len(solutions) == 1 else [],
            left,
            max(one.n_passes_before for one in solutions),
        )

    def solution(self, model: Model, outputs: slice) -> Solution:
        """Return outputs of a model as solvers begin from it."""
        users = self._columns.gathered(np.ldexp(model.coef[outputs], -self._unit.exponent))
        intercept = np.ldexp(model.intercept[outputs], -self._unit.exponent)
        return Solution(
            users * self._rows.scale,
            intercept + users @ self._rows.shift,
            model.objective,
            np.inf,
            model.criterion,
            0,
            False,
        )


def _sum_of_traces(solutions: list[Solution]) -> Doubles:
    """Return the objective after each iteration; an output that has ended stays where it is."""
    if len(solutions) == 1 and solutions[0].n_iter == len(solutions[0].objectives) > 0:
        return np.array(solutions[0].objectives)
    total = np.zeros(max(1, *(one.n_iter for one in solutions)))
    for one in solutions:
        own = one.objectives[len(one.objectives) - one.n_iter :]  # some begin with their start
        total += np.append(own, np.full(len(total) - len(own), one.objective))
    return total
