import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

def gram_descent(
    A: Doubles,
    c: Doubles,
    l1: Doubles,
    l2: Doubles,
    v: Doubles,
    u: Doubles,
    square: float,
    tol: float,
    max_sweeps: int,
    gains: Doubles | None = None,
) -> tuple[int, float]: ...
