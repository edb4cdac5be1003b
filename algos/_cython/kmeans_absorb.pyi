import numpy as np
from numpy.typing import NDArray

def absorb(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    rounded: NDArray[np.float64],
    shift: NDArray[np.float64],
    centers: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, float]: ...
