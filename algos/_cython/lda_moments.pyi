import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]

def sum_panel_rows(
    indptr: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: Singles,
    panel: Singles,
    scale: Doubles | None,
    out: Singles,
    n_threads: int,
) -> None: ...
def add_third_moments(
    y: Singles, f: Singles | None, weights: Doubles | None, out: Doubles, n_threads: int
) -> None: ...
