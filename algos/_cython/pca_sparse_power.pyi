from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)
Index = TypeVar("Index", np.int32, np.int64)

def csr_power_step(
    data: NDArray[Real],
    indices: NDArray[Index],
    indptr: NDArray[Index],
    basis: NDArray[np.float64],
    center: NDArray[np.float64],
    out: NDArray[np.float64],
    sums: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def csr_project(
    data: NDArray[Real],
    indices: NDArray[Index],
    indptr: NDArray[Index],
    vectors: NDArray[np.float64],
    center: NDArray[np.float64],
    out: NDArray[Real],
    n_threads: int,
) -> None: ...
