import numpy as np
from numpy.typing import NDArray

Bounds = NDArray[np.int64]
Places = NDArray[np.int32]
Floats = NDArray[np.float32]

def mix_few(
    indptr: Bounds,
    words: Places,
    counts: Floats,
    present: Places,
    rows: Floats,
    priors: Floats | None,
    prior: float,
    document_prior: Floats,
    weights: Floats,
    kept: Places,
    sizes: Places,
    mixtures: Floats,
    used: Floats,
    shares: Floats,
    is_warm: bool,
    n_dense: int,
    n_sparse: int,
    least: float,
    n_threads: int,
) -> float: ...
def learn_words_of_few(
    present: Places,
    starts: Bounds,
    documents: Places,
    places: Places,
    shares: Floats,
    kept: Places,
    sizes: Places,
    used: Floats,
    document_prior: Floats,
    rows: Floats,
    priors: Floats | None,
    prior: float,
    weights: Floats,
    counts: Floats,
    totals: NDArray[np.float64],
    keep: float,
    gain: float,
    n_threads: int,
) -> None: ...
