import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

def add_losses(
    target: Doubles, decision: Doubles, losses: Doubles, code: int, parameter: float
) -> None: ...
def add_joint_losses(target: Doubles, decision: Doubles, losses: Doubles) -> None: ...
def find_derivatives(
    target: Doubles, decision: Doubles, derivatives: Doubles, code: int, parameter: float
) -> None: ...
def weigh_curvatures(
    target: Doubles,
    weight: Doubles,
    decision: Doubles,
    curvatures: Doubles,
    code: int,
    parameter: float,
) -> None: ...
