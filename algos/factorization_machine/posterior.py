"""Draws of the posterior: kept, thinned, averaged and folded into one machine.

A mean of factorization machines is a factorization machine, its pair weights being the mean
of V Vᵀ. `coef_` and `intercept_` are means over the kept draws, `factors_` the best machine of
few factors for the mean of V Vᵀ; predictions take the draws themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key, stream
from algos._common.threads import one_thread_blas
from algos._cython.fm_latent import add_level_probabilities
from algos.factorization_machine.scoring import scores_of_models

Doubles = NDArray[np.float64]
Singles = NDArray[np.float32]

_FOLD = 103  # stream of a key
_FOLD_PASSES = 8
_SPARE_FACTORS = 8
_BLOCK_BYTES = 1 << 25  # of scores of many draws


@dataclass(frozen=True)
class Draws:
    """Kept draws of the parameters, as many machines that share their columns.

    Attributes
    ----------
    intercepts : ndarray of shape (n_draws,)
    linear : ndarray of shape (d, n_draws), float32
    factors : ndarray of shape (d, n_draws * n_factors), float32
        Each draw's factors one after another.
    state : dict of str to ndarray
        What was drawn with them, by name, first axis the draw: noise precisions, cut points.
    """

    intercepts: Doubles
    linear: Singles
    factors: Singles
    state: dict[str, Doubles]

    def __len__(self) -> int:
        return len(self.intercepts)

    @property
    def n_factors(self) -> int:
        """Factors of one draw."""
        return self.factors.shape[1] // len(self)

    def mean(self) -> tuple[float, Doubles]:
        """Return the means of intercept and coefficients."""
        return float(self.intercepts.mean()), self.linear.mean(axis=1, dtype=np.float64)

    def fold(self, key: Key, n_factors: int | None = None) -> Doubles:
        """Return the factors whose products are nearest to the mean of V Vᵀ.

        Parameters
        ----------
        key : ndarray of shape (2,)
        n_factors : int, default=None
            None for as many as one draw has.

        Returns
        -------
        factors : ndarray of shape (d, n_factors)
            By falling length, each one's largest entry positive.
        """
        rank = self.n_factors if n_factors is None else n_factors
        return fold(self.factors, len(self), rank, stream(key, _FOLD))


class DrawKeeper:
    """Draws as they come: those of a thinned chain are kept.

    Parameters
    ----------
    burn_in, max_iter : int
        Sweeps burn_in … max_iter - 1 count.
    n_draws : int
        How many of them are kept at most, evenly spaced, the last one among them.
    d, n_factors : int
    """

    def __init__(self, burn_in: int, max_iter: int, n_draws: int, d: int, n_factors: int) -> None:
        self._wanted = kept_sweeps(burn_in, max_iter, n_draws)
        size = len(self._wanted)
        self._n_factors, self._size = n_factors, 0
        self._intercepts = np.empty(size)
        self._linear = np.empty((d, size), dtype=np.float32)
        self._factors = np.empty((d, size * n_factors), dtype=np.float32)
        self._states: list[dict[str, Any]] = []

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
        """Copy what a sweep drew, if it is wanted; of a chain cut short, at least the last."""
        if sweep not in self._wanted and not (is_last and self._size == 0):
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
        return Draws(self._intercepts[:size], linear, factors, state)


def kept_sweeps(burn_in: int, max_iter: int, n_draws: int) -> frozenset[int]:
    """Return which of the sweeps burn_in … max_iter - 1 are kept."""
    count = max(1, max_iter - burn_in)
    kept = min(n_draws, count)
    last = max_iter - 1
    return frozenset(last - (i * count) // kept for i in range(kept))


def fold(factors: NDArray[Any], n_draws: int, rank: int, rng: np.random.Generator) -> Doubles:
    """Return U with U Uᵀ nearest to the mean of V Vᵀ over draws, by subspace iteration."""
    d, width = factors.shape
    size = min(rank + _SPARE_FACTORS, d, width)
    if size == 0:
        return np.zeros((d, rank))
    basis = rng.standard_normal((width, size)).astype(factors.dtype)
    with one_thread_blas():
        for _ in range(_FOLD_PASSES):
            basis = factors.T @ np.linalg.qr(factors @ basis)[0]
            basis, _r = np.linalg.qr(basis)
        left, lengths, _right = np.linalg.svd(
            (factors @ basis).astype(np.float64), full_matrices=False
        )
    folded = np.zeros((d, rank))
    some = min(rank, size)
    folded[:, :some] = left[:, :some] * (lengths[:some] / np.sqrt(n_draws))
    largest = np.abs(folded).argmax(axis=0)
    folded *= np.where(folded[largest, np.arange(rank)] < 0, -1.0, 1.0)
    return folded


def predict_moments(rows: Any, draws: Draws, n_threads: int) -> tuple[Doubles, Doubles]:
    """Return the mean and the variance over draws of each row's score."""
    mean, variance = np.empty(len(rows)), np.empty(len(rows))
    for part, scores in _scores(rows, draws, n_threads):
        mean[part] = scores.mean(axis=1)
        variance[part] = scores.var(axis=1)
    return mean, variance


def predict_levels(rows: Any, draws: Draws, n_threads: int) -> Doubles:
    """Return the mean over draws of each level's probability, of shape (n, n_levels).

    Without cut points among the draws there are two levels, cut at 0.
    """
    cuts = draws.state.get("cuts")
    if cuts is None:
        cuts = np.broadcast_to([-np.inf, 0.0, np.inf], (len(draws), 3))
    cuts = np.ascontiguousarray(cuts)
    probabilities = np.zeros((len(rows), cuts.shape[1] - 1))
    for part, scores in _scores(rows, draws, n_threads):
        sums = probabilities[part]
        for scores_of_draw, own in zip(scores.T, cuts, strict=True):
            add_level_probabilities(np.ascontiguousarray(scores_of_draw), own, sums, n_threads)
        sums /= len(draws)
        np.clip(sums, 0.0, 1.0, out=sums)  # differences of rounded numbers
    return probabilities


def _scores(rows: Any, draws: Draws, n_threads: int) -> Any:
    """Yield parts of the rows with their scores by each draw: memory is bounded."""
    n = len(rows)
    block = max(1, _BLOCK_BYTES // (8 * len(draws)))
    for begin in range(0, n, block):
        part = slice(begin, min(begin + block, n))
        own = rows if part == slice(0, n) else rows.take(np.arange(part.start, part.stop))
        yield part, scores_of_models(own, draws.intercepts, draws.linear, draws.factors, n_threads)
