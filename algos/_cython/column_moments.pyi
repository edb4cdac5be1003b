from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def column_moments(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    origin: NDArray[Real],
    moments: NDArray[np.float64],
    n_threads: int,
) -> None: ...
