from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def assign_quantized(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    shifted: NDArray[Real],
    step: float,
    codes: NDArray[np.uint8],
    norms: NDArray[np.float32],
    errors: NDArray[np.float32],
    labels: NDArray[np.int32],
    sums: NDArray[np.float64] | None,
    counts: NDArray[np.float64] | None,
    gaps: NDArray[np.uint16] | None,
    fall: NDArray[np.int32] | None,
    per_gap: float,
    n_threads: int,
) -> tuple[int, int, int]: ...
