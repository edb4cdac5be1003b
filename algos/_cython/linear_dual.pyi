from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython.linear_lines import Lines

def sweep_rows(
    rows: Lines,
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
    curvature: NDArray[np.float64],
    loss: int,
    parameter: float,
    step: float,
    intercept_step: float,
    key: NDArray[np.uint64],
    epoch: int,
    order: NDArray[np.int64],
    pull: NDArray[np.float64],
    coef: NDArray[Any],
    intercept: float,
    gaps: NDArray[np.float64],
) -> tuple[float, float]: ...
def square_norms(rows: Lines, norms: NDArray[np.float64]) -> None: ...
