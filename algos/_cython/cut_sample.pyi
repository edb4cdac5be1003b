import numpy as np
from numpy.typing import NDArray

def draw(
    key: NDArray[np.uint64],
    clock: NDArray[np.int64],
    rows: NDArray[np.int64],
    keys: NDArray[np.float64],
    n_rows: int,
    decay: float,
    first_stream: int,
    n_threads: int,
) -> None: ...
