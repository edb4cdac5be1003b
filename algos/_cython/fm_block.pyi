from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Bounds = NDArray[np.int64]
Places = NDArray[np.int32]

class Block:
    def __init__(
        self,
        indptr: Bounds,
        indices: Places,
        row_values: NDArray[Any] | None,
        starts: Bounds,
        rows: Places,
        values: NDArray[Any] | None,
        partners: Places | None,
        tasks: Bounds,
        field_tasks: Bounds,
        factors: NDArray[Any],
        linear: NDArray[Any],
        errors: NDArray[Any],
        sums: NDArray[Any] | None,
        n_factors: int,
    ) -> None: ...
    def sweep(
        self,
        weights: NDArray[Any] | None,
        groups: Places,
        means: Doubles,
        penalties: Doubles,
        key: NDArray[np.uint64] | None,
        precision: float,
        sweep: int,
        n_threads: int,
    ) -> None: ...
    def restore(self, target: NDArray[Any], intercept: float, n_threads: int) -> None: ...

def group_moments(
    factors: NDArray[Any],
    linear: NDArray[Any],
    groups: Places,
    centers: Doubles,
    sums: Doubles,
    squares: Doubles,
) -> None: ...
def _test_normals(key: NDArray[np.uint64], out: Doubles, step: int) -> None: ...
def _test_choose_level(limit: int) -> int: ...
