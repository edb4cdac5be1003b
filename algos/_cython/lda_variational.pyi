import numpy as np
from numpy.typing import NDArray

Bounds = NDArray[np.int64]
Places = NDArray[np.int32]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

def infer(
    indptr: Bounds,
    words: Places,
    counts: Floats,
    topics: Floats,
    prior: Floats,
    gamma: Floats,
    mixtures: Floats | None,
    shares: Floats | None,
    scales: Doubles | None,
    passes: Places,
    n_topics: int,
    max_iter: int,
    tol: float,
    n_threads: int,
) -> None: ...
def word_rows(
    counts: Floats,
    prior: Floats,
    sums: Doubles,
    words: Places | None,
    rows: Floats,
    scales: Doubles,
    factor: float,
    n_threads: int,
) -> None: ...
def document_bounds(
    indptr: Bounds,
    words: Places,
    counts: Floats,
    shares: Floats,
    gamma: Floats,
    scales: Doubles,
    word_scales: Doubles,
    prior: Floats,
    out: Doubles,
    n_topics: int,
    n_threads: int,
) -> None: ...
def word_bounds(
    counts: Floats,
    prior: Floats,
    psi: Doubles,
    out: Doubles,
    factor: float,
    n_threads: int,
) -> None: ...
def _test_digamma(x: Floats, digamma: Floats, top: Floats, below: Floats) -> None: ...
def _test_digamma_double(x: Doubles, digamma: Doubles, log_gamma: Doubles) -> None: ...
def _test_choose_level(limit: int) -> int: ...
