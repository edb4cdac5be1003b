"""The density of a forest's sample around rows, by direction."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float32Array, Float64Array
from algos._cython.cut_density import separation_sums
from algos.random_cut_forest.forest import ROOT, Forest

BLOCK_BYTES = 1 << 24  # of sums held at a time
SOFTENING = 1e-3  # AWS's value: bounds the density of sampled rows
MOST_DIMENSIONS = 3


def directional_density(
    forest: Forest,
    rows: Float32Array,
    dimension: float | None = None,
    n_threads: int = 1,
    exponent: int = 0,
) -> Float64Array:
    r"""Return the density around each row, divided by the side on which its mass lies.

    Let :math:`P_k` be the probability that the cuts separate a row from its neighbourhood on
    side k (there are two sides of each column), :math:`M_k` the expected share of the tree from
    which it is separated, and :math:`D_k` the expected distance to the far end of that box, the
    latter two times that probability, and all averaged over the trees. With
    :math:`P_j = P_{j, low} + P_{j, high}`, and :math:`D_j` likewise, it is AWS's

    .. math:: \rho = \frac{M}{q M + \sum_j P_j (D_j / P_j)^m}, \quad M = \sum_k M_k,

    a share of the sample divided by a volume of dimension m. Side k has the part
    :math:`M_k / M` of it. A row that a tree holds once is deleted from it first; among copies
    its distance is 0.

    Parameters
    ----------
    forest : Forest
        Each tree has at least one row.
    rows : ndarray of shape (n, n_columns), dtype float32
    dimension : float, default=None
        The dimension m of the surface on which the rows lie. None is the number of columns, but
        at most 3, since for more the density soon is either its bound or zero.
    n_threads : int, default=1
        The result is the same for any number.
    exponent : int, default=0
        The unit of the forest is 2**exponent times that of the volume.

    Returns
    -------
    density : ndarray of shape (n, n_columns, 2)
        The part of the mass that lies below the row in each column, and above it; at most
        1 / q = 1000 in all.
    """
    if np.any(forest.heads[:, ROOT] < 0):
        raise ValueError("a tree has no row; learn rows first")
    if dimension is None:
        dimension = min(forest.n_columns, MOST_DIMENSIONS)
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    density = np.empty((len(rows), forest.n_columns, 2))
    step = max(1, BLOCK_BYTES // (48 * forest.n_columns))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        sums = np.zeros((len(some), 3, 2, forest.n_columns))
        separation_sums(*forest.trees, some, sums, n_threads)
        density[start : start + step] = _density_of(sums / forest.n_trees, dimension, exponent)
    return density


def _density_of(means: Float64Array, dimension: float, exponent: int) -> Float64Array:
    """Return (n, d, 2) from the means (n, 3, 2, d) of probabilities, masses and distances."""
    chance, distance = means[:, 0].sum(axis=1), means[:, 2].sum(axis=1)
    mass = means[:, 1]
    whole = mass.sum(axis=(1, 2))
    side = np.divide(distance, chance, out=np.zeros_like(chance), where=chance > 0)
    with np.errstate(over="ignore", under="ignore"):  # an infinite volume has density 0
        power = np.ldexp(side, exponent) ** dimension
        volume = np.sum(np.where(chance > 0, chance * power, 0.0), axis=1)
        per_mass = 1 / (SOFTENING * whole + volume)
    # A row that is separated at the lower side has its mass above it.
    sides: Float64Array = np.moveaxis(mass[:, ::-1], 1, 2) * per_mass[:, None, None]
    return sides
