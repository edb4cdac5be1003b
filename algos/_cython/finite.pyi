from typing import Any

from numpy.typing import NDArray

def all_finite(X: NDArray[Any]) -> bool: ...
