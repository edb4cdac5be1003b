import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

def interior_start(
    away: Doubles, width: Doubles, ease: Doubles, mu: float, at: Doubles
) -> None: ...
def interior_look(
    low: Doubles, high: Doubles, weight: Doubles, at: Doubles, seen: Doubles
) -> float: ...
def interior_aim(
    ease: Doubles,
    at: Doubles,
    move: Doubles,
    curvature: Doubles,
    center: float,
    bend: float,
    aim: Doubles,
) -> None: ...
def interior_recenter(
    ease: Doubles,
    at: Doubles,
    move: Doubles,
    curvature: Doubles,
    primal: float,
    dual: float,
    center: float,
    near: float,
    aim: Doubles,
) -> None: ...
def interior_move(
    change: Doubles, at: Doubles, aim: Doubles, move: Doubles
) -> tuple[float, float]: ...
def interior_ahead(
    weight: Doubles, at: Doubles, move: Doubles, primal: float, dual: float
) -> float: ...
def interior_go(move: Doubles, primal: float, dual: float, at: Doubles) -> None: ...
