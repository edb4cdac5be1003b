"""Draws from the posterior, thinned, and their mean as one model.

A mean of factorization machines is a factorization machine, whose pair weights are the mean
of V Vᵀ. So the mean over all sweeps after the burn-in is one model, compressed to few factors
while the chain runs. Thinned draws are kept beside it, for what depends on more than the mean
score: its spread, and probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from algos._common.arrays import Float32Array, Float64Array
from algos._common.memory import require_memory
from algos._common.threads import one_thread_blas
from algos.factorization_machine.scoring import scores, scores_of_models

# Factors of the mean model, as multiples of a draw's factors: those kept by a compression, and
# those gathered before the next one.
_KEPT_FACTORS, _GATHERED = 16, 8
# Least squared length of a factor of the final mean, relative to the first one. Measured on
# ratings with 8 factors a draw: 40 factors are kept for users and items, with or without their
# attributes, at an RMSE within 0.0001 and 0.0005 of that with all 128; for words in titles all are.
_LEAST_SHARE = 0.007
_FEW = 32  # factors that are scored in one go: so many are kept however short they are
_LANES = 8  # factors in a vector of the scoring kernel
_LARGEST = 1e150  # score whose square does not overflow
_BLOCK_BYTES = 1 << 25  # for the scores of all draws
_NOTHING = np.zeros(0)


@dataclass(frozen=True)
class Draws:
    """What is kept of a chain: the mean model, and draws with their parameters side by side.

    Attributes
    ----------
    intercepts : ndarray of shape (n_draws,)
    linear : ndarray of shape (d, n_draws), float32
    factors : ndarray of shape (d, n_draws * n_factors), float32
        The factors of one draw after the other.
    state : dict of str to ndarray
        Other drawn parameters by name, one entry per draw: noise precisions, cut points.
    mean_intercept : float
        Mean over all sweeps after the burn-in, as the next two.
    mean_linear : ndarray of shape (d,)
    mean_factors : ndarray of shape (d, n_factors or more)
        In descending order of importance: the first k of them are the best approximation by
        k factors. The largest entry of each is positive.
    mean_state : dict of str to number or ndarray
    """

    intercepts: Float64Array
    linear: Float32Array
    factors: Float32Array
    state: dict[str, Float64Array]
    mean_intercept: float
    mean_linear: Float64Array
    mean_factors: Float64Array
    mean_state: dict[str, Any]

    def __len__(self) -> int:
        return len(self.intercepts)

    @property
    def n_factors(self) -> int:
        """Number of factors of one draw."""
        return self.factors.shape[1] // len(self)


class MeanMachine:
    """Running mean of models, with a bounded number of factors.

    Factors are gathered side by side; when the room is used up, they are replaced by the few whose
    products are nearest to the sum of V Vᵀ. What is lost is noise: directions that the draws
    do not share. Columns are weighted by their occurrence in the rows; otherwise rare columns,
    with their wide posteriors, would take up all the room.

    Parameters
    ----------
    d, n_factors : int
    mass : ndarray of shape (d,), default=None
        The sum of squares of each column's values, as its weight; None for equal weights.
    """

    def __init__(self, d: int, n_factors: int, mass: Float64Array | None = None) -> None:
        self._mass = mass
        # More factors than columns add nothing.
        self._n_factors, self._kept = n_factors, min(_KEPT_FACTORS * n_factors, max(d, n_factors))
        self._room = np.empty((d, self._kept + _GATHERED * n_factors), dtype=np.float32)
        self._used = self._size = 0
        self._squares = np.zeros(0)  # squared lengths of the compressed, orthogonal factors
        self._intercept = 0.0
        self._linear = np.zeros(d)
        self._state: dict[str, Any] = {}

    def add(
        self,
        intercept: float,
        linear: NDArray[Any],
        factors: NDArray[Any],
        state: dict[str, Any],
    ) -> None:
        """Add a model."""
        k = self._n_factors
        if self._used + k > self._room.shape[1]:
            used = self._room[:, : self._used]
            rotation, self._squares = _best_rotation(used, self._kept, self._mass, self._squares)
            _rotate_into(used, rotation, self._room)
            self._used = self._kept
        self._room[:, self._used : self._used + k] = factors[:, :k]
        self._used += k
        self._size += 1
        self._intercept += intercept
        self._linear += linear
        self._state = {name: self._state.get(name, 0.0) + value for name, value in state.items()}

    def mean(self) -> tuple[float, Float64Array, Float64Array, dict[str, Any]]:
        """Return the means: intercept, coefficients, factors and state."""
        rank = max(self._n_factors, min(self._kept, self._used, len(self._room)))
        used = self._room[:, : self._used]
        folded = np.zeros((len(used), rank))
        _rotate_into(used, _best_rotation(used, rank, self._mass, self._squares)[0], folded)
        folded /= np.sqrt(self._size)
        rank = max(self._n_factors, min(rank, factors_that_count(folded, self._mass)))
        folded = np.ascontiguousarray(folded[:, :rank])
        largest = np.abs(folded).argmax(axis=0) if len(folded) else np.zeros(0, dtype=int)
        if len(folded):
            folded *= np.where(folded[largest, np.arange(rank)] < 0, -1.0, 1.0)
        state = {name: value / self._size for name, value in self._state.items()}
        return self._intercept / self._size, self._linear / self._size, folded, state


def fold(factors: NDArray[Any], rank: int) -> Float64Array:
    """Return U with `rank` columns of descending length, with U Uᵀ nearest to V Vᵀ."""
    folded = np.zeros((len(factors), rank))
    _rotate_into(factors, _best_rotation(factors, rank)[0], folded)
    return folded


def _best_rotation(
    factors: NDArray[Any],
    rank: int,
    mass: Float64Array | None = None,
    squares: Float64Array = _NOTHING,
) -> tuple[NDArray[Any], Float64Array]:
    """Return T with (V T)(V T)ᵀ nearest to V Vᵀ, and the squared lengths of V T's columns.

    T has at most `rank` columns. With masses m of the rows, the error of the product of rows i
    and j is weighted by m_i m_j. The first columns of V may come from an earlier rotation with
    these `squares` as squared lengths: they are orthogonal. Eigenvectors of Vᵀ V have half of the
    digits, which is enough for a mean of draws.
    """
    known = len(squares)
    added = factors[:, known:]
    products = np.zeros((factors.shape[1], factors.shape[1]))
    products[np.arange(known), np.arange(known)] = squares
    with one_thread_blas():
        if mass is not None:
            added = added * mass[:, np.newaxis].astype(factors.dtype)
        products[known:] = added.T @ factors
        values, vectors = np.linalg.eigh(products)  # reads the lower triangle
    kept = slice(None, -rank - 1, -1)
    return vectors[:, kept].astype(factors.dtype), values[kept]


def _rotate_into(factors: NDArray[Any], rotation: NDArray[Any], out: NDArray[Any]) -> None:
    """Write the rotated factors to the first columns of `out`, which may overlap `factors`."""
    with one_thread_blas():
        out[:, : rotation.shape[1]] = factors @ rotation


def factors_that_count(folded: Float64Array, mass: Float64Array | None = None) -> int:
    """Return how many factors, of descending length, are not small beside the first one.

    The spectrum of a mean of draws ends in noise, without a gap. The count is rounded up to
    whole vectors of the scoring kernel.
    """
    mass = np.ones(len(folded)) if mass is None else mass
    squares = np.einsum("jf,j,jf->f", folded, mass, folded)
    count = int(np.count_nonzero(squares > _LEAST_SHARE * squares.max(initial=0.0)))
    return max(_FEW, -(-count // _LANES) * _LANES)


class DrawKeeper:
    """Collects the draws of a chain: their mean, and a thinned selection.

    Parameters
    ----------
    burn_in, max_iter : int
        Sweeps burn_in … max_iter - 1 are used.
    n_draws : int
        Largest number of them to keep, evenly spaced and including the last one.
    d, n_factors : int
    mass : ndarray of shape (d,), default=None
        As in `MeanMachine`.
    """

    def __init__(
        self,
        burn_in: int,
        max_iter: int,
        n_draws: int,
        d: int,
        n_factors: int,
        mass: Float64Array | None = None,
    ) -> None:
        self._wanted = kept_sweeps(burn_in, max_iter, n_draws)
        size = len(self._wanted)
        self._n_factors, self._size = n_factors, 0
        self._intercepts = np.empty(size)
        self._linear = np.empty((d, size), dtype=np.float32)
        self._factors = np.empty((d, size * n_factors), dtype=np.float32)
        self._states: list[dict[str, Any]] = []
        self._burn_in, self._mean = burn_in, MeanMachine(d, n_factors, mass)

    def add(
        self,
        sweep: int,
        intercept: float,
        linear: NDArray[Any],
        factors: NDArray[Any],
        state: dict[str, Any],
        *,
        is_last: bool = False,
    ) -> None:
        """Add the draw of a sweep after the burn-in; a chain cut short keeps at least its last."""
        is_first = is_last and self._size == 0
        if sweep >= self._burn_in or is_first:
            self._mean.add(intercept, linear, factors, state)
        if sweep not in self._wanted and not is_first:
            return
        at, k = self._size, self._n_factors
        self._intercepts[at] = intercept
        self._linear[:, at] = linear
        self._factors[:, at * k : (at + 1) * k] = factors[:, :k]
        self._states.append({name: np.array(value) for name, value in state.items()})
        self._size += 1

    def draws(self) -> Draws:
        """Return what was kept."""
        size, states = self._size, self._states
        linear, factors = self._linear, self._factors
        if size < len(self._intercepts):
            linear = np.ascontiguousarray(linear[:, :size])
            factors = np.ascontiguousarray(factors[:, : size * self._n_factors])
        state = {name: np.stack([each[name] for each in states]) for name in states[0]}
        return Draws(self._intercepts[:size], linear, factors, state, *self._mean.mean())


def require_room_of_draws(d: int, n_factors: int, *, n_draws: int, n_traces: int) -> None:
    """Raise MemoryError if the draws, their mean and the traces do not fit in memory."""
    of_column = 4 * (n_draws + _KEPT_FACTORS + _GATHERED)
    require_memory(
        (d * of_column + 16 * n_traces) * (n_factors + 1),
        f"{n_draws} draws of {d} columns with n_factors={n_factors}",
        'lower `n_factors` or `n_draws`, or write solver="adagrad"',
    )


def kept_sweeps(burn_in: int, max_iter: int, n_draws: int) -> frozenset[int]:
    """Return the sweeps among burn_in … max_iter - 1 whose draws are kept."""
    count = max(1, max_iter - burn_in)
    kept = min(n_draws, count)
    last = max_iter - 1
    return frozenset(last - (i * count) // kept for i in range(kept))


def predict_mean(rows: Any, draws: Draws, n_threads: int) -> Float64Array:
    """Return the posterior mean of each row's score."""
    machine = draws.mean_linear, draws.mean_factors
    return scores(rows, draws.mean_intercept, *machine, n_threads)


