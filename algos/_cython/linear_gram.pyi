from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

Real = TypeVar("Real", np.float32, np.float64)
Doubles = NDArray[np.float64]

def weighted_gram(
    X: NDArray[Real],
    shift: NDArray[Real],
    scale: Doubles,
    weight: Doubles,
    target: Doubles,
    out: Doubles,
    n_threads: int,
) -> None: ...
def sparse_gram(
    rows: CsrRows, weight: Doubles, bounds: NDArray[np.intp], out: Doubles, n_threads: int
) -> None: ...
