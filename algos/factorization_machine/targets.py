"""Targets: numbers in the solvers' unit, labels as class numbers, weights of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length

from algos._common.params import Interval
from algos._common.scale import exponent_of, weights_in_range

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Unit:
    """What a regression's targets were made of: y = centre + spread * target."""

    centre: float = 0.0
    spread: float = 1.0

    def of(self, y: Any) -> Any:
        """Return targets in this unit."""
        return (y - self.centre) / self.spread

    def back(self, scores: Any) -> Any:
        """Return scores in the units of y."""
        return scores * self.spread + self.centre


class ClassWeights:
    """A mapping from labels to positive numbers."""

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        factor = Interval(Real, 0, None, closed="neither")
        return all(factor.accepts(one) and one < np.inf for one in value.values())

    def __str__(self) -> str:
        return "a dict from label to positive number"


def require_target(estimator: Any, X: Any, y: Any) -> None:
    """Raise scikit-learn's error if there is no y, or not one for each row of X."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
    check_consistent_length(X, y)


def numbers(y: ArrayLike, name: str = "y") -> Doubles:
    """Return y as float64 of shape (n,)."""
    checked = check_array(y, ensure_2d=False, dtype=np.float64, order="C", input_name=name)
    column: Doubles = column_or_1d(checked, warn=True)
    return column


def unit_of(y: Doubles, weight: Doubles | None) -> Unit:
    """Return mean and deviation of targets; a deviation of 1 if all are alike."""
    centre, spread = moments_of(y, weight)
    return Unit(centre, spread or 1.0)


def moments_of(y: Doubles, weight: Doubles | None) -> tuple[float, float]:
    """Return mean and deviation of targets, summed in an order of their own."""
    order = np.lexsort((y,) if weight is None else (weight, y))
    # Of extreme numbers squares are none, so they are brought near 1 first.
    exponent = exponent_of(y)
    scaled = np.ldexp(y[order], -exponent)
    weight, _ = weights_in_range(weight)
    counted = np.ones(len(y)) if weight is None else weight[order]
    # Copies and weights must give the same sums: equal targets are one, counted together.
    first = np.flatnonzero(np.diff(scaled, prepend=np.nan) != 0)
    scaled, counted = scaled[first], np.add.reduceat(counted, first)
    total = counted.sum()
    centre = float(counted @ scaled / total)
    if len(scaled) == 1:
        return float(y[0]), 0.0
    spread = float(np.sqrt(counted @ (scaled - centre) ** 2 / total))
    return float(np.ldexp(centre, exponent)), float(np.ldexp(spread, exponent))


def labels(y: ArrayLike, name: str = "y") -> NDArray[Any]:
    """Return y as a 1-D array of labels."""
    column: NDArray[Any] = column_or_1d(y, warn=True)
    assert_all_finite(column, input_name=name)
    check_classification_targets(column)
    return column


def group_numbers(groups: ArrayLike) -> NDArray[np.int64]:
    """Return the number of each row's group, from 0 on.

    Raises
    ------
    ValueError
        If a group is missing, or their names have no order.
    """
    column = column_or_1d(groups)
    assert_all_finite(column, input_name="groups")
    try:
        return np.unique(column, return_inverse=True)[1].astype(np.int64)
    except TypeError:
        raise ValueError("`groups` must be all strings or all numbers; name each alike") from None


def class_numbers(column: NDArray[Any], classes: NDArray[Any], name: str = "y") -> Doubles:
    """Return -1 and 1 for two classes, else class numbers.

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    places = np.searchsorted(classes, column)
    places[places == len(classes)] = 0
    unknown = classes[places] != column
    if unknown.any():
        raise ValueError(
            f"`{name}` holds the label {column[unknown].tolist()[0]!r}, which must be one of the "
            f"classes {classes.tolist()}; leave its rows out, or fit with it"
        )
    return np.where(places > 0, 1.0, -1.0) if len(classes) == 2 else places.astype(np.float64)


def require_two(classes: NDArray[Any]) -> None:
    """Raise ValueError if there is nothing to tell apart."""
    if len(classes) < 2:
        raise ValueError(
            f"This solver needs samples of at least 2 classes in the data, but the data "
            f"contains only one class: {classes.tolist()[0]!r}; give rows of another class"
        )


def require_choices(classes: NDArray[Any]) -> None:
    """Raise ValueError unless labels tell what was taken from what was not."""
    if len(classes) == 1:
        raise ValueError(
            f"`y` with the one class {classes.tolist()[0]!r} must have two for loss='bpr'; give "
            f"`item_features`, from which rows that were not taken are drawn, or such rows"
        )
    if len(classes) > 2:
        raise ValueError(
            f"`y` with {len(classes)} classes must have two for loss='bpr', not taken and taken; "
            f"rank by numbers with FactorizationMachineRegressor, or make two classes of them"
        )


def class_factors(
    class_weight: Any, classes: NDArray[Any], codes: Doubles, weight: Doubles | None
) -> Doubles | None:
    """Return what the weight of each row is multiplied by; None for 1."""
    if class_weight is None:
        return None
    places = np.searchsorted(np.unique([-1.0, 1.0]), codes) if len(classes) == 2 else codes
    places = places.astype(np.intp)
    if isinstance(class_weight, Mapping):
        known = classes.tolist()
        for label in class_weight:
            if label not in known:
                raise ValueError(
                    f"`class_weight` names {label!r}, which must be one of the classes {known}"
                    f"; leave it out"
                )
        factors = np.array([float(class_weight.get(label, 1.0)) for label in known])
    else:
        sums = np.bincount(places, weight, minlength=len(classes)).astype(np.float64)
        factors = sums.sum() / (len(classes) * np.where(sums > 0, sums, 1.0))
    each: Doubles = factors[places]
    return each
