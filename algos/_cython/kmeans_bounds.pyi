from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def assign_bounded(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    shifted: NDArray[Real],
    drift: NDArray[np.float64],
    slack: float,
    tighten: bool,
    labels: NDArray[np.int32],
    upper: NDArray[Real],
    lower: NDArray[Real],
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    n_threads: int,
) -> tuple[int, int]: ...
