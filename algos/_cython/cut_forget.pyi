import numpy as np
from numpy.typing import NDArray

def forget(
    row: NDArray[np.float32],
    key: NDArray[np.uint64],
    decay: float,
    nodes: NDArray[np.int32],
    parent: NDArray[np.int32],
    mass: NDArray[np.int32],
    boxes: NDArray[np.float32],
    spans: NDArray[np.float32],
    points: NDArray[np.float32],
    heads: NDArray[np.int32],
    d: int,
    keys: NDArray[np.float64],
    leaves: NDArray[np.int32],
    clock: NDArray[np.int64],
    coming: NDArray[np.float64],
) -> int: ...
