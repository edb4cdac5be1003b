from typing import Any

from numpy.typing import NDArray

def stretch_sums(
    target: NDArray[Any],
    errors: NDArray[Any],
    weights: NDArray[Any] | None,
    intercept: float,
    n_threads: int,
) -> tuple[float, float]: ...
def stretch_errors(
    target: NDArray[Any],
    errors: NDArray[Any],
    intercept: float,
    factor: float,
    n_threads: int,
) -> None: ...
def error_sums(
    errors: NDArray[Any], weights: NDArray[Any] | None, n_threads: int
) -> tuple[float, float, float]: ...
