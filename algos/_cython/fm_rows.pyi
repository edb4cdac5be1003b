from typing import Any

import numpy as np
from numpy.typing import NDArray

Starts = NDArray[np.int64]
Indices = NDArray[np.int32]
Doubles = NDArray[np.float64]

def gather_rows(
    starts: Starts,
    indices: Indices,
    values: NDArray[Any],
    places: Starts,
    new_starts: Starts,
    new_indices: Indices,
    new_values: NDArray[Any],
) -> None: ...
def gather_ones(
    starts: Starts,
    indices: Indices,
    places: Starts,
    new_starts: Starts,
    new_indices: Indices,
) -> None: ...
def column_peaks(indices: Indices, values: NDArray[Any], peaks: Doubles) -> None: ...
def column_squares(
    starts: Starts,
    indices: Indices,
    values: NDArray[Any],
    weights: Doubles,
    peaks: Doubles,
    totals: Doubles,
    squares: Doubles,
) -> None: ...
def next_columns(starts: Starts, indices: Indices, nearest: Indices) -> None: ...
