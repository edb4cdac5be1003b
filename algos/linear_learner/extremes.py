"""Streams of values near the ends of double's range: learned in numbers, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from algos.linear_learner.problem import Doubles

_LARGEST = float(np.finfo(np.float64).max)
_HALF = 600  # exponent that leaves products of any two numbers in range


@contextmanager
def noticing() -> Iterator[list[str]]:
    """Yield a list of what numpy would else warn of: nobody need look for what is not there."""
    noticed: list[str] = []
    with np.errstate(
        over="call", divide="call", invalid="call", call=lambda what, _: noticed.append(what)
    ):
        yield noticed


def check_numbers(parts: Mapping[str, Any], may_be_infinite: tuple[str, ...] = ()) -> None:
    """Raise ValueError if a part of a state is no finite number; of those named, if it is NaN."""
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
    """Return values with the largest numbers in the place of infinities."""
    return np.clip(values, -_LARGEST, _LARGEST)


def product(coef: Doubles, values: Doubles) -> Doubles:
    """Return coef · values, (..., d) with (d,), in finite numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        found: Doubles = coef @ values
        if np.isfinite(found).all():
            return found
        small: Doubles = np.ldexp(coef, -_HALF) @ np.ldexp(values, -_HALF)
        return np.asarray(clipped(np.ldexp(small, 2 * _HALF)))
