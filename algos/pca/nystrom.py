"""Nyström approximation of a scatter matrix from one product with approximate directions.

Tropp, Yurtsever, Udell and Cevher (2017), "Fixed-rank approximation of a positive-semidefinite
matrix from streaming data", NIPS 30.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from algos._common.arrays import Float64Array
from algos.pca.rows import CenteredRows


def nystrom(
    Q: Float64Array, image: Float64Array, eps: float, size: int
) -> tuple[Float64Array, Float64Array]:
    """Return size + 1 leading eigenvalues of A Q' (Q A Q')^-1 Q A, and `size` unit eigenvectors.

    Up to rounding, this never exceeds the scatter matrix A, and equals it along Q.

    Parameters
    ----------
    Q, image : ndarray of shape (l, d)
        Directions, and Q A.
    eps : float
        Rounding unit of the image; directions below it are left out.
    size : int
    """
    small = image @ Q.T
    values, mix = linalg.eigh((small + small.T) / 2, driver="evd", check_finite=False)
    kept = values > len(Q) * eps * max(values[-1], 0.0)
    mix = mix[:, kept] / np.sqrt(values[kept])
    product = mix.T @ (image @ image.T) @ mix
    squares, turn = linalg.eigh(product, driver="evd", check_finite=False)
    squares, turn = squares[::-1][: size + 1], turn[:, ::-1][:, :size]
    lengths = np.sqrt(squares[:size])
    return squares, ((mix @ turn) / lengths).T @ image


def unsquared(Q: Float64Array, rows: CenteredRows) -> Float64Array:
    """Return few rows with the scatter A Q' (Q A Q')^-1 Q A, where A is that of all rows.

    They are U' Xc with U an orthonormal basis of Xc Q'. In double and without squaring, a
    direction keeps its digits even if its deviation is 1e-12 times that of another.
    """
    U, _ = linalg.qr(rows.coordinates(Q), mode="economic", check_finite=False)
    return rows.combined(U)


def with_others(known: Float64Array, others: Float64Array) -> Float64Array:
    """Return orthonormal rows, followed by the normalised parts of others beside them."""
    rest = others - (others @ known.T) @ known
    lengths = np.linalg.norm(rest, axis=1)
    is_new = lengths > 1e-6 * np.linalg.norm(others, axis=1)
    return np.concatenate([known, rest[is_new] / lengths[is_new, None]])
