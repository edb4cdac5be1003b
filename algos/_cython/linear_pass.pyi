from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)
Doubles = NDArray[np.float64]

def linear_pass(
    X: NDArray[Real],
    shift: NDArray[Real],
    rest: Doubles,
    scale: Doubles,
    coef: Doubles,
    intercept: Doubles,
    target: Doubles,
    weight: Doubles,
    code: int,
    parameter: float,
    gradient: Doubles,
    sums: Doubles,
    n_threads: int,
) -> None: ...
def linear_cross(
    X: NDArray[Real],
    shift: NDArray[Real],
    rest: Doubles,
    scale: Doubles,
    values: Doubles,
    products: Doubles,
    sums: Doubles,
    n_threads: int,
) -> None: ...
