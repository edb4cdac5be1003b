import numpy as np
from numpy.typing import NDArray

from algos._cython.linear_lines import Lines

Doubles = NDArray[np.float64]
Numbers = NDArray[np.int64]

def descend(
    columns: Lines,
    which: Numbers,
    h: Doubles,
    mean: Doubles,
    curvature: Doubles,
    l1: Doubles,
    l2: Doubles,
    coef: Doubles,
    e: Doubles,
    inverse: float,
    shift: float,
    most: int,
    part: float,
) -> tuple[int, float, float]: ...
def correlate(columns: Lines, which: Numbers, e: Doubles, out: Doubles, n_threads: int) -> None: ...
def column_moments(
    columns: Lines, which: Numbers, h: Doubles, mean: Doubles, square: Doubles, n_threads: int
) -> None: ...
def combine(columns: Lines, which: Numbers, step: Doubles, z: Doubles) -> None: ...
