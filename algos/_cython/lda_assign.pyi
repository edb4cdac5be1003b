import numpy as np
from numpy.typing import NDArray

def assign_topics(
    starts: NDArray[np.int64],
    words: NDArray[np.int32],
    rows: NDArray[np.float32],
    inverses: NDArray[np.float32],
    prior: NDArray[np.float32],
    n_topics: int,
    key: NDArray[np.uint64],
    step: int,
    n_sweeps: int,
    topics: NDArray[np.int32],
    numbers: NDArray[np.float32],
    n_threads: int,
) -> None: ...
