"""Trained candidates in the user's units, converted from solutions in solver units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.problem import Rows, Solution
from algos.linear_learner.targets import Unit
from algos.linear_learner.used_columns import UsedColumns

LARGEST = float(np.finfo(np.float64).max)

# (candidate, coef (n_outputs, d), intercept, certificate), in the user's units
Watch = Callable[[int, Float64Array, Float64Array, float], bool]

# coef (n_outputs, d) and intercept, in the user's units → loss
LossOf = Callable[[Float64Array, Float64Array], float]


@dataclass
class Model:
    """One trained candidate in the user's units.

    Attributes
    ----------
    params : PenaltyParams
    coef : ndarray of shape (n_outputs, d)
    intercept : ndarray of shape (n_outputs,)
    objective, certificate : float
        If outputs are solved separately, the sum of their objectives and the largest of their
        certificates.
    criterion : str
        See `Solution`.
    n_iter : int
        The largest number of iterations of any output.
    converged : bool
    objectives : list of float
        One for each iteration, summed over outputs.
    seconds : list of float
        End of each iteration, since the solver started (its time shared evenly).
    validations : list of float
        Validation loss after each iteration; empty for solvers that do not compute it.
    left : float
        What weaker penalties could still gain on the rows, relative to the loss of a constant;
        infinite if it was not computed.
    n_passes_before : int
        The largest number of L-BFGS iterations of any output, if Newton's method continued.
    """

    params: PenaltyParams
    coef: Float64Array
    intercept: Float64Array
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
    def is_skipped(self) -> bool:
        """Whether it was not trained; it is then the model of the candidate before it."""
        return self.n_iter == 0 and self.certificate == np.inf


class UsersUnits:
    """Converts models between the units of solvers and those of the user.

    Parameters
    ----------
    rows : Rows
    columns : UsedColumns
        The columns of X in the rows.
    unit : Unit
        Unit of the targets.
    is_joint : bool
        Whether outputs share a loss, which adding a constant to all of them does not change.
    """

    def __init__(self, rows: Rows, columns: UsedColumns, unit: Unit, is_joint: bool) -> None:
        self._rows, self._columns, self._unit, self._is_joint = rows, columns, unit, is_joint

    def of(self, coef: Float64Array, intercept: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return coefficients of all columns and intercepts in the user's units."""
        with np.errstate(over="ignore"):  # columns of subnormal numbers
            users = np.ldexp(coef / self._rows.scale, self._unit.exponent)
        users = np.clip(users, -LARGEST, LARGEST)
        offset = np.ldexp(intercept, self._unit.exponent) - users @ self._rows.shift
        if self._is_joint:  # a constant for all classes is arbitrary
            offset = offset - offset.mean()
        return self._columns.spread(users), offset

    def model(
        self, params: PenaltyParams, solutions: list[Solution], seconds: float, left: float
    ) -> Model:
        """Return a candidate from the solutions of its outputs."""
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
            params,
            coef,
            intercept,
            objective=objective,
            certificate=float(certificates[worst]),
            criterion=solutions[worst].criterion,
            n_iter=n_iter,
            converged=all(one.converged for one in solutions)
            and bool(np.isfinite(certificates).all()),
            objectives=objectives.tolist(),
            seconds=[seconds * (i + 1) / n_iter for i in range(n_iter)],
            validations=solutions[0].validations if len(solutions) == 1 else [],
            left=left,
            n_passes_before=max(one.n_passes_before for one in solutions),
        )

    def solution(self, model: Model, outputs: slice) -> Solution:
        """Return some outputs of a model as a start for solvers."""
        users = self._columns.gathered(np.ldexp(model.coef[outputs], -self._unit.exponent))
        intercept = np.ldexp(model.intercept[outputs], -self._unit.exponent)
        return Solution(
            users * self._rows.scale,
            intercept + users @ self._rows.shift,
            objective=model.objective,
            certificate=np.inf,
            criterion=model.criterion,
            n_iter=0,
            converged=False,
        )


def _sum_of_traces(solutions: list[Solution]) -> Float64Array:
    """Return the total objective after each iteration; finished outputs keep their value."""
    if len(solutions) == 1 and solutions[0].n_iter == len(solutions[0].objectives) > 0:
        return np.array(solutions[0].objectives)
    total = np.zeros(max(1, *(one.n_iter for one in solutions)))
    for one in solutions:
        own = one.objectives[len(one.objectives) - one.n_iter :]  # some include the start
        total += np.append(own, np.full(len(total) - len(own), one.objective))
    return total
