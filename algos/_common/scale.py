"""Scaling by powers of two for data whose squares would overflow or underflow."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array
from algos._common.checked import assert_all_finite

_LOST = 32  # squares of numbers below 2**-32 may be lost beside others, in float32
_EXTREME_WEIGHT = 128  # exponent
_FAINT = 800  # exponent of the largest weight over a negligible one


class HasMeanSquare(Protocol):
    """Has the mean of the squares."""

    @property
    def mean_square(self) -> float: ...


Measured = TypeVar("Measured", bound=HasMeanSquare)


def is_safe(squares: float, dtype: Any) -> bool:
    """Return whether a sum of squares, and sums of many such, are well inside the range of `dtype`.

    Zero is not: tiny numbers may have underflowed to it.
    """
    limit = 2.0 ** (np.finfo(dtype).maxexp // 2)  # 2**64 for float32, 2**512 for float64
    return 1 / limit <= squares <= limit


def exponent_of(array: Any) -> int:
    """Return e such that the largest magnitude in array / 2**e is in [0.5, 1)."""
    peak = max(abs(float(array.max())), abs(float(array.min())))
    return int(np.frexp(peak)[1]) if peak > 0 else 0


def exponent_of_weights(weight: Float64Array | None) -> int:
    """Return `exponent_of` the weights if their sums could leave the range, else 0."""
    exponent = 0 if weight is None else exponent_of(weight)
    return exponent if abs(exponent) >= _EXTREME_WEIGHT else 0


def weights_in_range(
    weight: Float64Array | None,
) -> tuple[Float64Array | None, int]:
    """Return (weight / 2**e, e) without faint weights; e is 0 unless sums could leave the range."""
    exponent = exponent_of_weights(weight)
    # Faint weights are raised first: divided by 2**e they would become 0 and drop their rows.
    return scaled(without_faint(weight), exponent), exponent


def without_faint(weight: Float64Array | None) -> Float64Array | None:
    """Return weights, those negligible beside the largest raised to where quotients are finite."""
    if weight is None:
        return None
    least = np.ldexp(weight.max(), -_FAINT)
    is_faint = (weight > 0) & (weight < least)
    return np.where(is_faint, least, weight) if is_faint.any() else weight


def scaled(array: Any, exponent: int) -> Any:
    """Return array (or CSR matrix) / 2**exponent; itself if that changes nothing."""
    if not exponent:
        return array
    if sparse.issparse(array):
        return with_values(array, np.ldexp(array.data, -exponent))
    return np.ldexp(array, -exponent)


def with_values(X: Any, values: NDArray[Any]) -> Any:
    """Return a CSR matrix with the structure of X, which it shares, and other values."""
    other = copy(X)
    other.data = values
    return other


def in_range(
    X: Any, measure: Callable[[Any], Measured], estimator_name: str
) -> tuple[Measured, int]:
    """Return (measure(X / 2**e), e), where e is 0 for all but extreme data.

    `measure` returns an object with a `mean_square`, the mean squared distance of the rows to
    their mean. If that shows that squares overflow or underflow, a scaled copy is measured again.
    NaN and infinity in X, which it shows too, raise scikit-learn's ValueError.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        measured = measure(X)
    if is_safe(measured.mean_square, X.dtype):
        return measured, 0
    assert_all_finite(X, estimator_name=estimator_name, input_name="X")
    exponent = exponent_of(X)
    if measured.mean_square == 0 and abs(exponent) < _LOST:
        return measured, 0  # all rows are equal
    return measure(scaled(X, exponent)), exponent


def unscaled(value: Any, exponent: int) -> Any:
    """Return value * 2**exponent; infinity on overflow."""
    with np.errstate(over="ignore"):
        result = np.ldexp(value, exponent)
    return result if isinstance(value, np.ndarray) else float(result)
