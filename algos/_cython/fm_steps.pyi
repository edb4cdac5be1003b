import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
Indices = NDArray[np.int32]

MOST_RANK: int

def learn(
    starts: Numbers,
    indices: Indices,
    values: Floats | None,
    target: Floats,
    weight: Floats,
    order: Numbers,
    rival: Numbers | None,
    cuts: Numbers,
    slots: Indices,
    common: Indices,
    rates: Floats,
    l2: Floats,
    factor_state: Floats,
    linear_state: Floats,
    intercept: Floats,
    loss: int,
    batch: int,
    clip: float,
    n_threads: int,
) -> float: ...
def score(
    indptr: Numbers,
    indices: Indices,
    values: Floats | None,
    factor_state: Floats,
    linear_state: Floats,
    intercept: Floats,
    z: Floats,
    n_threads: int,
) -> None: ...
def _test_inverse_root(a: Floats, out: Floats) -> None: ...
