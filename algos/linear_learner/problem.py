"""The interface between estimators and solvers: problems, penalties and solutions.

Solvers work in solver units: columns are shifted by `shift` and divided by `scale` (see `rows.py`),
so that unscaled columns and large means cost neither accuracy nor iterations. A penalty in the
user's units then becomes a number for each column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from algos._common.arrays import Float64Array, IndexArray
from algos._common.callbacks import NO_CALLBACKS, Task
from algos.linear_learner.losses import Loss


class Evaluation(NamedTuple):
    """The weighted mean loss of m candidates, and its gradient, from one pass over the rows."""

    values: Float64Array  # (m,)
    gradient: Float64Array  # (m, n_outputs, d)
    gradient_intercept: Float64Array  # (m, n_outputs)


class Rows(Protocol):
    """Rows x = (X - shift) / scale, dense or CSR; solvers do not read X itself.

    Weights are float64 of shape (n,) and always given; those of a problem sum to 1.
    """

    n: int
    d: int
    n_threads: int
    is_sparse: bool
    shift: Float64Array  # (d,), zeros for CSR
    scale: Float64Array  # (d,), positive
    mean: Float64Array  # (d,), of the columns of X
    variance: Float64Array  # (d,), of the columns of X

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def in_double(self) -> Rows:
        """Return the same rows in double precision."""

    def decision(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        """Return x·coef + intercept, of shape (n, k), for coef (k, d), intercept (k,)."""

    def evaluate(
        self,
        coef: Float64Array,
        intercept: Float64Array,
        target: Float64Array,
        weight: Float64Array,
        loss: Loss,
    ) -> Evaluation:
        """Return the losses and gradients of m candidates, for coef (m, n_outputs, d)."""

    def gram(self, weight: Float64Array) -> Float64Array:
        """Return Σ weight_i (x_i, 1)(x_i, 1)', of shape (d + 1, d + 1); weights may be 0."""

    def cross(self, values: Float64Array) -> Float64Array:
        """Return Σ values_i (x_i, 1)', of shape (k, d + 1), for values (n, k)."""

    def gram_and_cross(
        self, weight: Float64Array, target: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Return `gram(weight)` and `cross(weight * target)`, for target (n, k)."""

    def curvatures(
        self,
        coef: Float64Array,
        intercept: float,
        target: Float64Array,
        weight: Float64Array,
        loss: Loss,
    ) -> Float64Array:
        """Return weight_i times loss_i's second derivative, for coef (d,) of one output."""

    def subset(self, indices: IndexArray) -> Rows:
        """Return the rows of those indices, gathered into a copy; same shift and scale."""


@dataclass(frozen=True)
class Problem:
    """Weighted mean loss over some rows, which all candidates share.

    Attributes
    ----------
    rows : Rows
    target : ndarray of shape (n,), or (n, n_outputs) for squared_error with many outputs
        float64; -1 and 1 for two classes, class numbers for multinomial.
    weight : ndarray of shape (n,)
        Positive, of sum 1.
    loss : Loss
    fit_intercept : bool
        The intercept, in solver units, is never penalised; False keeps it at 0 in the
        user's units, so `rows.shift` is then zeros.
    n_outputs : int
        Number of classes for multinomial, of targets for squared_error, else 1.
    """

    rows: Rows
    target: Float64Array
    weight: Float64Array
    loss: Loss
    fit_intercept: bool = True
    n_outputs: int = 1

    def evaluate(self, coef: Float64Array, intercept: Float64Array) -> Evaluation:
        """Return the data term for coef (m, n_outputs, d), intercept (m, n_outputs)."""
        return self.rows.evaluate(coef, intercept, self.target, self.weight, self.loss)

    def parted(self, target: Float64Array) -> list[Problem]:
        """Return a problem for each column of a target."""
        columns = [np.ascontiguousarray(column) for column in target.T]
        return [replace(self, target=column, n_outputs=1) for column in columns]


class Penalty(NamedTuple):
    """l1·|v| + l2·v²/2, column by column, in solver units."""

    l1: Float64Array  # (d,)
    l2: Float64Array  # (d,)

    def value(self, coef: Float64Array) -> float:
        """Return the penalty of coef, of shape (n_outputs, d)."""
        with np.errstate(over="ignore"):  # infinity for an iterate that is far off
            return float((np.abs(coef) @ self.l1).sum() + ((coef * self.l2) * coef).sum() / 2)

    @property
    def has_l1(self) -> bool:
        return bool(self.l1.any())


@dataclass
class Solution:
    """One candidate, solved.

    Attributes
    ----------
    coef : ndarray of shape (n_outputs, d)
    intercept : ndarray of shape (n_outputs,)
    objective : float
        Weighted mean loss and penalty.
    certificate : float
        Bound or estimate (see `criterion`) of objective - optimum, relative to the objective of
        the null model (all coefficients zero).
    criterion : {"duality gap", "gradient norm"}
        The gradient norm is g' H⁻¹ g / 2, half the squared Newton decrement: the predicted gain
        of a Newton step, increased if the last step gained more than predicted.
    n_iter : int
    converged : bool
        Whether the certificate reached the tolerance (or the machine's precision).
    objectives : list of float
        One for each iteration.
    validations : list of float
        Validation losses after each iteration, if the solver is given validation rows.
    n_passes_before : int
        Iterations of L-BFGS, if Newton's method continued from there.
    """

    coef: Float64Array
    intercept: Float64Array
    objective: float
    certificate: float
    criterion: str
    n_iter: int
    converged: bool
    objectives: list[float] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)
    n_passes_before: int = 0


# Called after each outer iteration: (candidate, coef, intercept, certificate) → give it up?
GiveUp = Callable[[int, Float64Array, Float64Array, float], bool]


@dataclass(frozen=True)
class Control:
    """Stopping rules, verbosity and callbacks of a solver.

    Attributes
    ----------
    tol : float
        Tolerance of the certificate.
    max_iter : int
    verbose : int
    task : Task
        For callbacks: `control.task.loop("iteration", range(...))`, by solvers of one candidate.
    give_up : callable, default=None
        Stops hopeless candidates of a pack early; None keeps all.
    epochs : Epochs, default=None
        Settings of stochastic steps (`stochastic.py`).
    """

    tol: float = 1e-6
    max_iter: int = 1000
    verbose: int = 0
    task: Task = NO_CALLBACKS
    give_up: GiveUp | None = None
    epochs: Any = None


# Solves all candidates of one problem, in the order of the penalties (strongest first, so that each
# starts near the one before). `start` holds solutions to start from. An iterator computes the
# solutions one by one, so that the weakest penalties may be skipped; a list has all of them.
class Solver(Protocol):
    def __call__(
        self,
        problem: Problem,
        penalties: list[Penalty],
        control: Control,
        start: list[Solution] | None = None,
    ) -> list[Solution] | Iterator[Solution]: ...
