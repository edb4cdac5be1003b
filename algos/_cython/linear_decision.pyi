from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

Real = TypeVar("Real", np.float32, np.float64)
Doubles = NDArray[np.float64]

def dense_decision(
    X: NDArray[Real],
    shift: Doubles | None,
    vectors: Doubles,
    offset: Doubles,
    out: Doubles,
    n_threads: int,
) -> None: ...
def sparse_decision(
    rows: CsrRows, vectors: Doubles, offset: Doubles, out: Doubles, n_threads: int
) -> None: ...
