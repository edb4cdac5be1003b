"""Coordinates of word distributions in which the second moment is the identity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from algos._common.random import stream
from algos.lda.moments import WordMoments, padded

Doubles = NDArray[np.float64]

KEY = np.array([0x6C64612073706563, 0x7472616C], dtype=np.uint64)  # of all that is random
OVERSAMPLES = 8  # directions more than wanted, in the search for the leading ones
N_POWER = 3  # steps of that search
STEP = 8.0  # from topics down to noise
FLOOR = 1e-6  # eigenvalues below this share of the greatest are rounding


class Whitening(NamedTuple):
    """Coordinates of word distributions: W' E[x1 ⊗ x2] W is the identity."""

    W: Doubles  # (V, r)
    lift: Doubles  # (V, r): E[x1 ⊗ x2] W, which takes coordinates back
    values: Doubles  # (r,): eigenvalues


class Scaled:
    """The second moment with words in units of about their noise.

    What a word's entries miss by is about the root of its probability p. The unit is the
    root of p plus the mean of p over all tokens, so that rare words do not count for more
    than they tell.

    Parameters
    ----------
    moments : WordMoments
    """

    def __init__(self, moments: WordMoments) -> None:
        mean = moments.mean
        usual = float(mean @ mean)
        self.moments = moments
        self.units = np.sqrt(mean + usual)[:, np.newaxis] if usual > 0 else np.ones((len(mean), 1))

    def times(self, Q: Doubles) -> Doubles:
        """Return the product with the columns of Q."""
        panel = np.zeros((len(Q), padded(Q.shape[1])), np.float32)
        np.divide(Q, self.units, out=panel[:, : Q.shape[1]], casting="same_kind")
        product = self.moments.second_times(panel)[:, : Q.shape[1]]
        product /= self.units
        return product


def whiten(moments: WordMoments, count: int) -> Whitening:
    """Return coordinates along the `count` leading directions, or as many as there are.

    Subspace iteration (Halko, Martinsson and Tropp 2011, "Finding structure with randomness",
    algorithm 4.4), from vectors over the words: nothing hangs on the order of documents.
    """
    if not moments.n_used:
        none = np.empty((moments.n_words, 0))
        return Whitening(none, none, np.empty(0))
    second = Scaled(moments)
    size = padded(count + OVERSAMPLES)
    if size >= moments.n_words:
        Q = np.eye(moments.n_words)
    else:
        Q = stream(KEY, 0).standard_normal((moments.n_words, size)) * (moments.mean > 0)[:, None]
        for _ in range(N_POWER):
            Q = orthonormal(second.times(Q))
            if Q.shape[1] == 0:  # no document is long enough to have a second moment
                return Whitening(Q, Q, np.zeros(0))
    Z = second.times(Q)
    H = Q.T @ Z
    values, R = linalg.eigh((H + H.T) / 2, check_finite=False)
    values, R = values[::-1][:count], R[:, ::-1][:, :count]
    kept = values > FLOOR * max(values[0], np.finfo(float).tiny) if len(values) else []
    values, R = values[kept], R[:, kept] / np.sqrt(values[kept])
    told = above_noise(values)
    values, R = values[:told], R[:, :told]
    W = Q @ R
    del Q  # as large as all words times all topics
    lift = Z @ R
    del Z
    W /= second.units
    lift *= second.units
    signs = np.where(moments.mean @ W < 0, -1.0, 1.0)
    W *= signs
    lift *= signs
    return Whitening(W, lift, values)


def above_noise(values: Doubles) -> int:
    """Return how many eigenvalues stand high above all others, which are nearly alike.

    Those others are what the second moment misses by. Where there is no such step, all are
    kept. The first one, which is about the mean's, makes none.
    """
    if len(values) < 3:
        return len(values)
    steps = values[1:-1] / values[2:]
    last = int(np.argmax(steps)) + 2
    is_noise = steps[last - 2] >= STEP and values[last] <= STEP / 2 * values[-1]
    return last if is_noise else len(values)


def orthonormal(Y: Doubles) -> Doubles:
    """Return an orthonormal basis of the columns but for what is rounding of their squares."""
    values, vectors = linalg.eigh(Y.T @ Y, check_finite=False)
    kept = values > 1e-12 * values[-1]
    basis: Doubles = Y @ (vectors[:, kept] / np.sqrt(values[kept]))
    return basis
