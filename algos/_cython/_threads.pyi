import numpy as np
from numpy.typing import NDArray

def _test_region(
    visits: NDArray[np.intp], slots: NDArray[np.intc], spin: int, n_threads: int
) -> None: ...