def predict_variance(rows: Any, draws: Draws, n_threads: int) -> Float64Array:
    """Return the variance over draws of each row's score, relative to the cut points if any."""
    places = draws.intercepts
    if "cuts" in draws.state:
        places = places - draws.state["cuts"][:, 1:-1].mean(axis=1)
    variance = np.empty(len(rows))
    block = max(1, _BLOCK_BYTES // (8 * len(draws)))
    for begin in range(0, len(rows), block):
        end = min(begin + block, len(rows))
        own = rows if end - begin == len(rows) else rows.take(np.arange(begin, end))
        found = scores_of_models(own, places, draws.linear, draws.factors, n_threads)
        variance[begin:end] = np.clip(found, -_LARGEST, _LARGEST).var(axis=1)
    return variance


def predict_levels(rows: Any, draws: Draws, n_threads: int) -> Float64Array:
    """Return the posterior mean of each level's probability, of shape (n, n_levels).

    Scores are assumed normal, with the mean of all sweeps and the variance of the draws kept:
    that is closer to the mean over all sweeps than the mean over the few draws kept.
    """
    mean = np.clip(predict_mean(rows, draws, n_threads), -_LARGEST, _LARGEST)
    spread = np.sqrt(1 + predict_variance(rows, draws, n_threads))
    cuts = draws.mean_state["cuts"]
    return np.diff(ndtr((cuts - mean[:, np.newaxis]) / spread[:, np.newaxis]), axis=1)
