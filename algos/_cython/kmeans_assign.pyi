from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def assign(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    shifted: NDArray[Real],
    centers: NDArray[Real] | None,
    slack: float,
    labels: NDArray[np.int32],
    sums: NDArray[np.float64] | None,
    counts: NDArray[np.float64] | None,
    distances: NDArray[np.float64] | None,
    measure: bool,
    n_threads: int,
) -> tuple[float, int]: ...
def shift_centers(centers: NDArray[Real], shift: NDArray[Real], shifted: NDArray[Real]) -> None: ...
