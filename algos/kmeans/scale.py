"""Data whose squares leave the range of its dtype, brought into it by a power of two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def safe_exponent(*arrays: NDArray[Any]) -> int:
    """Return e such that values / 2**e have squares (and sums of them) that are numbers.

    It is 0 for all data but the most extreme.
    """
    peak = max(max(abs(float(a.max())), abs(float(a.min()))) for a in arrays)
    limit = np.finfo(arrays[0].dtype).maxexp // 4  # 32 for float32, 256 for float64
    exponent = int(np.frexp(peak)[1])
    return exponent if peak > 0 and abs(exponent) > limit else 0


def scaled(array: NDArray[Any], exponent: int) -> NDArray[Any]:
    """Return array / 2**exponent; the array itself if that changes nothing."""
    return np.ldexp(array, -exponent) if exponent else array
