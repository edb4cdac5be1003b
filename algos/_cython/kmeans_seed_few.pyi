from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def seed_few(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    uniforms: NDArray[np.float64],
    n_candidates: int,
    squares: NDArray[Real],
    chosen: NDArray[np.int64],
) -> int: ...
