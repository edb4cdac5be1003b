"""Draws of the posterior: kept, thinned, averaged and folded into one machine.

A mean of factorization machines is a factorization machine, its pair weights being the mean
of V Vᵀ. So the mean over all sweeps that count is one machine, folded into few factors while
the chain runs; thinned draws are kept beside it, for what is no mean of scores: their spread,
and probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from algos._common.memory import require_memory
from algos._common.threads import one_thread_blas
from algos.factorization_machine.scoring import scores, scores_of_models

Doubles = NDArray[np.float64]
Singles = NDArray[np.float32]

# Of the mean machine, as multiples of a draw's factors: kept from fold to fold, and gathered
# between them.
_KEPT_FACTORS, _GATHERED = 16, 8
# Factors of the final mean count from this share of the first one's square on. Measured on
# ratings with 8 factors a draw: 40 are left of users and items, with or without their
# properties beside them, at an RMSE within 0.0001 and 0.0005 of all 128; of words in titles
# all are.
_LEAST_SHARE = 0.007
_FEW = 32  # factors that are scored in one go: so many may stay whatever they count
_LANES = 8  # factors are scored in vectors of so many
_LARGEST = 1e150  # score whose square is a number
_BLOCK_BYTES = 1 << 25  # of scores of many draws
_NOTHING = np.zeros(0)


@dataclass(frozen=True)
class Draws:
    """What is kept of a chain: the mean machine, and draws as machines that share their columns.

    Attributes
    ----------
    intercepts : ndarray of shape (n_draws,)
    linear : ndarray of shape (d, n_draws), float32
    factors : ndarray of shape (d, n_draws * n_factors), float32
        Each draw's factors one after another.
    state : dict of str to ndarray
        What was drawn with them, by name, first axis the draw: noise precisions, cut points.
    mean_intercept : float
        Over all sweeps that count, as the next two.
    mean_linear : ndarray of shape (d,)
    mean_factors : ndarray of shape (d, n_factors or more)
        The first ones say the most: so many of them as are taken are the best machine of so
        many. Each one's largest entry is positive.
    mean_state : dict of str to number or ndarray
    """

    intercepts: Doubles
    linear: Singles
    factors: Singles
    state: dict[str, Doubles]
    mean_intercept: float
    mean_linear: Doubles
    mean_factors: Doubles
    mean_state: dict[str, Any]

    def __len__(self) -> int:
        return len(self.intercepts)

    @property
    def n_factors(self) -> int:
        """Factors of one draw."""
        return self.factors.shape[1] // len(self)


class MeanMachine:
    """The mean of machines as they come, of a bounded number of factors.

    Factors are gathered side by side; when there is no more room, those with products nearest
    to the sum of V Vᵀ take the place of all. What is lost is noise: directions that the draws
    do not share. Columns count as much as rows have of them, or the wide priors of rare ones
    would take all the room.

    Parameters
    ----------
    d, n_factors : int
    mass : ndarray of shape (d,), default=None
        The sum of squares of each column's values; None for columns that all count alike.
    """

    def __init__(self, d: int, n_factors: int, mass: Doubles | None = None) -> None:
        self._mass = mass
        # More than there are columns tell nothing more.
        self._n_factors, self._kept = n_factors, min(_KEPT_FACTORS * n_factors, max(d, n_factors))
        self._room = np.empty((d, self._kept + _GATHERED * n_factors), dtype=np.float32)
        self._used = self._size = 0
        self._squares = np.zeros(0)  # of the factors folded last, which have no products
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
        """Take one machine more."""
        k = self._n_factors
        if self._used + k > self._room.shape[1]:
            used = self._room[:, : self._used]
            turn, self._squares = _best_turn(used, self._kept, self._mass, self._squares)
            _turn_into(used, turn, self._room)
            self._used = self._kept
        self._room[:, self._used : self._used + k] = factors[:, :k]
        self._used += k
        self._size += 1
        self._intercept += intercept
        self._linear += linear
        self._state = {name: self._state.get(name, 0.0) + value for name, value in state.items()}

    def mean(self) -> tuple[float, Doubles, Doubles, dict[str, Any]]:
        """Return the means: intercept, coefficients, factors and state."""
        rank = max(self._n_factors, min(self._kept, self._used, len(self._room)))
        used = self._room[:, : self._used]
        folded = np.zeros((len(used), rank))
        _turn_into(used, _best_turn(used, rank, self._mass, self._squares)[0], folded)
        folded /= np.sqrt(self._size)
        rank = max(self._n_factors, min(rank, factors_that_count(folded, self._mass)))
        folded = np.ascontiguousarray(folded[:, :rank])
        largest = np.abs(folded).argmax(axis=0) if len(folded) else np.zeros(0, dtype=int)
        if len(folded):
            folded *= np.where(folded[largest, np.arange(rank)] < 0, -1.0, 1.0)
        state = {name: value / self._size for name, value in self._state.items()}
        return self._intercept / self._size, self._linear / self._size, folded, state


def fold(factors: NDArray[Any], rank: int) -> Doubles:
    """Return U of so many columns, by falling length, with U Uᵀ nearest to V Vᵀ."""
    folded = np.zeros((len(factors), rank))
    _turn_into(factors, _best_turn(factors, rank)[0], folded)
    return folded


def _best_turn(
    factors: NDArray[Any], rank: int, mass: Doubles | None = None, squares: Doubles = _NOTHING
) -> tuple[NDArray[Any], Doubles]:
    """Return T with (V T)(V T)ᵀ nearest to V Vᵀ, and the squares of its at most `rank` columns.

    With the masses m of its rows, an error of the product of rows i and j counts m_i m_j times.
    The first columns of V may come from a turn before, and have these squares: they have no
    products with each other. The products' eigenvectors come from Vᵀ V: half of the digits
    are enough for a mean of draws.
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


