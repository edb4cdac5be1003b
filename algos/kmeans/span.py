"""Few points with many columns, in coordinates of their span."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas

_WIDE = 2  # columns per point from which rotating them pays ...
_SELDOM = 16  # ... if at least one in so many of them is merged


def is_wide(points: Float64Array, n_passes: int) -> bool:
    """Tell whether distances of all pairs, and `n_passes` of one point, cost more than rotating."""
    m, d = points.shape
    return d >= _WIDE * m and n_passes * _SELDOM >= m


class Span:
    """A rotation of points into as many coordinates, which preserves all distances.

    Householder reflections map all points into the first coordinates; unlike inner products of
    the points, they keep the digits of distances between near points.

    Parameters
    ----------
    points : ndarray of shape (m, d), d >= m
        Less `origin`; overwritten.
    origin : ndarray of shape (d,)

    Attributes
    ----------
    coordinates : ndarray of shape (m, m)
    """

    def __init__(self, points: Float64Array, origin: Float64Array) -> None:
        with one_thread_blas():
            (self._reflections, self._factors), upper = linalg.qr(
                points.T, overwrite_a=True, mode="raw", check_finite=False
            )
        self._origin = origin
        self.coordinates: Float64Array = np.ascontiguousarray(upper.T)

    def lifted(self, coordinates: Float64Array) -> Float64Array:
        """Return the points with these coordinates in all columns."""
        m = coordinates.shape[1]
        columns = np.zeros((len(self._origin), len(coordinates)), order="F")
        columns[:m] = coordinates.T
        with one_thread_blas():
            found, _, _ = lapack.dormqr(
                "L", "N", self._reflections, self._factors, columns, 64 * len(coordinates),
                overwrite_c=True,
            )  # fmt: skip
        lifted: Float64Array = np.ascontiguousarray(found.T)
        lifted += self._origin
        return lifted
