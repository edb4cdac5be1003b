from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def bound_gains(
    weight: NDArray[np.float64] | None,
    candidates: NDArray[Real],
    squares: NDArray[Real],
    step: float,
    codes: NDArray[np.uint8],
    norms: NDArray[np.float32],
    errors: NDArray[np.float32],
    masks: NDArray[np.uint64],
    bounds: NDArray[np.float64],
    n_threads: int,
) -> None: ...
