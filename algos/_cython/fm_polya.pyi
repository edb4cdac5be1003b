from typing import Any

import numpy as np
from numpy.typing import NDArray

def polya_gammas(
    scores: NDArray[Any],
    levels: NDArray[np.int32],
    copies: NDArray[np.int32] | None,
    key: NDArray[np.uint64] | None,
    target: NDArray[Any],
    weight: NDArray[Any],
    step: int,
    n_threads: int,
) -> None: ...
