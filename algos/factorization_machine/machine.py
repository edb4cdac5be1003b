"""The problem that a solver gets, the model it learns, and the outcome it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._common.memory import require_memory
from algos._common.random import Key
from algos.factorization_machine.fields import Bounds
from algos.factorization_machine.posterior import Draws
from algos.factorization_machine.rows import Columns, Table, aligned_zeros
from algos.factorization_machine.targets import Unit

# Parameters from float32 rows, or from stochastic steps, are float32 within this range.
_LEAST, _LARGEST = 1e-30, 1e30


@dataclass(frozen=True)
class Machine:
    """The parameters of one factorization machine, in the solver's units.

    Attributes
    ----------
    intercept : float
    linear : ndarray of shape (n_columns,)
    factors : ndarray of shape (n_columns, n_factors)
    draws : Draws or None
        The draws of which the parameters are the mean.
    cuts : ndarray of shape (n_levels + 1,), or None
        The cut points of ordered levels, including the infinite ones.
    """

    intercept: float
    linear: NDArray[Any]
    factors: NDArray[Any]
    draws: Draws | None = None
    cuts: Float64Array | None = None

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite."""
        return all(np.isfinite(part).all() for part in (self.linear, self.factors, self.intercept))

    def in_units(
        self, columns: Columns, unit: Unit, *, single: bool
    ) -> tuple[float, NDArray[Any], NDArray[Any]]:
        """Return intercept, coefficients and factors for all columns of X, in its units.

        Raises
        ------
        ValueError
            If targets are so large, or values of X so small, that a parameter overflows.
        """
        with np.errstate(over="ignore"):
            linear = columns.in_units_of_x(self.linear.astype(np.float64), unit.spread)
            factors = columns.in_units_of_x(self.factors.astype(np.float64), np.sqrt(unit.spread))
            intercept = float(unit.back(self.intercept))
        if not all(np.isfinite(part).all() for part in (linear, factors, intercept)):
            raise ValueError(_overflow_message(columns, unit))
        if single and _fit_into_single(linear) and _fit_into_single(factors):
            linear, doubles = linear.astype(np.float32), factors
            factors = aligned_zeros(doubles.shape, np.float32)
            factors[...] = doubles
        return intercept, columns.spread(linear), columns.spread(factors)

    @classmethod
    def from_units(
        cls, intercept: float, linear: Any, factors: Any, columns: Columns, unit: Unit
    ) -> Machine:
        """Undo `in_units`."""
        linear = columns.in_units_of_solver(columns.gathered(np.asarray(linear, np.float64)))
        factors = columns.in_units_of_solver(columns.gathered(np.asarray(factors, np.float64)))
        return cls(float(unit.of(intercept)), linear / unit.spread, factors / np.sqrt(unit.spread))


def _overflow_message(columns: Columns, unit: Unit) -> str:
    """Return the message for a model that overflows float64."""
    least = 1.0 if columns.scale is None else columns.scale.min()
    return (
        f"the coefficients overflow, since `y` has a standard deviation of {unit.spread:.2g} and a "
        f"column of X values of about {least:.2g}; divide y, or multiply X, by a power of ten"
    )


def _fit_into_single(numbers: Float64Array) -> bool:
    """Tell whether float32 can hold the numbers, except those negligible beside the largest."""
    largest = float(np.abs(numbers).max(initial=0.0))
    return largest == 0 or _LEAST < largest < _LARGEST


# Called with the models, the objective and the validation loss; returns whether to stop.
Listener = Callable[[Callable[[], list[Machine]], float, float], bool]


@dataclass(frozen=True)
class Settings:
    """Parameters of an estimator in the units of solvers; None stands for "auto"."""

    n_factors: int
    max_iter: int | None
    tol: float
    burn_in: int | None
    n_draws: int
    feature_groups: Any
    alpha: float | None
    alpha_linear: float | None
    alpha_intercept: float
    learning_rate: float | None
    learning_rate_linear: float | None
    learning_rate_intercept: float | None
    batch_size: int | None
    clip_gradient: float | None
    initial_accumulator_value: float | None
    init: str
    init_scale: float | None
    init_linear: str
    init_linear_scale: float
    init_intercept: float | None
    n_iter_no_change: int | None


