import numpy as np
from numpy.typing import NDArray

def impute_rows(
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
    quantiles: NDArray[np.float64],
    out: NDArray[np.float32],
    n_threads: int,
) -> None: ...
def _test_nearest_leaves(
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
) -> None: ...
