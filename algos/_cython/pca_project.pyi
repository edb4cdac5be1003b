from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def project(
    X: NDArray[Real],
    shift: NDArray[Real],
    vectors: NDArray[Real],
    offset: NDArray[Real],
    out: NDArray[Real],
    by_columns: bool,
    n_threads: int,
) -> None: ...
