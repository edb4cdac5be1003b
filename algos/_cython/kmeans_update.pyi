from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def sum_by_label(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    labels: NDArray[np.int32],
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def sums_to_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], old: NDArray[np.float64]
) -> None: ...
def square_of_move(old: NDArray[np.float64], new: NDArray[np.float64]) -> float: ...
