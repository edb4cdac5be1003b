import numpy as np
from numpy.typing import NDArray

def grade_scores(
    scores: NDArray[np.float64],
    usual: NDArray[np.float64],
    grades: NDArray[np.float64],
    decay: float,
    z_factor: float,
    most_skew: float,
    least: float,
    n_initial: float,
    n_young: float,
    narrowest: float,
) -> None: ...
def threshold_of(
    usual: NDArray[np.float64],
    z_factor: float,
    most_skew: float,
    least: float,
    n_initial: float,
    n_young: float,
    narrowest: float,
) -> float: ...
