"""Types of arrays, for annotations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Float32Array = NDArray[np.float32]
FloatArray = NDArray[Any]  # float32 or float64
Int64Array = NDArray[np.int64]
IndexArray = NDArray[np.intp]
