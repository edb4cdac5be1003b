from typing import Any

import numpy as np
from numpy.typing import NDArray

def learn(
    rows: NDArray[np.float32],
    stride: int,
    n_rows: int,
    first_scored: int,
    key: NDArray[np.uint64],
    decay: NDArray[np.float64],
    next_decay: float,
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
    method: int,
    scores: NDArray[np.float64] | None,
    shared: int,
    shares: NDArray[np.float64] | None,
    n_threads: int,
) -> None: ...

class SingleRows:
    def __init__(
        self,
        arrays: tuple[Any, ...],
        method: int,
        unit: NDArray[np.float64],
        center: NDArray[np.float64],
        factor: NDArray[np.float64],
        resting: NDArray[np.int64],
        tail: NDArray[np.float32],
        usual: NDArray[np.float64],
        decay: float,
        z_factor: float,
        most_skew: float,
        least: float,
        n_initial: float,
        n_young: float,
        narrowest: float,
    ) -> None: ...
    def follow(self, row: NDArray[np.float64], judged: bool) -> tuple[float, float] | None: ...
    def follow_single(
        self, row: NDArray[np.float32], judged: bool
    ) -> tuple[float, float] | None: ...