@dataclass(frozen=True)
class Problem:
    """The input of a solver.

    Attributes
    ----------
    table : Table
    held_out : Table or None
        Validation rows, for early stopping unless `only_records`.
    loss : {"squared_error", "log_loss", "ordered_probit", "bpr"}
        Targets are -1 and 1 for "log_loss", or class numbers if there are more than two; levels
        from 0 on for "ordered_probit"; -1 and 1 for "bpr".
    n_classes : int
        Number of classes or levels; 0 for numeric targets.
    settings : Settings
    key : ndarray of shape (2,), uint64
    start : list of Machine, or None
        The models to start from, one for each output.
    dtype : dtype
        Type of the original rows.
    n_threads : int
    is_of_item : ndarray of shape (n_columns,), bool, or None
        For "bpr": the columns that describe an item.
    rounds_weights : bool
        Whether weights include class weights, which need not be integers.
    whole : Table or None
        All rows, if `held_out` was taken from them.
    fields : ndarray of shape (n_fields + 1,), or None
        Bounds of the fields of all rows; None for batches of a stream.
    only_records : bool
        Whether the loss of `held_out` is only recorded, and not used for early stopping.
    """

    table: Table
    held_out: Table | None
    loss: str
    n_classes: int
    settings: Settings
    key: Key
    start: list[Machine] | None = None
    dtype: Any = np.float64
    n_threads: int = 1
    is_of_item: NDArray[np.bool_] | None = None
    rounds_weights: bool = False
    whole: Table | None = None
    fields: Bounds | None = None
    only_records: bool = False

    @property
    def stops_early(self) -> bool:
        """Whether validation rows decide when to stop."""
        return self.held_out is not None and not self.only_records

    @property
    def n_outputs(self) -> int:
        """Number of models."""
        return self.n_classes if self.loss == "log_loss" and self.n_classes > 2 else 1


@dataclass(frozen=True)
class Outcome:
    """The result of a solver.

    Attributes
    ----------
    machines : list of Machine
        One model for each output.
    n_iter : int
    history : mapping of str to sequence
        `objective` and `validation`, and extras, one entry for each of `n_iter`.
    objective : float
    hyper : mapping of str to ndarray
        Traces of the hyperparameters that the sampler drew.
    state : mapping of str to arrays and numbers, or None
        The state from which stochastic learning can continue.
    fall : float
        The relative decrease of the loss, above `tol`, when `max_iter` was reached; 0 if the
        solver converged, or does not converge.
    is_lost : bool
        Whether no stochastic epoch improved on the first, and the last was far worse.
    rate : float or None
        The learning rate of stochastic steps, which may have been searched.
    constant : float or None
        With early stopping: the validation loss of the best constant.
    """

    machines: list[Machine]
    n_iter: int
    history: Mapping[str, Any]
    objective: float
    hyper: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    fall: float = 0.0
    is_lost: bool = False
    rate: float | None = None
    constant: float | None = None


def largest_fall(losses: Any, patience: int) -> float:
    """Return the largest relative decrease of the best loss in the last iterations."""
    least = np.minimum.accumulate(np.asarray(losses, dtype=np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        falls = (least[:-1] - losses[1:]) / np.abs(least[:-1])
    falls = np.concatenate([[1.0], np.nan_to_num(falls)])  # the first one always counts
    return float(max(falls[-patience:].max(), 0.0))


def require_room(n_columns: int, n_factors: int, n_machines: int = 1) -> None:
    """Raise MemoryError if a model and a copy in the units of X do not fit in memory."""
    require_memory(
        16 * n_machines * n_columns * (n_factors + 1),
        f"A model of {n_columns} columns with n_factors={n_factors}",
        "lower `n_factors`, or hash columns into fewer",
    )
