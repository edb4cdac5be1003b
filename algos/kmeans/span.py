"""Few points with many columns, in coordinates of the space that they span."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from algos._common.threads import one_thread_blas
from algos.kmeans.rows import Doubles

_WIDE = 2  # columns for each point from which it pays to turn them ...
_LOOKS = 16  # ... if at least one in so many of them is merged


def is_wide(points: Doubles, n_looks: int) -> bool:
    """Tell whether it takes longer to look at all pairs, and so often at a point, than to turn."""
    m, d = points.shape
    return d >= _WIDE * m and n_looks * _LOOKS >= m


class Span:
    """As many coordinates as there are points, which keep every distance between them.

    Householder reflections bring all points into the first coordinates at once; unlike the
    products of the points, they keep the digits of near ones.

    Parameters
    ----------
    points : ndarray of shape (m, d), d >= m
        Less `origin`; written over.
    origin : ndarray of shape (d,)

    Attributes
    ----------
    coordinates : ndarray of shape (m, m)
    """

    def __init__(self, points: Doubles, origin: Doubles) -> None:
        with one_thread_blas():
            (self._reflections, self._factors), upper = linalg.qr(
                points.T, overwrite_a=True, mode="raw", check_finite=False
            )
        self._origin = origin
        self.coordinates: Doubles = np.ascontiguousarray(upper.T)

    def lifted(self, coordinates: Doubles) -> Doubles:
        """Return vectors of the space in all columns."""
        m = coordinates.shape[1]
        columns = np.zeros((len(self._origin), len(coordinates)), order="F")
        columns[:m] = coordinates.T
        with one_thread_blas():
            found, _, _ = lapack.dormqr(
                "L", "N", self._reflections, self._factors, columns, 64 * len(coordinates),
                overwrite_c=True,
            )  # fmt: skip
        lifted: Doubles = np.ascontiguousarray(found.T)
        lifted += self._origin
        return lifted
