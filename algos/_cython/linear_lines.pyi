from typing import Any

from numpy.typing import NDArray

class Lines:
    single: bool
    narrow: bool
    n: int
    stored: int
    def __init__(
        self,
        values: NDArray[Any],
        indices: NDArray[Any] | None,
        starts: NDArray[Any] | None,
        length: int,
    ) -> None: ...
