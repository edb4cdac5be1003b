import numpy as np
from numpy.typing import NDArray

def visit_rows(
    indptr: NDArray[np.int64],
    index: NDArray[np.int32],
    counts: NDArray[np.float32],
    others: NDArray[np.float32],
    topics: NDArray[np.int32] | None,
    inverses: NDArray[np.float32],
    prior: NDArray[np.float32],
    scales: NDArray[np.float32] | None,
    normalizers: NDArray[np.float32],
    own: NDArray[np.float32],
    velocity: NDArray[np.float32],
    momentum: float,
    document_prior: float,
    least_own: float,
    least_other: float,
    evaluates: bool,
    n_threads: int,
) -> tuple[float, float]: ...
def _test_choose_level(limit: int) -> int: ...
