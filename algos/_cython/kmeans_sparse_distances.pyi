from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython._csr import CsrRows

Doubles = NDArray[np.float64]

def row_norms(rows: CsrRows, norms: Doubles, n_threads: int) -> None: ...
def own_distances(
    rows: CsrRows,
    norms: Doubles,
    weight: Doubles | None,
    centers: Doubles,
    own: Doubles,
    labels: NDArray[np.int32],
    squares: Doubles | None,
    n_threads: int,
) -> float: ...
def center_distances(
    rows: CsrRows,
    norms: Doubles,
    centers: Doubles,
    own: Doubles,
    out: NDArray[Any],
    n_threads: int,
) -> None: ...
def try_candidates(
    rows: CsrRows,
    norms: Doubles,
    weight: Doubles | None,
    candidates: Doubles,
    own: Doubles,
    squares: NDArray[Any],
    lowered: NDArray[Any] | None,
    gains: Doubles,
    n_threads: int,
) -> None: ...
