from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def power_step(
    X: NDArray[Real],
    shift: NDArray[Real],
    basis: NDArray[Real],
    out: NDArray[np.float64],
    n_threads: int,
) -> None: ...
