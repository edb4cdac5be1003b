from typing import Any

import numpy as np
from numpy.typing import NDArray

def unit_rows(
    X: NDArray[Any], out: NDArray[Any], directed: NDArray[np.uint8], n_threads: int
) -> None: ...
def unit_rows_csr(
    values: NDArray[Any],
    indptr: NDArray[Any],
    out: NDArray[Any],
    directed: NDArray[np.uint8],
    n_threads: int,
) -> None: ...
