from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Real = TypeVar("Real", np.float32, np.float64)

class Steps:
    def __init__(
        self,
        packed: Floats,
        starts: Floats,
        head: Floats,
        by_input: Floats,
        by_static: Floats,
        base: Floats,
        direct: Floats,
        n_layers: int,
        n_own: int,
        zoneout: float,
    ) -> None: ...
    def read(self, inputs: Floats, statics: Floats, states: Floats, n_threads: int) -> None: ...
    def draw(
        self,
        inputs: Floats,
        statics: Floats,
        states: Floats,
        scale: Floats,
        feed: Floats,
        seed: NDArray[np.uint64],
        keys: NDArray[np.uint64],
        lags: NDArray[np.int32],
        paths: Floats,
        kind: int,
        n_threads: int,
    ) -> None: ...

def _test_choose_level(limit: int) -> int: ...
def _test_likelihood(
    head: NDArray[Real],
    targets: NDArray[Real],
    mask: NDArray[Real],
    scale: NDArray[Real],
    slopes: NDArray[Real],
    kind: int,
) -> float: ...
def _test_draw(
    head: NDArray[Real],
    key: NDArray[np.uint64],
    series: NDArray[np.uint64],
    draws: NDArray[Real],
    kind: int,
    scale: float,
    path: int,
    step: int,
) -> None: ...
def _test_parameters(
    head: NDArray[np.float64],
    scale: NDArray[np.float64],
    parameters: NDArray[np.float64],
    kind: int,
) -> None: ...
