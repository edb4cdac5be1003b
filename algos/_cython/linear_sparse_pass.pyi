import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

Doubles = NDArray[np.float64]

def sparse_pass(
    rows: CsrRows,
    scale: Doubles,
    coef: Doubles,
    intercept: Doubles,
    target: Doubles,
    weight: Doubles,
    code: int,
    parameter: float,
    gradient: Doubles,
    sums: Doubles,
    n_threads: int,
) -> None: ...
def sparse_cross(
    rows: CsrRows,
    scale: Doubles,
    values: Doubles,
    products: Doubles,
    sums: Doubles,
    n_threads: int,
) -> None: ...
