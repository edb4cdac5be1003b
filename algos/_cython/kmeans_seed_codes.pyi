from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def try_candidates_coded(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    candidates: NDArray[Real],
    squares: NDArray[Real],
    step: float,
    codes: NDArray[np.uint8],
    norms: NDArray[np.float32],
    errors: NDArray[np.float32],
    masks: NDArray[np.uint64],
    listed: NDArray[Real],
    count: NDArray[np.intp],
    gains: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def add_center_coded(
    X: NDArray[Real],
    shift: NDArray[Real],
    center: NDArray[Real],
    squares: NDArray[Real],
    step: float,
    codes: NDArray[np.uint8],
    norms: NDArray[np.float32],
    errors: NDArray[np.float32],
    known: NDArray[np.uint64],
    chosen: int,
    n_threads: int,
) -> None: ...
