import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

Doubles = NDArray[np.float64]

def assign(
    rows: CsrRows,
    norms: Doubles,
    weight: Doubles | None,
    centers: Doubles,
    half_norms: Doubles,
    labels: NDArray[np.int32],
    sums: Doubles | None,
    counts: Doubles | None,
    n_threads: int,
) -> int: ...
