from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.int32]
Float = NDArray[np.float64]

def draw_latents(
    scores: NDArray[Any],
    levels: Levels,
    cuts: Float,
    copies: NDArray[np.int32] | None,
    key: NDArray[np.uint64],
    targets: NDArray[Any],
    step: int,
    n_threads: int,
) -> None: ...
def average_latents(
    scores: NDArray[Any], levels: Levels, cuts: Float, targets: NDArray[Any], n_threads: int
) -> None: ...
def measure_levels(
    scores: NDArray[Any],
    levels: Levels,
    cuts: Float,
    weights: Float | None,
    derivatives: Float,
    n_threads: int,
) -> float: ...
def add_level_probabilities(
    scores: NDArray[Any], cuts: Float, probabilities: Float, n_threads: int
) -> None: ...
