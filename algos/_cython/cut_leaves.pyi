import numpy as np
from numpy.typing import NDArray

def nearest_leaves(
    nodes: NDArray[np.int32],
    parent: NDArray[np.int32],
    mass: NDArray[np.int32],
    boxes: NDArray[np.float32],
    spans: NDArray[np.float32],
    points: NDArray[np.float32],
    heads: NDArray[np.int32],
    d: int,
    key: NDArray[np.uint64],
    rows: NDArray[np.float32],
    leaves: NDArray[np.int32],
    distances: NDArray[np.float64],
    n_threads: int,
) -> None: ...
