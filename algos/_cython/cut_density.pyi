import numpy as np
from numpy.typing import NDArray

def separation_sums(
    nodes: NDArray[np.int32],
    parent: NDArray[np.int32],
    mass: NDArray[np.int32],
    boxes: NDArray[np.float32],
    spans: NDArray[np.float32],
    points: NDArray[np.float32],
    heads: NDArray[np.int32],
    d: int,
    rows: NDArray[np.float32],
    sums: NDArray[np.float64],
    n_threads: int,
) -> None: ...
