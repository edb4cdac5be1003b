from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def scatter_matrix(
    X: NDArray[Real],
    shift: NDArray[Real],
    products: NDArray[np.float64],
    sums: NDArray[np.float64],
    n_threads: int,
) -> None: ...
