"""A stochastic learner: its parameters, their sums of squared gradients, and their start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array
from algos._common.memory import require_memory
from algos._common.random import Key, stream
from algos._cython import fm_steps
from algos.factorization_machine.batches import kernel_values
from algos.factorization_machine.rows import Rows, aligned_zeros

_LANES = 8  # floats in a vector: ranks are multiples of one, beyond that of two
_OF_START = 0  # stream of random numbers
_START, _START_NOISE = 0.02, 0.1  # scales of initial factors, and of the scores they cause


@dataclass(frozen=True)
class Start:
    """How the parameters are initialised.

    Attributes
    ----------
    scale : float
        Standard deviation of the factors for "normal", half their width for "uniform", their
        value for "constant".
    init : {"normal", "uniform", "constant"}
    linear_scale, linear_init : float, str
        The same for the coefficients.
    intercept : float or ndarray of shape (n_outputs,)
    """

    scale: float = 0.1
    init: str = "normal"
    linear_scale: float = 0.0
    linear_init: str = "constant"
    intercept: Any = 0.0


@dataclass
class Steps:
    """A learner between epochs or batches: parameters, and sums of their squared gradients.

    Attributes
    ----------
    factor_state : ndarray of shape (n_columns, n_outputs, 2, rank), float32
        Factors and their sums; the rank is `n_factors` rounded up.
    linear_state : ndarray of shape (n_columns, n_outputs, 2), float32
        Coefficients and their sums.
    intercept_state : ndarray of shape (n_outputs, 2), float32
        Intercepts and their sums.
    n_factors : int
    n_epochs : int
        Passes over the rows so far; each has an order of its own.
    n_rows, weight : float
        Number of rows and sum of weights of all batches of a stream.
    noise : float
        Recent mean squared error, for targets with unit variance.
    """

    factor_state: Float32Array
    linear_state: Float32Array
    intercept_state: Float32Array
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
        """Return a learner before its first row."""
        start = Start() if start is None else start
        rank = padded_rank(n_factors)
        require_memory(
            8 * n_columns * n_outputs * (rank + 1),
            f"the state of {n_columns} columns with {n_factors} factors",
            "lower `n_factors`, or hash columns into fewer",
        )
        factor_state = aligned((n_columns, n_outputs, 2, rank))
        linear_state = aligned((n_columns, n_outputs, 2))
        intercept_state = np.zeros((n_outputs, 2), dtype=np.float32)
        for place, (state, scale, init) in enumerate(
            ((factor_state[:, :, 0, :n_factors], start.scale, start.init),
             (linear_state[..., 0], start.linear_scale, start.linear_init))
        ):  # fmt: skip
            state[...] = drawn(init, scale, state.shape, stream(key, _OF_START, place))
        intercept_state[:, 0] = start.intercept
        for state in (factor_state[:, :, 1], linear_state[..., 1], intercept_state[..., 1]):
            state[...] = accumulator
        return cls(factor_state, linear_state, intercept_state, n_factors)

    @property
    def n_outputs(self) -> int:
        """Number of models, one for each output."""
        return int(self.factor_state.shape[1])

    @property
    def intercept(self) -> Float64Array:
        """Of shape (n_outputs,)."""
        return self.intercept_state[:, 0].astype(np.float64)

    @property
    def linear(self) -> Float64Array:
        """Coefficients, of shape (n_outputs, n_columns)."""
        return np.ascontiguousarray(self.linear_state[..., 0].T, dtype=np.float64)

    @property
    def factors(self) -> Float32Array:
        """Of shape (n_outputs, n_columns, n_factors)."""
        return np.ascontiguousarray(self.factor_state[:, :, 0, : self.n_factors].transpose(1, 0, 2))

    def copy(self) -> Steps:
        """Return an independent copy."""
        factor_state = aligned(self.factor_state.shape)
        factor_state[...] = self.factor_state
        return replace(
            self,
            factor_state=factor_state,
            linear_state=self.linear_state.copy(),
            intercept_state=self.intercept_state.copy(),
        )

    def become(self, other: Steps) -> None:
        """Share another learner's state from now on."""
        vars(self).update(vars(other))

    def in_place_of(
        self, intercept: NDArray[Any], linear: NDArray[Any], factors: NDArray[Any]
    ) -> Steps:
        """Return a copy with other parameters, shaped as the properties, and the same sums."""
        other = self.copy()
        other.intercept_state[:, 0] = intercept
        other.linear_state[..., 0] = np.asarray(linear).T
        other.factor_state[:, :, 0, : self.n_factors] = np.asarray(factors).transpose(1, 0, 2)
        return other

    def scores(self, rows: Rows, *, n_threads: int = 1) -> Float32Array:
        """Return the scores of rows, of shape (n, n_outputs)."""
        z = np.empty((rows.n, self.n_outputs), dtype=np.float32)
        fm_steps.score(
            rows.indptr, rows.indices, kernel_values(rows), self.factor_state, self.linear_state,
            self.intercept_state, z, n_threads,
        )  # fmt: skip
        return z


def padded_rank(n_factors: int) -> int:
    """Return the rank used by kernels: a multiple of 8 floats, or of 16 beyond 8 factors."""
    lanes = _LANES if n_factors <= _LANES else 2 * _LANES
    return -(-n_factors // lanes) * lanes


def aligned(shape: tuple[int, ...]) -> Float32Array:
    """Return float32 zeros that start at a cache line, so that rows share none."""
    return aligned_zeros(shape, np.float32)


def drawn(init: str, scale: float, shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    """Return initial values: draws from the distribution `init`, or its constant."""
    if init == "normal" and scale > 0:
        return np.float32(scale) * draw.standard_normal(shape, dtype=np.float32)
    if init == "uniform" and scale > 0:
        return np.float32(scale) * (2 * draw.random(shape, dtype=np.float32) - 1)
    return np.float32(scale)


def start_scale(rows: Rows, n_factors: int) -> float:
    """Return a scale of initial factors at which their products hardly change a score."""
    mean = max(1.0, rows.stored / max(rows.n, 1))
    return float(min(_START, np.sqrt(_START_NOISE / (np.sqrt(n_factors / 2) * mean))))
