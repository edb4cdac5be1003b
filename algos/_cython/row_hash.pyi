from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

def column_factors(key: Words, factors: Words) -> int: ...
def add_dense(X: NDArray[Any], factors: Words, sums: Words, n_threads: int) -> None: ...
def add_csr(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[Any],
    factors: Words,
    sums: Words,
    n_threads: int,
) -> None: ...
def add_target(y: NDArray[np.float64], factor: int, sums: Words) -> None: ...
def finish(key: Words, sums: Words) -> None: ...
