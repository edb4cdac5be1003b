"""learning_method="spectral": topics by the method of moments.

Anandkumar, Ge, Hsu, Kakade and Telgarsky (2014), "Tensor decompositions for learning latent
variable models", sections 3 and 4. With c = α0 / (α0 + 1), α0 = Σ α_k and topics μ_k,

    M2 = E[x1 ⊗ x2] - c m ⊗ m                     = Σ_k α_k / (α0 (α0 + 1)) μ_k ⊗ μ_k
    M3 = E[x1 ⊗ x2 ⊗ x3] - corrections by m, E[x1 ⊗ x2]
                                                  = Σ_k 2 α_k / (α0 (α0 + 1) (α0 + 2)) μ_k⊗μ_k⊗μ_k

where m = E[x1]. In coordinates in which M2 is the identity the topics are orthogonal, and M3 is
decomposed there. All is done in coordinates that make E[x1 ⊗ x2] the identity: one more vector
then makes M2 the identity, so that another α0 costs no pass over the documents.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from algos._common.random import Key, stream
from algos._common.threads import one_thread_blas
from algos.lda.decomposition import Powers, als, power
from algos.lda.moments import WordMoments, as_panel, padded

Doubles = NDArray[np.float64]

EXTRA = 0.25  # topics more than asked for, of which those of the least prior are left out
OVERSAMPLES = 8  # directions more than wanted, in the search for the leading ones
N_POWER = 2  # steps of that search
FLOOR = 1e-6  # eigenvalues below this share of the greatest are rounding
LEAST = 1e-3  # of the second moment, what is left along the mean


class Whitening(NamedTuple):
    """Coordinates of word distributions: W' E[x1 ⊗ x2] W is the identity."""

    W: Doubles  # (V, r)
    lift: Doubles  # (V, r): E[x1 ⊗ x2] W, which takes coordinates back
    values: Doubles  # (r,): eigenvalues


class SpectralTopics(NamedTuple):
    """Topics by the method of moments; fewer than asked for if the documents tell of fewer."""

    topics: Doubles  # (K, V), rows sum to 1
    prior: Doubles  # (K,), summing to alpha0
    alpha0: float
    powers: Powers
    sums: Doubles


def whiten(moments: WordMoments, count: int, key: Key) -> Whitening:
    """Return coordinates along the `count` leading directions, or as many as there are.

    Subspace iteration from random combinations of documents (Halko, Martinsson and Tropp
    2011, "Finding structure with randomness").
    """
    size = padded(count + OVERSAMPLES)
    if size >= moments.n_words:
        Q = np.eye(moments.n_words)
    else:
        Q = moments.random_range(stream(key, 0), size)
        for _ in range(N_POWER):
            Q = moments.second_times(as_panel(orthonormal(Q)))
        Q = orthonormal(Q)
    panel = as_panel(Q)
    size = Q.shape[1]
    Q, Z = panel[:, :size].astype(np.float64), moments.second_times(panel)[:, :size]
    H = Q.T @ Z
    values, R = linalg.eigh((H + H.T) / 2, Q.T @ Q, check_finite=False)
    values, R = values[::-1][:count], R[:, ::-1][:, :count]
    kept = values > FLOOR * values[0] if len(values) and values[0] > 0 else values > np.inf
    values, R = values[kept], R[:, kept] / np.sqrt(values[kept])
    return Whitening(Q @ R, Z @ R, values)


def orthonormal(Y: Doubles) -> Doubles:
    """Return an orthonormal basis of the columns, to rounding of their squares."""
    values, vectors = linalg.eigh(Y.T @ Y, check_finite=False)
    kept = values > 1e-12 * values[-1]
    basis: Doubles = Y @ (vectors[:, kept] / np.sqrt(values[kept]))
    return basis


def corrected(T: Doubles, m: Doubles, alpha0: float) -> Doubles:
    """Return M3 from E[x1 ⊗ x2 ⊗ x3], where E[x1 ⊗ x2] is the identity and E[x1] is m."""
    along = np.multiply.outer(np.eye(len(m)), m)
    crossed = along + along.transpose(0, 2, 1) + along.transpose(2, 0, 1)
    cube = np.multiply.outer(np.multiply.outer(m, m), m)
    M3: Doubles = T - alpha0 / (alpha0 + 2) * crossed
    M3 += 2 * alpha0**2 / ((alpha0 + 1) * (alpha0 + 2)) * cube
    return M3


def stretch_along(m: Doubles, alpha0: float) -> float:
    """Return the root of what M2 has along m, where E[x1 ⊗ x2] is the identity."""
    return float(np.sqrt(max(1 - alpha0 / (alpha0 + 1) * (m @ m), LEAST)))


def turned(m: Doubles, factor: float) -> Doubles:
    """Return the matrix that multiplies what is along m by the factor."""
    square = float(m @ m)
    unit = m / np.sqrt(square) if square > 0 else m
    matrix: Doubles = np.eye(len(m)) + (factor - 1) * np.outer(unit, unit)
    return matrix


def in_coordinates(T: Doubles, R: Doubles) -> Doubles:
    """Return T(R, R, R) for a symmetric T."""
    for _ in range(3):
        T = np.tensordot(T, R, axes=(0, 0))
    return T


def decomposed(
    space: Whitening,
    m: Doubles,
    T: Doubles,
    alpha0: float,
    key: Key,
    *,
    max_restarts: int,
    max_iter: int,
    tol: float,
    by_power: bool = False,
) -> SpectralTopics:
    """Return topics, the most frequent first, from moments in whitened coordinates.

    A term λ v ⊗ v ⊗ v of M3 where M2 is the identity is a topic of the prior
    4 α0 (α0 + 1) / ((α0 + 2) λ)².
    """
    stretch = stretch_along(m, alpha0)
    M3 = in_coordinates(corrected(T, m, alpha0), turned(m, 1 / stretch))
    find = power if by_power else als
    powers = find(M3, key, max_restarts=max_restarts, max_iter=max_iter, tol=tol)
    lifted = space.lift @ (turned(m, stretch) @ powers.vectors)
    sums = lifted.sum(axis=0)
    topics = np.maximum(np.where(sums < 0, -lifted, lifted), 0).T
    prior = 4 * alpha0 * (alpha0 + 1) / ((alpha0 + 2) * powers.weights) ** 2
    return SpectralTopics(topics, prior, alpha0, powers, sums)
