"""From checked rows to a spectrum: which solver, in which range of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key
from algos._common.scale import in_range, scaled
from algos.pca import arpack, covariance, full, randomized
from algos.pca.moments import Doubles, Moments, gather
from algos.pca.rows import CenteredRows
from algos.pca.spectrum import Spectrum

Floats = NDArray[Any]

TRUNCATED = ("arpack", "randomized")  # find the leading directions alone, from a random start
CHEAP = 64  # columns whose scatter takes far less time than a solver without it
ALWAYS_EXACT = 500  # rows and columns, as in scikit-learn


@dataclass(frozen=True)
class Settings:
    """What the estimator's parameters ask of a solver."""

    solver: str
    tol: float
    iterated_power: int | str
    n_oversamples: int
    power_iteration_normalizer: str
    n_threads: int


class Decomposition(NamedTuple):
    """A spectrum of the rows divided by 2**exponent, with their mean and their scatter."""

    spectrum: Spectrum
    mean: Doubles
    scatter: Doubles | None  # None where the solver does not make it
    exponent: int


def choose_solver(n: int, d: int, count: int | None, n_oversamples: int) -> str:
    """Return the solver that "auto" means: the fastest of those that are accurate.

    Parameters
    ----------
    n, d : int
        Shape of the data.
    count : int or None
        Number of components; None if it is known only when all eigenvalues are.
    n_oversamples : int
        See `PCA`.
    """
    small, large = min(n, d), max(n, d)
    if large <= ALWAYS_EXACT:
        return "covariance_eigh" if d <= n else "full"
    is_slim = d <= ALWAYS_EXACT or (10 * d <= n and d <= 2 * ALWAYS_EXACT)
    if is_slim or count is None or count == 0 or count >= 0.8 * small:
        return "covariance_eigh"
    # Multiplications in the time of a good product, all factors measured: the matrix and its
    # leading eigenvectors, against five passes over X and keeping their results orthogonal.
    size = count + n_oversamples
    exact = large * small**2 / 2 + 4.5 * small**3
    passes = 5 * (2.6 * n * d * size + 30 * d * size**2)
    return "covariance_eigh" if exact <= passes else "randomized"


def decompose(X: Floats, count: int | None, key: Key | None, settings: Settings) -> Decomposition:
    """Return the `count` leading directions of the rows of X, or all.

    NaN and infinity are noticed from the sums, without a pass of their own. X is divided by
    a power of two, in a copy, if squares would leave the range of floats.
    """
    rows: Moments | CenteredRows
    if settings.solver == "covariance_eigh" and X.shape[0] >= X.shape[1]:
        rows, exponent = in_range(X, lambda X: gather(X, settings.n_threads), "PCA")
    else:
        rows, exponent = in_range(X, lambda X: CenteredRows(X, settings.n_threads), "PCA")
    return _solve(rows, count, key, settings, exponent)


def moments_of(X: Floats, n_threads: int) -> Moments:
    """Return the moments of the rows of X, whatever their magnitude."""
    moments, exponent = in_range(X, lambda X: gather(X, n_threads), "PCA")
    scatter = unscaled_squares(moments.scatter, exponent)
    return Moments(moments.n, scaled(moments.mean, -exponent), scatter)


def unscaled_squares(squares: Doubles, exponent: int) -> Doubles:
    """Return squares * 4**exponent; infinity where no float is large enough."""
    with np.errstate(over="ignore"):
        return scaled(squares, -2 * exponent)


def _solve(
    rows: Moments | CenteredRows,
    count: int | None,
    key: Key | None,
    settings: Settings,
    exponent: int,
) -> Decomposition:
    scatter = None
    if isinstance(rows, Moments):
        spectrum, scatter = covariance.solve(rows, count), rows.scatter
    elif settings.solver == "covariance_eigh":
        spectrum = covariance.solve_wide(rows, count)
    elif settings.solver == "full":
        spectrum, scatter = full.solve(rows.X, rows.mean)
    elif settings.solver == "arpack":
        assert count is not None and key is not None
        spectrum = arpack.solve(rows, count, key, tol=settings.tol)
    else:
        assert count is not None and key is not None
        spectrum = randomized.solve(
            rows,
            count,
            key,
            n_oversamples=settings.n_oversamples,
            iterated_power=settings.iterated_power,
            power_iteration_normalizer=settings.power_iteration_normalizer,
        )
    if scatter is None and isinstance(rows, CenteredRows) and len(rows.mean) <= CHEAP:
        # partial_fit can go on exactly from it
        scatter = gather(rows.X, settings.n_threads).scatter
    return Decomposition(spectrum, rows.mean, scatter, exponent)
