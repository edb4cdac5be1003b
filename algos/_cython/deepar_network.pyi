from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]  # float32, or float64, all of them
Ints = NDArray[np.int64]

MOST_LAYERS: int
MOST_OUTPUTS: int

class Network:
    def __init__(
        self,
        sizes: Ints,
        categories: Ints,
        offsets: Ints,
        n_windows: int,
        n_steps: int,
        n_threads: int,
        is_double: bool,
    ) -> None: ...
    @property
    def n_bytes(self) -> int: ...
    def allocate(self) -> None: ...
    def gradient(
        self,
        weights: Numbers,
        inputs: Numbers,
        static: Numbers,
        categories: NDArray[np.int32],
        targets: Numbers,
        mask: Numbers,
        scale: Numbers,
        kind: int,
        dropout: float,
        zoneout: float,
        key: NDArray[np.uint64],
        step: int,
        grads: Numbers,
    ) -> tuple[float, float]: ...
    def loss(
        self,
        weights: Numbers,
        inputs: Numbers,
        static: Numbers,
        categories: NDArray[np.int32],
        targets: Numbers,
        mask: Numbers,
        scale: Numbers,
        kind: int,
        zoneout: float = 0.0,
    ) -> tuple[float, float]: ...

def _test_choose_level(limit: int) -> int: ...
def _test_multiply(init: Numbers, x: Numbers, w: Numbers, out: Numbers) -> None: ...
def _test_accumulate(a: Numbers, b: Numbers, out: Numbers) -> None: ...
