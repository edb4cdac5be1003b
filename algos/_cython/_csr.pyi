from typing import Any

import numpy as np
from numpy.typing import NDArray

class CsrRows:
    def __init__(
        self, values: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], n_columns: int
    ) -> None: ...

def _test_choose_level(limit: int) -> None: ...
def _test_products(
    rows: CsrRows, centers: NDArray[np.float64], out: NDArray[np.float64], by_slots: bool
) -> None: ...
