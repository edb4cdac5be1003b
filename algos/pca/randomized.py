"""svd_solver="randomized": singular vectors from a few random combinations of the columns.

Halko, Martinsson and Tropp (2011), "Finding structure with randomness". A step works on
vectors of length d alone and costs one pass over X: Q → Q Xc' Xc.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from algos._common.random import Key, stream
from algos._common.threads import one_thread_blas
from algos.pca.moments import Doubles
from algos.pca.rows import CenteredRows
from algos.pca.spectrum import Spectrum, completed

MAX_STEPS = 8  # as many passes as scikit-learn makes
ACCURACY = 1e-8  # of the eigenvalues, relative


def solve(
    rows: CenteredRows,
    count: int,
    key: Key,
    *,
    n_oversamples: int,
    iterated_power: int | str,
    power_iteration_normalizer: str,
) -> Spectrum:
    """Return the `count` leading directions.

    An int for `iterated_power` makes so many power iterations, normalised as told. "auto"
    keeps what every step has found (a block Krylov space: Musco and Musco 2015,
    "Randomized block Krylov methods") and stops when the eigenvalues are known.
    """
    n, d = rows.X.shape
    size = min(count + n_oversamples, d)
    start = stream(key).standard_normal((size, d))
    with one_thread_blas():
        if rows.total == 0:
            squares, components = np.zeros(0), np.empty((0, d))
        elif iterated_power == "auto":
            squares, components = _krylov(rows, count, _orthonormal(start))
        else:
            squares, components = _power(
                rows, start, int(iterated_power), power_iteration_normalizer
            )
        found = min(count, len(squares))
        components = completed(components[:found], count)
    variances = np.zeros(count)
    variances[:found] = np.maximum(squares[:found], 0) / (n - 1)
    return Spectrum(variances, components, rows.total / (n - 1))


def _orthonormal(Q: Doubles) -> Doubles:
    return linalg.qr(Q.T, mode="economic", check_finite=False)[0].T


def _power(rows: CenteredRows, Q: Doubles, n_iter: int, normalizer: str) -> tuple[Doubles, Doubles]:
    """Algorithm 4.4 of Halko et al., each step on X'X at once."""
    if normalizer == "auto":
        normalizer = "none" if n_iter <= 2 else "LU"
    for _ in range(n_iter):
        Q = rows.scatter_times(Q)
        if normalizer == "QR":
            Q = _orthonormal(Q)
        elif normalizer == "LU":
            Q = linalg.lu(Q.T, permute_l=True, check_finite=False)[0].T
        Q /= np.abs(Q).max() or 1.0  # keeps unnormalised steps inside the range of floats
    return _project(rows, Q)


def _project(rows: CenteredRows, Q: Doubles) -> tuple[Doubles, Doubles]:
    """Return squared singular values and right vectors of Xc projected on the range of Xc Q.

    With Z = Xc Q', Z'Z = W L W', the range of Z has the orthonormal basis Z W L^(-1/2), and
    the projected Xc has the coordinates L^(-1/2) W' (Z' Xc) in it.
    """
    Q = rows.rounded(_orthonormal(Q))
    Y = rows.scatter_times(Q)
    gram = Q @ Y.T
    values, W = linalg.eigh((gram + gram.T) / 2, check_finite=False)
    kept = values > values[-1] * len(values) * rows.eps
    B = (W[:, kept].T @ Y) / np.sqrt(values[kept])[:, None]
    _, singular, components = linalg.svd(B, full_matrices=False, check_finite=False)
    return singular**2, components


def _krylov(rows: CenteredRows, count: int, Q: Doubles) -> tuple[Doubles, Doubles]:
    """Return Ritz values and vectors of the scatter, from a growing orthonormal basis."""
    V = Y = np.empty((0, Q.shape[1]))
    small = overlap = np.empty((0, 0))
    for _ in range(MAX_STEPS):
        Q = rows.rounded(Q)
        image = rows.scatter_times(Q)
        V, Y = np.concatenate([V, Q]), np.concatenate([Y, image])
        small = _bordered(small, V @ image.T)
        overlap = _bordered(overlap, V @ Q.T)  # the identity, but for rounding
        values, vectors = linalg.eigh(small, overlap, check_finite=False)
        values, vectors = values[::-1], vectors[:, ::-1]
        if _is_known(values, vectors, V, Y, count, rows.eps):
            break
        Q = _next_block(V, image, values[0] * rows.eps)
        if len(Q) == 0:
            break
    return values[:count], vectors[:, :count].T @ V


def _bordered(matrix: Doubles, columns: Doubles) -> Doubles:
    """Return the symmetric matrix that has these as its last columns."""
    size, old = len(columns), len(matrix)
    grown = np.empty((size, size))
    grown[:old, :old] = matrix
    grown[:, old:] = columns
    grown[old:, :old] = columns[:old].T
    corner = columns[old:]
    grown[old:, old:] = (corner + corner.T) / 2
    return grown


def _is_known(
    values: Doubles, vectors: Doubles, V: Doubles, Y: Doubles, count: int, eps: float
) -> bool:
    """Tell whether the leading eigenvalues are accurate, or as good as rounding lets them be.

    The error of a Ritz value is at most the residual, and about its square over the gap to
    the values that are not wanted (Parlett, "The symmetric eigenvalue problem", 11.7).
    """
    if len(values) <= count:
        return False
    top = vectors[:, :count]
    residual = np.linalg.norm(top.T @ Y - values[:count, None] * (top.T @ V), axis=1)
    gap = np.maximum(values[:count] - values[count], np.finfo(float).tiny)
    error = np.minimum(residual, residual**2 / gap)
    return bool(np.all((error <= ACCURACY * values[:count]) | (residual <= eps * values[0])))


def _next_block(V: Doubles, Y: Doubles, floor: float) -> Doubles:
    """Return an orthonormal basis of what Y adds to the span of V, above the floor."""
    for _ in range(3):  # short directions come out of the first round nearly along V
        Y = Y - (Y @ V.T) @ V
        values, vectors = linalg.eigh(Y @ Y.T, check_finite=False)
        sizes = np.sqrt(np.maximum(values, 0))[::-1]
        kept = np.flatnonzero(sizes > max(floor, 1e-7 * sizes[0]))[: V.shape[1] - len(V)]
        if len(kept) == 0:
            return Y[:0]
        Y = (vectors[:, ::-1][:, kept] / sizes[kept]).T @ Y
        floor = 0.1  # of unit vectors, what is left of noise along V is far shorter
    return Y
