import numpy as np
from numpy.typing import NDArray

Bounds = NDArray[np.int64]
Places = NDArray[np.int32]
Floats = NDArray[np.float32]

def sort_by_word(
    indptr: Bounds,
    words: Places,
    starts: Bounds,
    documents: Places,
    places: Places,
    n_threads: int,
) -> None: ...
def learn_words(
    present: Places,
    starts: Bounds,
    documents: Places,
    places: Places,
    shares: Floats,
    mixtures: Floats,
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
def _test_choose_level(limit: int) -> int: ...
