from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

def fm_scores(
    values: NDArray[Any] | None,
    indices: NDArray[np.int32] | None,
    indptr: NDArray[np.int64] | None,
    intercept: Doubles,
    linear: NDArray[Any],
    factors: NDArray[Any],
    out: Doubles,
    n_threads: int,
) -> None: ...
def fm_sums(
    values: NDArray[Any] | None,
    indices: NDArray[np.int32] | None,
    indptr: NDArray[np.int64] | None,
    factors: NDArray[Any],
    out: Doubles,
    n_threads: int,
) -> None: ...