def _turn_into(factors: NDArray[Any], turn: NDArray[Any], out: NDArray[Any]) -> None:
    """Make the turned factors the first ones of `out`, which may be where they stand."""
    with one_thread_blas():
        out[:, : turn.shape[1]] = factors @ turn


def factors_that_count(folded: Doubles, mass: Doubles | None = None) -> int:
    """Return how many factors, of falling length, are not small beside the first one.

    Without a gap the spectrum of a mean of draws ends in noise. The count is rounded up to
    what is scored at once.
    """
    mass = np.ones(len(folded)) if mass is None else mass
    squares = np.einsum("jf,j,jf->f", folded, mass, folded)
    count = int(np.count_nonzero(squares > _LEAST_SHARE * squares.max(initial=0.0)))
    return max(_FEW, -(-count // _LANES) * _LANES)


class DrawKeeper:
    """Draws as they come: those of a thinned chain are kept.

    Parameters
    ----------
    burn_in, max_iter : int
        Sweeps burn_in … max_iter - 1 count.
    n_draws : int
        How many of them are kept at most, evenly spaced, the last one among them.
    d, n_factors : int
    mass : ndarray of shape (d,), default=None
        As `MeanMachine` takes it.
    """

    def __init__(
        self,
        burn_in: int,
        max_iter: int,
        n_draws: int,
        d: int,
        n_factors: int,
        mass: Doubles | None = None,
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
        """Take what a sweep drew, if it counts; of a chain cut short, at least the last."""
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
    """Raise MemoryError if draws, their mean and the traces of priors can have no place."""
    of_column = 4 * (n_draws + _KEPT_FACTORS + _GATHERED)
    require_memory(
        (d * of_column + 16 * n_traces) * (n_factors + 1),
        f"{n_draws} draws of {d} columns with n_factors={n_factors}",
        'lower `n_factors` or `n_draws`, or write solver="adagrad"',
    )


def kept_sweeps(burn_in: int, max_iter: int, n_draws: int) -> frozenset[int]:
    """Return which of the sweeps burn_in … max_iter - 1 are kept."""
    count = max(1, max_iter - burn_in)
    kept = min(n_draws, count)
    last = max_iter - 1
    return frozenset(last - (i * count) // kept for i in range(kept))


def predict_mean(rows: Any, draws: Draws, n_threads: int) -> Doubles:
    """Return the score of each row by the mean machine."""
    machine = draws.mean_linear, draws.mean_factors
    return scores(rows, draws.mean_intercept, *machine, n_threads)


def predict_variance(rows: Any, draws: Draws, n_threads: int) -> Doubles:
    """Return the variance over draws of each row's score, from its place among cut points."""
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


def predict_levels(rows: Any, draws: Draws, n_threads: int) -> Doubles:
    """Return the mean over the posterior of each level's probability, of shape (n, n_levels).

    A score is taken as normal, with the mean machine's mean and the draws' variance: with so
    few draws as are kept, that is nearer to the mean over all than theirs.
    """
    mean = np.clip(predict_mean(rows, draws, n_threads), -_LARGEST, _LARGEST)
    spread = np.sqrt(1 + predict_variance(rows, draws, n_threads))
    cuts = draws.mean_state["cuts"]
    return np.diff(ndtr((cuts - mean[:, np.newaxis]) / spread[:, np.newaxis]), axis=1)
