"""Piecewise linear losses: the loss of each row is a sum of bent lines.

A bent line costs max over θ in [low, high] of θ (kink - z), with low ≤ 0 ≤ high: its slope is
-high below its kink and -low above. An L1 term on a coefficient is also a bent line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Penalty, Problem

Mask = NDArray[np.bool_]

HUGE = 1e50  # relative to the slopes or curvatures of losses, which are of order 1
LEAST_WEIGHT = 1e-180  # of a total of 1: negligible, but a valid divisor


class Products(Protocol):
    """The part of `Rows` that interior-point methods use."""

    n: int
    d: int

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def decision(self, coef: Float64Array, intercept: Float64Array) -> Float64Array: ...

    def gram(self, weight: Float64Array) -> Float64Array: ...

    def cross(self, values: Float64Array) -> Float64Array: ...

    def subset(self, indices: IndexArray) -> Products: ...


class Lines(NamedTuple):
    """The bent lines of n rows, p for each row (two for epsilon_insensitive, else one)."""

    kink: Float64Array  # (p, n)
    low: Float64Array  # (p, n), at most 0
    high: Float64Array  # (p, n), at least 0

    def of(self, indices: IndexArray) -> Lines:
        """Return the lines of some rows."""
        return Lines(*(array[:, indices] for array in self))

    def cost(self, z: Float64Array) -> Float64Array:
        """Return the loss of each row at decision values z, of shape (n,)."""
        below = self.kink - z
        return (np.maximum(below, 0) * self.high + np.minimum(below, 0) * self.low).sum(axis=0)

    def side(self, z: Float64Array) -> Float64Array:
        """Return each line's θ away from its kink, of shape (p, n)."""
        return np.where(z < self.kink, self.high, self.low)


def lines_of(loss: Loss, target: Float64Array) -> Lines:
    """Return the bent lines of a loss; raise ValueError if it is smooth."""
    p, y = loss.parameter, target
    if loss.name == "hinge":
        above = y > 0
        return Lines(
            (p * y)[None], np.where(above, 0.0, -1.0)[None], above[None].astype(np.float64)
        )
    if loss.name == "epsilon_insensitive":
        low, high = np.array([[0.0], [-1.0]]), np.array([[1.0], [0.0]])
        kink = np.stack([y - p, y + p])
    elif loss.name in ("absolute_error", "quantile"):
        q = p if loss.name == "quantile" else 1.0
        low, high = np.array([[q - 1 if loss.name == "quantile" else -1.0]]), np.array([[q]])
        kink = y[None]
    else:
        raise ValueError(
            f"`loss`={loss.name!r} must be piecewise linear; choose a solver for smooth losses"
        )
    return Lines(kink, np.broadcast_to(low, kink.shape), np.broadcast_to(high, kink.shape))


@dataclass(frozen=True)
class Bent:
    """A problem of bent lines, centred at its best constant and scaled by its spread.

    With v = unit·ṽ and intercept = center + unit·b̃, everything here is in terms of (ṽ, b̃), and
    objectives are divided by `unit`, so that the scale of the targets does not matter.
    """

    rows: Products
    weight: Float64Array  # (n,), of sum 1
    lines: Lines
    fit_intercept: bool
    center: float
    unit: float
    null: float  # the objective of the best constant

    def penalty(self, penalty: Penalty) -> Penalty:
        """Return the penalty in these units, clipped at `HUGE`, where coefficients vanish."""
        return Penalty(np.minimum(penalty.l1, HUGE), np.minimum(penalty.l2 * self.unit, HUGE))

    def subset(self, indices: IndexArray) -> Bent:
        """Return the problem of some rows."""
        weight = self.weight[indices]
        return replace(
            self,
            rows=self.rows.subset(indices),
            weight=weight / weight.sum(),
            lines=self.lines.of(indices),
        )


def bent_from(problem: Problem) -> Bent:
    """Return a problem of one of the kinked losses as bent lines."""
    target = problem.target.reshape(-1)
    lines, weight = lines_of(problem.loss, target), np.maximum(problem.weight, LEAST_WEIGHT)
    center = 0.0
    if problem.fit_intercept and problem.loss.is_of_classes:
        p = problem.loss.parameter
        center = min((-p, p), key=lambda z: float(weight @ lines.cost(np.full(len(weight), z))))
    elif problem.fit_intercept:
        center = _best_constant(lines, weight)
    null = float(weight @ lines.cost(np.full(len(weight), center)))
    if problem.loss.is_of_classes:
        unit = problem.loss.parameter or 1.0
    else:
        unit = max(_median(np.abs(target - center), weight), 1e-6 * null)
    unit = unit if unit > 0 else 1.0
    lines = lines._replace(kink=(lines.kink - center) / unit)
    return Bent(problem.rows, weight, lines, problem.fit_intercept, center, unit, null / unit)


def _best_constant(lines: Lines, weight: Float64Array) -> float:
    """Return a constant of least cost, where the slope, increasing at each kink, reaches 0."""
    order = np.argsort(lines.kink, axis=None)
    climb = ((lines.high - lines.low) * weight).ravel()[order]
    slope = climb.cumsum() - float((lines.high * weight).sum())
    at = min(int(np.searchsorted(slope, 0.0)), len(order) - 1)
    return float(lines.kink.ravel()[order[at]])


def _median(values: Float64Array, weight: Float64Array) -> float:
    order = np.argsort(values)
    half = int(np.searchsorted(weight[order].cumsum(), weight.sum() / 2))
    return float(values[order[min(half, len(order) - 1)]])
