"""A stochastic learner: its numbers, their sums of squared gradients, and how they begin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.memory import require_memory
from algos._common.random import Key, stream
from algos._cython import fm_steps
from algos.factorization_machine.batches import kernel_values
from algos.factorization_machine.rows import Rows, aligned_zeros

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_LANES = 8  # floats in a vector: ranks are rounded up to whole ones, from 16 on to two
_OF_START = 0  # stream of random numbers
_START, _START_NOISE = 0.02, 0.1  # of first factors, and of the scores they make


@dataclass(frozen=True)
class Start:
    """Where a fit begins.

    Attributes
    ----------
    scale : float
        Deviation of the factors for "normal", half their width for "uniform", and they
        themselves for "constant".
    init : {"normal", "uniform", "constant"}
    linear_scale, linear_init : float, str
        The same of the coefficients.
    intercept : float or ndarray of shape (n_outputs,)
    """

    scale: float = 0.1
    init: str = "normal"
    linear_scale: float = 0.0
    linear_init: str = "constant"
    intercept: Any = 0.0


@dataclass
class Steps:
    """A learner between epochs or batches: numbers, and the sums of their squared gradients.

    Attributes
    ----------
    table : ndarray of shape (n_columns, n_outputs, 2, rank), float32
        Factors and their sums; the rank is rounded up.
    line : ndarray of shape (n_columns, n_outputs, 2), float32
        Coefficients and their sums.
    intercept : ndarray of shape (n_outputs, 2), float32
    n_factors : int
    n_epochs : int
        Passes over rows so far: no two have the same order.
    n_rows, weight : float
        Of all batches of a stream.
    noise : float
        The mean squared error of late, of targets with unit variance.
    """

    table: Floats
    line: Floats
    base: Floats
    n_factors: int
    n_epochs: int = 0
    n_rows: float = 0.0
    weight: float = 0.0
    noise: float = 1.0

    @classmethod
    def begin(
        cls,
        n_columns: int,
        n_factors: int,
        key: Key,
        *,
        n_outputs: int = 1,
        start: Start | None = None,
        accumulator: float = 0.1,
    ) -> Steps:
        """Return a learner that has seen nothing."""
        start = Start() if start is None else start
        rank = padded_rank(n_factors)
        require_memory(
            8 * n_columns * n_outputs * (rank + 1),
            f"the state of {n_columns} columns with {n_factors} factors",
            "lower `n_factors`, or hash columns into fewer",
        )
        table = aligned((n_columns, n_outputs, 2, rank))
        line = aligned((n_columns, n_outputs, 2))
        base = np.zeros((n_outputs, 2), dtype=np.float32)
        for place, (state, scale, init) in enumerate(
            ((table[:, :, 0, :n_factors], start.scale, start.init),
             (line[..., 0], start.linear_scale, start.linear_init))
        ):  # fmt: skip
            state[...] = drawn(init, scale, state.shape, stream(key, _OF_START, place))
        base[:, 0] = start.intercept
        for state in (table[:, :, 1], line[..., 1], base[..., 1]):
            state[...] = accumulator
        return cls(table, line, base, n_factors)

    @property
    def n_outputs(self) -> int:
        """Models beside each other."""
        return int(self.table.shape[1])

    @property
    def intercept(self) -> Doubles:
        """Of shape (n_outputs,)."""
        return self.base[:, 0].astype(np.float64)

    @property
    def linear(self) -> Doubles:
        """Coefficients, of shape (n_outputs, n_columns)."""
        return np.ascontiguousarray(self.line[..., 0].T, dtype=np.float64)

    @property
    def factors(self) -> Floats:
        """Of shape (n_outputs, n_columns, n_factors)."""
        return np.ascontiguousarray(self.table[:, :, 0, : self.n_factors].transpose(1, 0, 2))

    def copy(self) -> Steps:
        """Return a learner of its own."""
        table = aligned(self.table.shape)
        table[...] = self.table
        return replace(self, table=table, line=self.line.copy(), base=self.base.copy())

    def become(self, other: Steps) -> None:
        """Take another's numbers, which it then shares."""
        vars(self).update(vars(other))

    def in_place_of(
        self, intercept: NDArray[Any], linear: NDArray[Any], factors: NDArray[Any]
    ) -> Steps:
        """Return a learner with the same sums and another model, shaped as the properties."""
        other = self.copy()
        other.base[:, 0] = intercept
        other.line[..., 0] = np.asarray(linear).T
        other.table[:, :, 0, : self.n_factors] = np.asarray(factors).transpose(1, 0, 2)
        return other

    def scores(self, rows: Rows, *, n_threads: int = 1) -> Floats:
        """Return the scores of rows, of shape (n, n_outputs)."""
        z = np.empty((rows.n, self.n_outputs), dtype=np.float32)
        fm_steps.score(
            rows.indptr, rows.indices, kernel_values(rows), self.table, self.line, self.base,
            z, n_threads,
        )  # fmt: skip
        return z


def padded_rank(n_factors: int) -> int:
    """Return the rank that kernels use: whole vectors of 8 floats, or of 16 for more."""
    lanes = _LANES if n_factors <= _LANES else 2 * _LANES
    return -(-n_factors // lanes) * lanes


def aligned(shape: tuple[int, ...]) -> Floats:
    """Return float32 zeros that begin with a cache line, so that rows share none."""
    return aligned_zeros(shape, np.float32)


def drawn(init: str, scale: float, shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    """Return numbers to begin with, in the way `init` says."""
    if init == "normal" and scale > 0:
        return np.float32(scale) * draw.standard_normal(shape, dtype=np.float32)
    if init == "uniform" and scale > 0:
        return np.float32(scale) * (2 * draw.random(shape, dtype=np.float32) - 1)
    return np.float32(scale)


def start_scale(rows: Rows, n_factors: int) -> float:
    """Return a deviation of first factors at which their products hardly move a score."""
    mean = max(1.0, rows.stored / max(rows.n, 1))
    return float(min(_START, np.sqrt(_START_NOISE / (np.sqrt(n_factors / 2) * mean))))
