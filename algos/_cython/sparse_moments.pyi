import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

Doubles = NDArray[np.float64]

def sparse_moments(
    rows: CsrRows, weight: Doubles, shift: Doubles, moments: Doubles, n_threads: int
) -> None: ...
