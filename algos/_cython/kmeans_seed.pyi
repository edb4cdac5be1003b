from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def hit_lanes(n: int) -> tuple[int, int]: ...
def try_candidates(
    X: NDArray[Real],
    weight: NDArray[np.float64] | None,
    shift: NDArray[Real],
    candidates: NDArray[Real],
    squares: NDArray[Real],
    packed: NDArray[Real] | None,
    is_packed: bool,
    masks: NDArray[np.uint64],
    listed: NDArray[Real],
    count: NDArray[np.intp],
    gains: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def add_center(
    X: NDArray[Real],
    shift: NDArray[Real],
    center: NDArray[Real],
    squares: NDArray[Real],
    packed: NDArray[Real] | None,
    is_packed: bool,
    n_threads: int,
) -> None: ...
def add_hits(
    masks: NDArray[np.uint64],
    listed: NDArray[Real],
    count: NDArray[np.intp],
    chosen: int,
    weight: NDArray[np.float64] | None,
    bucket: NDArray[np.uint16],
    squares: NDArray[Real],
    sums: NDArray[np.float64],
) -> None: ...
