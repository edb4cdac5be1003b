"""Targets: numbers in the solvers' unit, weights, and the labels and groups of ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from algos._common.arrays import Float64Array, Int64Array
from algos._common.checked import assert_all_finite
from algos._common.scale import exponent_of, scaled, weights_in_range, without_faint
from algos._common.targets import checked_numbers
from algos._common.threads import one_thread_blas
from algos._common.validation import check_sample_weight

# Exponents of the largest weights of rows and of classes, so that sums of their products with
# squares fit into float32.
_MOST_WEIGHT, _MOST_FACTOR = 60, 30
_LEAST_WEIGHT = 2.0**-140  # least positive weight beside such


@dataclass(frozen=True)
class Unit:
    """The unit of a regression's targets: y = center + spread * target."""

    center: float = 0.0
    spread: float = 1.0

    def of(self, y: Any) -> Any:
        """Return targets in this unit."""
        # Halves, since the difference of huge numbers overflows; of tiny ones halves lose digits.
        half = 0.5 if self.spread > 1 else 1.0
        return (y * half - self.center * half) / (self.spread * half)

    def back(self, scores: Any) -> Any:
        """Return scores in the units of y."""
        return scores * self.spread + self.center


def numbers(y: ArrayLike, name: str = "y") -> Float64Array:
    """Return y as float64 of shape (n,)."""
    checked = checked_numbers(y, name)
    return checked if checked.ndim == 1 else np.asarray(column_or_1d(checked, warn=True))


def unit_of(y: Float64Array, weight: Float64Array | None) -> Unit:
    """Return mean and deviation of targets as a unit; a deviation of 1 if all are equal."""
    center, spread = moments_of(y, weight)
    return Unit(center, spread or 1.0)


def moments_of(y: Float64Array, weight: Float64Array | None) -> tuple[float, float]:
    """Return mean and deviation of targets, independently of the order of rows."""
    weight, _ = weights_in_range(weight)
    # Copies and weights must give the same sums, so equal targets are counted together.
    if weight is None:
        targets = np.sort(y)
        first = np.flatnonzero(_is_new(targets))
        counted = np.diff(first, append=len(y)).astype(np.float64)
    else:
        order = np.lexsort((weight, y))
        targets = y[order]
        first = np.flatnonzero(_is_new(targets))
        counted = np.add.reduceat(weight[order], first)
    if len(first) == 1:
        return float(y[0]), 0.0
    # Squares of extreme numbers overflow, so all are scaled to about 1.
    exponent = exponent_of(y)
    near = np.ldexp(targets[first], -exponent)
    total = counted.sum()
    with one_thread_blas():  # long products by two threads have other bits
        center = float(counted @ near / total)
        spread = float(np.sqrt(counted @ (near - center) ** 2 / total))
    return float(np.ldexp(center, exponent)), float(np.ldexp(spread, exponent))


def _is_new(ordered: Float64Array) -> NDArray[np.bool_]:
    """Tell which numbers differ from the one before, without differences, which may overflow."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])


def checked_weights(
    sample_weight: Any, n_rows: int, exponent: int = 0
) -> tuple[Float64Array | None, int]:
    """Return weights of shape (n_rows,) divided by 2**e, or None for weights of 1, and e.

    e is `exponent`, that of earlier weights, unless weights would exceed 2**60: beside such
    weights penalties and priors vanish, and only their ratios count.
    """
    weight = check_sample_weight(sample_weight, n_rows)
    if weight is None:
        return (None if not exponent else over_power(np.ones(n_rows), exponent)), exponent
    exponent = max(exponent, exponent_of(weight) - _MOST_WEIGHT)
    return over_power(weight, exponent), exponent


def over_power(weight: Float64Array, exponent: int) -> Float64Array:
    """Return weights divided by 2**exponent; positive ones have a lower bound for quotients."""
    if not exponent:
        return weight
    divided = np.ldexp(weight, -exponent)
    return np.where(weight > 0, np.maximum(divided, _LEAST_WEIGHT), 0.0)


def class_factors_in_range(factors: Float64Array) -> Float64Array:
    """Return class weights, divided by a power of two if products with weights could overflow."""
    excess = exponent_of(factors) - _MOST_FACTOR
    if excess <= 0:
        return factors
    divided: Float64Array = scaled(without_faint(factors), excess)
    return divided


def group_numbers(groups: ArrayLike) -> Int64Array:
    """Return the number of each row's group, from 0 on.

    Raises
    ------
    ValueError
        If a group is missing, or the groups cannot be sorted.
    """
    column = column_or_1d(groups)
    assert_all_finite(column, input_name="groups")
    try:
        return np.unique(column, return_inverse=True)[1].astype(np.int64)
    except TypeError:
        raise ValueError(
            "`groups` must be all strings or all numbers; convert them to one type"
        ) from None


def require_choices(classes: NDArray[Any]) -> None:
    """Raise ValueError unless there are two classes, not taken and taken."""
    if len(classes) == 1:
        raise ValueError(
            f"`y` with the one class {classes.tolist()[0]!r} must have two for loss='bpr'; add "
            f"rows of items not taken, or give `item_features`, by which such rows are drawn"
        )
    if len(classes) > 2:
        raise ValueError(
            f"`y` with {len(classes)} classes must have two for loss='bpr', not taken and taken; "
            f"group them into two, or rank by numbers with FactorizationMachineRegressor"
        )
