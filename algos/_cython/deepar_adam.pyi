import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

def step(
    gradient: Floats,
    weight: float,
    weights: Floats,
    first: Floats,
    second: Floats,
    average: Floats,
    number: int,
    rate: float,
    clip: float,
    decay: float,
    memory: float,
) -> float: ...
