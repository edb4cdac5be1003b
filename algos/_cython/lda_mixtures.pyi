import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

def mix_documents(
    indptr: NDArray[np.int64],
    words: NDArray[np.int32],
    counts: Floats,
    rows: Floats,
    priors: Floats | None,
    prior: float,
    document_prior: Floats,
    weights: Floats,
    mixtures: Floats | None,
    used: Floats | None,
    shares: Floats | None,
    is_warm: bool,
    max_iter: int,
    tol: float,
    is_measured: bool,
    n_threads: int,
) -> float: ...
def _test_choose_level(limit: int) -> int: ...
