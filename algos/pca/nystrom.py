"""The leading part of a scatter, known by one product with directions that are nearly right.

Tropp, Yurtsever, Udell and Cevher (2017), "Fixed-rank approximation of a positive-semidefinite
matrix from streaming data", NIPS 30.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from algos.pca.moments import Doubles
from algos.pca.rows import CenteredRows


def nystrom(Q: Doubles, image: Doubles, eps: float, size: int) -> tuple[Doubles, Doubles]:
    """Return size + 1 leading eigenvalues of A Q' (Q A Q')^-1 Q A, and `size` unit eigenvectors.

    That is no larger than the scatter A, but for rounding, and equal to it along Q.

    Parameters
    ----------
    Q, image : ndarray of shape (l, d)
        Directions, and Q A.
    eps : float
        Rounding unit of the image; directions that are no longer are left out.
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


def unsquared(Q: Doubles, rows: CenteredRows) -> Doubles:
    """Return some rows whose scatter is A Q' (Q A Q')^-1 Q A for the scatter A of many.

    With U an orthonormal basis of Xc Q' they are U' Xc. In double, and never squared, they
    keep the digits of a direction with 1e-12 times the deviation of another.
    """
    U, _ = linalg.qr(rows.coordinates(Q), mode="economic", check_finite=False)
    return rows.combined(U)


def with_others(known: Doubles, others: Doubles) -> Doubles:
    """Return orthonormal rows, and what each of some others adds to them, at length 1."""
    rest = others - (others @ known.T) @ known
    lengths = np.linalg.norm(rest, axis=1)
    is_new = lengths > 1e-6 * np.linalg.norm(others, axis=1)
    return np.concatenate([known, rest[is_new] / lengths[is_new, None]])
