from typing import Any

import numpy as np
from numpy.typing import NDArray

Starts = NDArray[np.int64]
Indices = NDArray[np.int32]
Doubles = NDArray[np.float64]

def gather_rows(
    starts: Starts,
    indices: Indices,
    values: NDArray[Any] | None,
    places: Starts,
    new_starts: Starts,
    new_indices: Indices,
    new_values: NDArray[Any] | None,
    n_threads: int,
) -> None: ...
def scale_values(
    indices: Indices,
    values: NDArray[Any],
    scale: Doubles,
    out: NDArray[Any],
    largest: float,
    near: float,
    n_threads: int,
) -> None: ...
def mark_columns(indices: Indices, is_used: NDArray[np.int8]) -> None: ...
def count_columns(indices: Indices, counts: Starts) -> None: ...
def part_starts(starts: Starts, indices: Indices, cuts: Starts, out: Starts) -> None: ...
def renumber(indices: Indices, number: Indices, out: Indices) -> None: ...
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
