"""Numbers as unevaluated sums of two doubles: 32 digits, for small ill-conditioned problems.

Dekker (1971), "A floating-point technique for extending the available precision".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array, IndexArray

_SPLIT = 2.0**27 + 1


class Pair(NamedTuple):
    """The number high + low, where |low| is at most half a unit in the last place of high."""

    high: Float64Array
    low: Float64Array

    def __neg__(self) -> Pair:
        return Pair(-self.high, -self.low)

    def columns(self, kept: IndexArray) -> Pair:
        """Return some columns of a matrix."""
        return Pair(self.high[:, kept], self.low[:, kept])


def pair(values: Float64Array) -> Pair:
    """Return doubles as pairs."""
    return Pair(values, np.zeros_like(values))


def exact_sum(a: Float64Array, b: Float64Array) -> Pair:
    """Return a + b without error (Knuth)."""
    high = a + b
    part = high - a
    return Pair(high, (a - (high - part)) + (b - part))


def exact_product(a: Float64Array, b: Float64Array) -> Pair:
    """Return a b without error (Veltkamp's halves)."""
    high = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return Pair(high, a2 * b2 - (((high - a1 * b1) - a2 * b1) - a1 * b2))


def _halves(a: Float64Array) -> tuple[Float64Array, Float64Array]:
    scaled = _SPLIT * a
    upper = scaled - (scaled - a)
    return upper, a - upper


def add(a: Pair, b: Pair) -> Pair:
    """Return a + b."""
    high, error = exact_sum(a.high, b.high)
    return exact_sum(high, error + (a.low + b.low))


def multiply(a: Pair, b: Pair) -> Pair:
    """Return a b."""
    high, error = exact_product(a.high, b.high)
    return exact_sum(high, error + (a.high * b.low + a.low * b.high))


def divide(a: Pair, b: Float64Array) -> Pair:
    """Return a / b."""
    high = a.high / b
    product, error = exact_product(high, b)
    return exact_sum(high, (((a.high - product) - error) + a.low) / b)


def total(a: Pair, axis: int) -> Pair:
    """Return the sums over one axis, by halves."""
    high, low = np.moveaxis(a.high, axis, 0), np.moveaxis(a.low, axis, 0)
    while len(high) > 1:
        half, odd = divmod(len(high), 2)
        rest = Pair(high[2 * half :], low[2 * half :])
        high, low = add(
            Pair(high[:half], low[:half]), Pair(high[half : 2 * half], low[half : 2 * half])
        )
        if odd:
            high, low = np.concatenate([high, rest.high]), np.concatenate([low, rest.low])
    return Pair(high[0], low[0])
