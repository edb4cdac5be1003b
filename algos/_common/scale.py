"""Data whose squares leave the range of its dtype, brought into it by a power of two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_safe(squares: float, dtype: Any) -> bool:
    """Tell whether a sum of squares, and sums of many like it, stay well inside `dtype`.

    Zero does not: it may be what has become of tiny numbers.
    """
    limit = 2.0 ** (np.finfo(dtype).maxexp // 2)  # 2**64 for float32, 2**512 for float64
    return 1 / limit <= squares <= limit


def exponent_of(array: NDArray[Any]) -> int:
    """Return e such that the largest magnitude in array / 2**e is in [0.5, 1)."""
    peak = max(abs(float(array.max())), abs(float(array.min())))
    return int(np.frexp(peak)[1]) if peak > 0 else 0


def scaled(array: NDArray[Any], exponent: int) -> NDArray[Any]:
    """Return array / 2**exponent; the array itself if that changes nothing."""
    return np.ldexp(array, -exponent) if exponent else array
