"""What a solver hands back: machines, alone or as draws, and the record of the fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.memory import require_memory
from algos._common.random import Key
from algos.factorization_machine.fields import Bounds
from algos.factorization_machine.posterior import Draws
from algos.factorization_machine.rows import Columns, Table, aligned_zeros
from algos.factorization_machine.targets import Unit

Doubles = NDArray[np.float64]

# Parameters of float32 rows, and of stochastic steps, are float32 where that can hold them.
_LEAST, _LARGEST = 1e-30, 1e30


@dataclass(frozen=True)
class Machine:
    """One factorization machine, in the solver's units.

    Attributes
    ----------
    intercept : float
    linear : ndarray of shape (n_columns,)
    factors : ndarray of shape (n_columns, n_factors)
    draws : Draws or None
        If the machine is a mean of draws.
    cuts : ndarray of shape (n_levels + 1,), or None
        The cut points of ordered levels, with the infinite ones.
    """

    intercept: float
    linear: NDArray[Any]
    factors: NDArray[Any]
    draws: Draws | None = None
    cuts: Doubles | None = None

    @property
    def is_of_numbers(self) -> bool:
        """Whether all its numbers are finite."""
        return all(np.isfinite(part).all() for part in (self.linear, self.factors, self.intercept))

    def in_units(
        self, columns: Columns, unit: Unit, *, single: bool
    ) -> tuple[float, NDArray[Any], NDArray[Any]]:
        """Return intercept, coefficients and factors for all columns of X as it is.

        Raises
        ------
        ValueError
            If targets are so huge, or values of X so small, that one of them is no number.
        """
        with np.errstate(over="ignore"):
            linear = columns.in_units_of_x(self.linear.astype(np.float64), unit.spread)
            factors = columns.in_units_of_x(self.factors.astype(np.float64), np.sqrt(unit.spread))
            intercept = float(unit.back(self.intercept))
        if not all(np.isfinite(part).all() for part in (linear, factors, intercept)):
            raise ValueError(_no_numbers(columns, unit))
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


def _no_numbers(columns: Columns, unit: Unit) -> str:
    """Return why a model can have no place in float64."""
    least = 1.0 if columns.scale is None else columns.scale.min()
    return (
        f"the coefficients overflow, since `y` has a standard deviation of {unit.spread:.2g} and a "
        f"column of X values of about {least:.2g}; divide y, or multiply X, by a power of ten"
    )


def _fit_into_single(numbers: Doubles) -> bool:
    """Tell whether float32 holds the numbers, but for those that are nothing beside others."""
    largest = float(np.abs(numbers).max(initial=0.0))
    return largest == 0 or _LEAST < largest < _LARGEST


# Told machines, numbers of the unit (objective, validation, …): whether to stop.
Listener = Callable[[Callable[[], list[Machine]], float, float], bool]


@dataclass(frozen=True)
class Settings:
    """Parameters of an estimator as solvers take them, in their units; None is "auto"."""

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
    """All that a solver needs.

    Attributes
    ----------
    table : Table
    held_out : Table or None
        Validation rows, to stop by unless `only_tells`.
    loss : {"squared_error", "log_loss", "ordered_probit", "bpr"}
        Targets of "log_loss" are -1 and 1, or class numbers for more than two; of
        "ordered_probit" levels from 0 on; of "bpr" -1 and 1.
    n_classes : int
        Classes or levels; 0 for numbers.
    settings : Settings
    key : ndarray of shape (2,), uint64
    start : list of Machine, or None
        Where to begin: one for each output.
    dtype : dtype
        Of the rows as they came.
    n_threads : int
    is_of_item : ndarray of shape (n_columns,), bool, or None
        Of "bpr": the columns that describe an item.
    rounds_weights : bool
        Whether weights hold those of classes, which need not be whole numbers.
    whole : Table or None
        All rows, where those of `held_out` were taken from them.
    fields : ndarray of shape (n_fields + 1,), or None
        Bounds of the fields of all rows; None where batches are learned.
    only_tells : bool
        Whether the loss of `held_out` is told in the history, and decides nothing.
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
    only_tells: bool = False

    @property
    def stops_early(self) -> bool:
        """Whether validation rows decide when to stop."""
        return self.held_out is not None and not self.only_tells

    @property
    def n_outputs(self) -> int:
        """Number of machines."""
        return self.n_classes if self.loss == "log_loss" and self.n_classes > 2 else 1


@dataclass(frozen=True)
class Outcome:
    """A fit.

    Attributes
    ----------
    machines : list of Machine
        One for each output.
    n_iter : int
    history : mapping of str to sequence
        `objective` and `validation`, and extras, one entry for each of `n_iter`.
    objective : float
    hyper : mapping of str to ndarray
        Traces of what the sampler drew beside the machine.
    state : mapping of str to arrays and numbers, or None
        What stochastic learning goes on from.
    fall : float
        The share by which the loss still fell, above `tol`, when iterations ran out; 0 if the
        solver has converged, or has nothing to converge to.
    is_lost : bool
        Whether no epoch of stochastic steps did better than the first, and the last far worse.
    rate : float or None
        The rate of stochastic steps, which may have been tried.
    constant : float or None
        Where rows are held out to stop stochastic steps by: their loss without columns.
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
    """Return the largest share by which one of the last iterations lowered the least loss."""
    least = np.minimum.accumulate(np.asarray(losses, dtype=np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        falls = (least[:-1] - losses[1:]) / np.abs(least[:-1])
    falls = np.concatenate([[1.0], np.nan_to_num(falls)])  # the first one lowers all
    return float(max(falls[-patience:].max(), 0.0))


def require_room(n_columns: int, n_factors: int, n_machines: int = 1) -> None:
    """Raise MemoryError if a model, and a copy in units of X, can have no place."""
    require_memory(
        16 * n_machines * n_columns * (n_factors + 1),
        f"A model of {n_columns} columns with n_factors={n_factors}",
        "lower `n_factors`, or hash columns into fewer",
    )
