import numpy as np
from numpy.typing import NDArray

def merge_rounding(d: int, n_merges: int) -> float: ...
def merge_closest(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    products: NDArray[np.float64] | None,
    pairs: NDArray[np.intp],
    costs: NDArray[np.float64],
    n_threads: int,
) -> float: ...
