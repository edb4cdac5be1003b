import numpy as np
from numpy.typing import NDArray

def grade_scores(
    scores: NDArray[np.float64],
    usual: NDArray[np.float64],
    grades: NDArray[np.float64],
    decay: float,
    z_factor: float,
    least: float,
    initial: float,
    n_initial: int,
) -> None: ...
def threshold_of(
    usual: NDArray[np.float64],
    z_factor: float,
    least: float,
    initial: float,
    n_initial: int,
) -> float: ...
