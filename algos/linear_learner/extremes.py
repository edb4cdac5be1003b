"""Streams of values near the limits of float64: learned without overflow, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array

_LARGEST = float(np.finfo(np.float64).max)
_HALF = 600  # exponent that leaves products of any two numbers in range


@contextmanager
def noticing() -> Iterator[list[str]]:
    """Yield a list of numpy's floating-point warnings: results are checked only if it has any."""
    noticed: list[str] = []
    with np.errstate(
        over="call", divide="call", invalid="call", call=lambda what, _: noticed.append(what)
    ):
        yield noticed


def check_numbers(parts: Mapping[str, Any], may_be_infinite: tuple[str, ...] = ()) -> None:
    """Raise ValueError if a part of a state is not finite; parts named may be infinite, not NaN."""
    for name, value in parts.items():
        if isinstance(value, Mapping):
            check_numbers(value, may_be_infinite)
        elif isinstance(value, float) or (
            isinstance(value, np.ndarray) and value.dtype.kind == "f"
        ):
            is_right = ~np.isnan(value) if name in may_be_infinite else np.isfinite(value)
            if not np.all(is_right):
                raise ValueError(
                    "the values of X, y and sample_weight must be less extreme: statistics of "
                    "them overflow float64; rescale them first"
                )


def clipped(values: Any) -> Any:
    """Return values with infinities replaced by the largest numbers."""
    return np.clip(values, -_LARGEST, _LARGEST)


def product(coef: Float64Array, values: Float64Array) -> Float64Array:
    """Return coef · values, (..., d) with (d,), clipped to finite numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        found: Float64Array = coef @ values
        if np.isfinite(found).all():
            return found
        small: Float64Array = np.ldexp(coef, -_HALF) @ np.ldexp(values, -_HALF)
        return np.asarray(clipped(np.ldexp(small, 2 * _HALF)))
