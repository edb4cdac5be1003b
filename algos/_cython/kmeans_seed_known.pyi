from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def try_known(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    candidate: NDArray[Real],
    squares: NDArray[Real],
    possible: NDArray[np.uint64],
    chosen: int,
    masks: NDArray[np.uint64],
    listed: NDArray[Real],
    count: NDArray[np.intp],
    n_threads: int,
) -> float: ...
def add_center_known(
    X: NDArray[Real],
    shift: NDArray[Real],
    center: NDArray[Real],
    squares: NDArray[Real],
    hits: NDArray[np.uint64],
    chosen: int,
    n_threads: int,
) -> None: ...
