from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)
Index = TypeVar("Index", np.int32, np.int64)

def csr_moments(
    data: NDArray[Real],
    indices: NDArray[Index],
    indptr: NDArray[Index],
    shift: NDArray[np.float64],
    moments: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def csr_scatter_matrix(
    data: NDArray[Real],
    indices: NDArray[Index],
    indptr: NDArray[Index],
    shift: NDArray[np.float64],
    bounds: NDArray[np.intp],
    products: NDArray[np.float64],
    n_threads: int,
) -> None: ...
