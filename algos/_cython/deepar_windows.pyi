import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Singles = NDArray[np.float32]
Codes = NDArray[np.int32]

def draw(
    key: NDArray[np.uint64],
    heaped: NDArray[np.float64],
    order: Ints,
    first: Ints,
    last: Ints,
    series: Ints,
    positions: Ints,
    step: int,
) -> None: ...

class WindowSource:
    def __init__(
        self,
        filled: Singles,
        observed: NDArray[np.uint8],
        offsets: Ints,
        lengths: Ints,
        log_unit: NDArray[np.float64],
        scale: Singles,
        typical: Singles,
        calendar: Singles,
        calendar_rows: Ints,
        dynamic: Singles,
        dynamic_rows: Ints,
        categories: Codes,
        static_real: Singles,
        lags: Codes,
        age: Singles,
        horizon: int,
        context: int,
        is_scaled: bool,
        log_center: float,
        log_spread: float,
        floor: float,
    ) -> None: ...
    def gather(
        self,
        series: Ints,
        positions: Ints,
        inputs: Singles,
        statics: Singles,
        categories: Codes,
        targets: Singles,
        mask: Singles,
        scale: Singles,
        n_threads: int,
    ) -> None: ...
