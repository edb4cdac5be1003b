import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

def sum_by_label(
    rows: CsrRows,
    weight: NDArray[np.float64] | None,
    labels: NDArray[np.int32],
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    n_threads: int,
) -> None: ...
