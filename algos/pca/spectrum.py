"""The result of every solver: its spectrum, signs, and number of components."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.special import gammaln

from algos._common.arrays import Float64Array
from algos._common.random import Key, stream
from algos.pca.krylov import beside, orthonormal

KEY: Key = np.array([0x2545F4914F6CDD1D, 0x9E6C63D0676A9A99], dtype=np.uint64)
BLOCKED = 64  # numbers of room for each vector, with which LAPACK works in blocks


class Spectrum(NamedTuple):
    """Eigenvalues and eigenvectors of the covariance, the largest first."""

    variances: Float64Array  # (m,), sum of squares along the component / (n - 1)
    components: Float64Array  # (at most m, d), orthonormal rows: as many as are wanted
    total_variance: float  # of all directions


def with_fixed_signs(components: Float64Array) -> Float64Array:
    """Return the components with the largest entry of each positive.

    As in scikit-learn, the first of equal magnitudes decides.
    """
    if components.size == 0:
        return components
    peak = np.argmax(np.abs(components), axis=1)
    signs = np.sign(components[np.arange(len(components)), peak])
    signs[signs == 0] = 1
    return components * signs[:, None]


def completed(components: Float64Array, count: int) -> Float64Array:
    """Return `count` orthonormal rows that begin with the given ones.

    Directions without variance, which a solver cannot find, are arbitrary. (Usually a single
    one is missing: n centred rows have at most n - 1 directions.)
    """
    found = len(components)
    if found >= count:
        return components
    make = _random_beside if 4 * (count - found) < found else _images_of_axes  # the cheaper one
    return np.concatenate([components, make(components, count - found)])


def _random_beside(components: Float64Array, count: int) -> Float64Array:
    others = stream(KEY).standard_normal((count, components.shape[1]))
    for _ in range(2):  # what remains of the random vectors may be short, with much rounding
        others = orthonormal(beside(components, others))
    return others


def _images_of_axes(components: Float64Array, count: int) -> Float64Array:
    """Map the next axes by the reflections that map the first ones to the given rows."""
    found, d = components.shape
    axes = np.eye(count, d, found)
    if not found:
        return axes
    (reflections, tau), _ = linalg.qr(components.T, mode="raw", check_finite=False)
    room = max(BLOCKED * count, 1)
    images, _, _ = linalg.lapack.dormqr("L", "N", reflections, tau, axes.T, room)
    return np.ascontiguousarray(images.T)


def count_for_ratio(variances: Float64Array, total: float, ratio: float) -> int:
    """Return how many components explain more than `ratio` of the variance."""
    shares = np.cumsum(variances / total) if total > 0 else np.ones(len(variances))
    return min(int(np.searchsorted(shares, ratio, side="right")) + 1, len(variances))


def count_by_evidence(variances: Float64Array, n: int) -> int:
    """Return the number of components of largest evidence, in [1, d - 1].

    Minka (2000), "Automatic choice of dimensionality for PCA", eq. 30 with the Laplace
    determinant of eq. 31; all candidates at once.
    """
    d = len(variances)
    if d < 2:
        return 0
    floor = 1e-15
    value = np.maximum(variances, floor)
    rank = np.arange(1, d)
    half = (d - np.arange(d)) / 2  # (d - i + 1) / 2 for i = 1 … d
    prior = np.cumsum(gammaln(half) - half * np.log(np.pi))[:-1] - rank * np.log(2)
    tail = np.cumsum(variances[::-1])[::-1][1:]  # sum of the variances from rank on
    noise = np.maximum(tail / (d - rank), floor)
    log_value = np.log(value)
    fit = -0.5 * n * (np.cumsum(log_value)[:-1] + np.log(noise) * (d - rank))
    n_pairs = d * rank - rank * (rank + 1) / 2
    volume = 0.5 * np.log(2 * np.pi) * (n_pairs + rank)
    evidence = prior + fit + volume - 0.5 * _log_determinants(value, noise, n)
    evidence -= 0.5 * n_pairs * np.log(n) + 0.5 * rank * np.log(n)
    evidence[variances[:-1] < floor] = -np.inf
    return int(np.argmax(evidence)) + 1


def _log_determinants(value: Float64Array, noise: Float64Array, n: int) -> Float64Array:
    """Sum log((l_i - l_j)(1/m_j - 1/m_i)) over i < rank, j > i, for each rank.

    m is l for the kept directions and the noise for the others. Where l_i = l_j the
    approximation is undefined; their sampling error replaces the gap.
    """
    d = len(value)
    gap = value[:, None] - value[None, :]
    tiny, resolved = 4 * np.finfo(float).eps, np.sqrt(2 / n)
    gap = np.where(gap > tiny * value[:, None], gap, resolved * value[:, None])
    log_gap = np.triu(np.log(gap), 1)
    log_value = np.log(value)
    rank = np.arange(1, d)
    gaps = np.cumsum(log_gap.sum(axis=1))[:-1]
    # Pairs that are both kept: 1/l_j - 1/l_i = (l_i - l_j) / (l_i l_j).
    kept = np.cumsum(log_gap.sum(axis=0))[:-1] - (rank - 1) * np.cumsum(log_value)[:-1]
    inverse = 1 / value[:-1, None]
    excess = 1 / noise[None, :] - inverse  # (i, rank)
    excess = np.where(excess > tiny * inverse, excess, resolved * inverse)
    others = (d - rank) * np.triu(np.log(excess)).sum(axis=0)
    return gaps + kept + others
