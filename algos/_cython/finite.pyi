from typing import Any

from numpy.typing import NDArray

def all_finite(X: NDArray[Any], n_threads: int = 1) -> bool: ...
