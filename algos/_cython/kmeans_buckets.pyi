from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Index = TypeVar("Index", np.int32, np.int64)
Real = TypeVar("Real", np.float32, np.float64)

def bucket_sums(
    values: NDArray[Real],
    weight: NDArray[np.float64] | None,
    bucket: NDArray[np.uint16],
    sums: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def group_by_bucket(
    bucket: NDArray[np.uint16],
    starts: NDArray[np.int64],
    members: NDArray[Index],
) -> None: ...
def draw_members(
    values: NDArray[Real],
    weight: NDArray[np.float64] | None,
    starts: NDArray[np.int64],
    members: NDArray[Index],
    buckets: NDArray[np.int64],
    targets: NDArray[np.float64],
    drawn: NDArray[np.int64],
) -> None: ...
