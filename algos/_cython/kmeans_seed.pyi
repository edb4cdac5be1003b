from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def try_candidates(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    candidates: NDArray[Real],
    distances: NDArray[Real],
    closest: int,
    room: NDArray[np.intp] | None,
    potentials: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def bucket_sums(
    values: NDArray[Real],
    weight: NDArray[np.float64] | None,
    bucket: NDArray[np.uint16],
    sums: NDArray[np.float64],
    n_threads: int,
) -> None: ...
