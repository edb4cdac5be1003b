from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def encode_rows(
    X: NDArray[Real],
    shift: NDArray[Real],
    step: float,
    codes: NDArray[np.uint8],
    norms: NDArray[np.float32],
    errors: NDArray[np.float32],
    n_threads: int,
) -> None: ...
