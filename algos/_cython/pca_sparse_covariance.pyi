import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

def csr_moments(
    rows: CsrRows, shift: NDArray[np.float64], moments: NDArray[np.float64], n_threads: int
) -> None: ...
def csr_scatter_matrix(
    rows: CsrRows,
    shift: NDArray[np.float64],
    bounds: NDArray[np.intp],
    products: NDArray[np.float64],
    n_threads: int,
) -> None: ...
