from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)
Words = NDArray[np.uint64]

def measure(
    head: NDArray[Real],
    targets: NDArray[Real],
    mask: NDArray[Real],
    scale: NDArray[Real],
    slopes: NDArray[Real],
    kind: int,
) -> float: ...
def draw(
    head: NDArray[Real],
    key: Words,
    series: Words,
    draws: NDArray[Real],
    kind: int,
    scale: float,
    path: int,
    step: int,
) -> None: ...
def parametrize(
    head: NDArray[np.float64],
    scale: NDArray[np.float64],
    parameters: NDArray[np.float64],
    kind: int,
) -> None: ...
