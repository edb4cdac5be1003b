from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

Real = TypeVar("Real", np.float32, np.float64)

def csr_power_step(
    rows: CsrRows,
    basis: NDArray[np.float64],
    center: NDArray[np.float64],
    out: NDArray[np.float64],
    sums: NDArray[np.float64],
    is_short: bool,
    n_threads: int,
) -> None: ...
def csr_project(
    rows: CsrRows,
    vectors: NDArray[np.float64],
    center: NDArray[np.float64],
    out: NDArray[Real],
    n_threads: int,
) -> None: ...
