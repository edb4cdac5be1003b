import numpy as np
from numpy.typing import NDArray

def exchange(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    labels: NDArray[np.int32],
    centers: NDArray[np.float64],
    totals: NDArray[np.float64],
    gram: NDArray[np.float64] | None,
    products: NDArray[np.float64] | None,
    max_passes: int,
) -> int: ...
