from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def own_distances(
    X: NDArray[Real],
    centers: NDArray[Real],
    labels: NDArray[np.int32],
    out: NDArray[np.float64],
    n_threads: int,
) -> None: ...
