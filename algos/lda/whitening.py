"""Coordinates of word distributions in which the second moment is the identity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

from algos._common.arrays import Float64Array
from algos._common.random import stream
from algos.lda.moments import WordMoments
from algos.lda.parameters import padded_width

KEY = np.array([0x6C64612073706563, 0x7472616C], dtype=np.uint64)  # seed of all random numbers
OVERSAMPLES = 8  # additional directions in the search for the leading ones
N_POWER = 3  # steps of that search
STEP = 8.0  # ratio of eigenvalues that separates topics from noise
FLOOR = 1e-6  # eigenvalues below this share of the largest are rounding errors


class Whitening(NamedTuple):
    """Coordinates of word distributions: W' E[x1 ⊗ x2] W is the identity."""

    W: Float64Array  # (V, r)
    lift: Float64Array  # (V, r): E[x1 ⊗ x2] W, which maps coordinates back
    values: Float64Array  # (r,): eigenvalues


class Scaled:
    """The second moment with words scaled to about equal noise.

    The error of a word's entries is about the root of its probability p. The unit is the
    root of p plus the mean of p over all tokens, so that rare words are not overweighted.

    Parameters
    ----------
    moments : WordMoments
        The moments in units of tokens.
    """

    def __init__(self, moments: WordMoments) -> None:
        mean = moments.mean
        usual = float(mean @ mean)
        self.moments = moments
        self.units = np.sqrt(mean + usual)[:, np.newaxis] if usual > 0 else np.ones((len(mean), 1))

    def times(self, Q: Float64Array) -> Float64Array:
        """Return the product with the columns of Q."""
        panel = np.zeros((len(Q), padded_width(Q.shape[1])), np.float32)
        np.divide(Q, self.units, out=panel[:, : Q.shape[1]], casting="same_kind")
        product = self.moments.second_times(panel)[:, : Q.shape[1]]
        product /= self.units
        return product


def whiten(moments: WordMoments, count: int) -> Whitening:
    """Return coordinates along the `count` leading directions, or as many as there are.

    Subspace iteration (Halko, Martinsson and Tropp 2011, "Finding structure with randomness",
    algorithm 4.4) from vectors over the words, so that the order of documents has no influence.
    """
    if not moments.n_used:
        none = np.empty((moments.n_words, 0))
        return Whitening(none, none, np.empty(0))
    second = Scaled(moments)
    size = padded_width(count + OVERSAMPLES)
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
    n_kept = above_noise(values)
    values, R = values[:n_kept], R[:, :n_kept]
    W = Q @ R
    del Q  # it is of size words times topics
    lift = Z @ R
    del Z
    W /= second.units
    lift *= second.units
    signs = np.where(moments.mean @ W < 0, -1.0, 1.0)
    W *= signs
    lift *= signs
    return Whitening(W, lift, values)


def above_noise(values: Float64Array) -> int:
    """Return how many eigenvalues lie far above the others, which are nearly equal.

    The others are errors of the second moment. If there is no such gap, all are
    kept. The gap after the first one, which belongs to the mean, does not count.
    """
    if len(values) < 3:
        return len(values)
    steps = values[1:-1] / values[2:]
    last = int(np.argmax(steps)) + 2
    is_noise = steps[last - 2] >= STEP and values[last] <= STEP / 2 * values[-1]
    return last if is_noise else len(values)


def orthonormal(Y: Float64Array) -> Float64Array:
    """Return an orthonormal basis of the columns, without directions that are rounding errors."""
    values, vectors = linalg.eigh(Y.T @ Y, check_finite=False)
    kept = values > 1e-12 * values[-1]
    basis: Float64Array = Y @ (vectors[:, kept] / np.sqrt(values[kept]))
    return basis
