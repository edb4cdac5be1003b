from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

def survey(
    values: NDArray[Any],
    starts: Ints,
    stops: Ints,
    mean: NDArray[np.float64],
    exponent: NDArray[np.int32],
    flags: NDArray[np.uint8],
) -> None: ...
def fill(
    values: NDArray[Any],
    starts: Ints,
    offsets: Ints,
    lengths: Ints,
    exponent: NDArray[np.int32],
    filled: NDArray[np.float32],
    observed: NDArray[np.uint8],
) -> None: ...
def mean_magnitudes(
    filled: NDArray[np.float32],
    observed: NDArray[np.uint8],
    offsets: Ints,
    lengths: Ints,
    scale: NDArray[np.float32],
) -> None: ...
def add_values(
    filled: NDArray[np.float32],
    observed: NDArray[np.uint8],
    unit: NDArray[np.float64],
    offsets: Ints,
    lengths: Ints,
    factors: Words,
    sums: Words,
) -> None: ...
def add_steps(
    values: NDArray[np.float32], starts: Ints, lengths: Ints, factors: Words, sums: Words
) -> None: ...
def range_sums(
    values: NDArray[Any],
    starts: Ints,
    lengths: Ints,
    center: NDArray[np.float64],
    total: NDArray[np.float64],
    squares: NDArray[np.float64],
    peak: NDArray[np.float64],
) -> None: ...
def count_known(
    values: NDArray[Any], starts: Ints, stops: Ints, known: Ints, most: float
) -> None: ...
def standardise(
    values: NDArray[Any],
    center: NDArray[np.float64],
    spread: NDArray[np.float64],
    units: NDArray[np.float32],
    furthest: float,
) -> None: ...
def splice(
    past: NDArray[np.float32],
    past_rows: Ints,
    lengths: Ints,
    future: NDArray[np.float32],
    future_rows: Ints,
    rows: Ints,
    both: NDArray[np.float32],
    horizon: int,
) -> None: ...
