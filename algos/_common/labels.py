"""Class labels: validation, encoding as class indices, and class weights."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from algos._common.arrays import Float64Array, IndexArray
from algos._common.checked import assert_all_finite
from algos._common.nonfinite import located
from algos._common.params import Interval

_LEAST_SHARE = 1e-300  # of a class; the weight that balances a smaller one would overflow


class ClassWeights:
    """A mapping from labels to positive numbers."""

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        factor = Interval(Real, 0, None, closed="neither")
        return all(factor.accepts(one) and one < np.inf for one in value.values())

    def __str__(self) -> str:
        return "a dict from label to positive number"


def class_labels(y: ArrayLike, name: str = "y") -> NDArray[Any]:
    """Return y as a 1-D array of labels."""
    if _is_plain(y):
        return np.asarray(y)
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    try:
        assert_all_finite(labels, input_name=name)
        check_classification_targets(labels)
    except (TypeError, ValueError) as error:
        if isinstance(error, ValueError) and "Unknown label type" not in str(error):
            raise
        missing = _missing(labels, name)
        if missing is not None:
            raise missing from None
        if isinstance(error, ValueError):
            raise
        raise _unsortable(name, error) from error
    return labels


def distinct_classes(classes: ArrayLike) -> NDArray[Any]:
    """Return the argument `classes` of `partial_fit`, sorted and without repetitions."""
    labels = np.asarray(classes)
    try:
        return np.unique(labels)
    except TypeError as error:
        raise _missing(labels, "classes") or _unsortable("classes", error) from None


def _missing(labels: NDArray[Any], name: str) -> ValueError | None:
    """Return the error for labels among which one is missing, if so."""
    return located(ValueError("Input contains NaN, None or NA."), labels, input_name=name)


def _unsortable(name: str, error: Exception) -> ValueError:
    return ValueError(
        f"`{name}` holds labels that cannot be sorted, such as numbers among strings ({error}); "
        f"give all labels one type"
    )


def _is_plain(y: Any) -> bool:
    """Return whether scikit-learn's checks, which are slow for few rows, can be skipped.

    They warn if there are so many labels that y may be a regression target.
    """
    if type(y) is not np.ndarray or y.dtype.kind not in "biu" or y.ndim != 1 or len(y) == 0:
        return False
    return int(y.max()) - int(y.min()) < len(y) / 2


def require_two_classes(classes: NDArray[Any]) -> None:
    """Raise ValueError if there are fewer than two classes."""
    if len(classes) < 2:
        raise ValueError(
            f"This solver needs samples of at least 2 classes in the data, but the data "
            f"contains only one class: {classes.tolist()[0]!r}; give rows of another class"
        )


def encoded_classes(labels: NDArray[Any], classes: NDArray[Any], name: str = "y") -> Float64Array:
    """Return -1 and 1 for two classes, class indices for more, as float64.

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    if len(classes) == 2:
        is_second = labels == classes[1]
        if (is_second | (labels == classes[0])).all():
            return np.where(is_second, 1.0, -1.0)
    places = np.searchsorted(classes, labels)
    places[places == len(classes)] = 0
    unknown = classes[places] != labels
    if unknown.any():
        raise ValueError(
            f"`{name}` holds the label {labels[unknown].tolist()[0]!r}, which must be one of the "
            f"classes {classes.tolist()}; drop its rows, or include it in fit"
        )
    return np.where(places > 0, 1.0, -1.0) if len(classes) == 2 else places.astype(np.float64)


def class_numbers(codes: Float64Array, n_classes: int) -> IndexArray:
    """Return the indices into `classes` of labels that `encoded_classes` returned."""
    return (codes > 0 if n_classes == 2 else codes).astype(np.intp)


def class_decided(decisions: NDArray[Any], classes: NDArray[Any]) -> NDArray[Any]:
    """Return the class of each row, from decision values of shape (n,) or (n, n_classes)."""
    if decisions.ndim == 1:
        return classes[(decisions > 0).astype(np.intp)]
    return classes[decisions.argmax(axis=1)]


def check_known_classes(class_weight: Mapping[Any, float], classes: NDArray[Any]) -> None:
    """Raise ValueError if a mapping names an unknown class."""
    known = classes.tolist()
    unknown = [label for label in class_weight if label not in known]
    if unknown:
        raise ValueError(
            f"`class_weight` names the class {unknown[0]!r}, which must be one of {known}; "
            f"remove it"
        )


def class_factors(class_weight: Any, classes: NDArray[Any], sums: NDArray[Any]) -> Float64Array:
    """Return the factor by which the weights of each class are multiplied.

    Parameters
    ----------
    class_weight : mapping or str
        A mapping from labels to factors, 1 for missing ones; or any string, which gives each class
        the same total weight (factor 1 for a class not seen yet).
    classes : ndarray of shape (n_classes,)
    sums : ndarray of shape (n_classes,)
        Total weight of the rows of each class.
    """
    if isinstance(class_weight, Mapping):
        return np.array([float(class_weight.get(label, 1.0)) for label in classes.tolist()])
    total, is_met = sums.sum(), sums > 0
    counted = np.where(is_met, np.maximum(sums, _LEAST_SHARE * total), 1.0)
    return np.where(is_met, total / (len(sums) * counted), 1.0)
