from typing import Any

import numpy as np
from numpy.typing import NDArray

LIMIT: float

def scale_rows(
    X: NDArray[Any],
    unit: NDArray[np.float64],
    center: NDArray[np.float64],
    factor: NDArray[np.float64],
    out: NDArray[np.float32],
    n_threads: int = 1,
) -> None: ...
def normalize_rows(
    X: NDArray[Any],
    unit: NDArray[np.float64],
    weight: NDArray[np.float64],
    running: NDArray[np.float64],
    out: NDArray[np.float32],
    decay: float,
    clip: float,
    learns: bool,
) -> None: ...
