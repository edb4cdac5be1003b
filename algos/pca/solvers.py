"""From checked rows to a spectrum: which solver, in which range of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite

from algos._common.random import Key
from algos._common.scale import exponent_of, is_safe, scaled
from algos.pca import arpack, covariance, full, randomized
from algos.pca.moments import Doubles, Moments, gather
from algos.pca.rows import CenteredRows
from algos.pca.spectrum import Spectrum

Floats = NDArray[Any]

ALWAYS_EXACT = 500  # rows and columns, as in scikit-learn
_ROUNDED_TO_ZERO = 32  # squares of numbers below 2**-32 may be lost beside others, in float32


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
    if d <= n and (d <= ALWAYS_EXACT or (10 * d <= n and d <= 2 * ALWAYS_EXACT)):
        return "covariance_eigh"
    if count is None or max(n, d) <= ALWAYS_EXACT or count >= 0.8 * min(n, d) or count == 0:
        return "covariance_eigh" if d <= n else "full"
    # Multiplications: products of all pairs of columns, and an eigenproblem in double on
    # matrix-vector products; against five passes over X in both directions.
    exact = n * d**2 / 2 + 10 * d**3
    size = count + n_oversamples
    passes = 5 * (2 * n * d * size + 8 * d * size**2)
    return "covariance_eigh" if exact <= passes and d <= n else "randomized"


def decompose(X: Floats, count: int | None, key: Key, settings: Settings) -> Decomposition:
    """Return the `count` leading directions of the rows of X, or all.

    NaN and infinity are noticed from the sums, without a pass of their own. X is divided by
    a power of two, in a copy, if squares would leave the range of floats.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        rows = _measure(X, settings)
    exponent = 0
    if not is_safe(_mean_square(rows), X.dtype):
        assert_all_finite(X, estimator_name="PCA", input_name="X")
        found = exponent_of(X)
        # Zero: equal rows, unless they are so small that their squares are lost.
        if _mean_square(rows) != 0 or abs(found) >= _ROUNDED_TO_ZERO:
            exponent = found
            rows = _measure(scaled(X, exponent), settings)
    return _solve(rows, count, key, settings, exponent)


def _measure(X: Floats, settings: Settings) -> Moments | CenteredRows:
    if settings.solver == "covariance_eigh":
        return gather(X, settings.n_threads)
    return CenteredRows(X, settings.n_threads)


def _mean_square(rows: Moments | CenteredRows) -> float:
    if isinstance(rows, Moments):
        return float(np.trace(rows.scatter)) / rows.n
    return rows.total / len(rows.X)


def _solve(
    rows: Moments | CenteredRows,
    count: int | None,
    key: Key,
    settings: Settings,
    exponent: int,
) -> Decomposition:
    scatter = None
    if isinstance(rows, Moments):
        spectrum, scatter = covariance.solve(rows, count), rows.scatter
    elif settings.solver == "full":
        spectrum, R = full.solve(rows.X, rows.mean)
        if len(rows.X) >= len(rows.mean):
            scatter = R.T @ R
    elif settings.solver == "arpack":
        assert count is not None
        spectrum = arpack.solve(rows, count, key, tol=settings.tol)
    else:
        assert count is not None
        spectrum = randomized.solve(
            rows,
            count,
            key,
            n_oversamples=settings.n_oversamples,
            iterated_power=settings.iterated_power,
            power_iteration_normalizer=settings.power_iteration_normalizer,
        )
    return Decomposition(spectrum, rows.mean, scatter, exponent)
