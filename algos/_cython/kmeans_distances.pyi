from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def center_distances(
    X: NDArray[Real],
    shift: NDArray[Real],
    shifted: NDArray[Real],
    centers: NDArray[Real],
    out: NDArray[Real],
    n_threads: int,
) -> None: ...
