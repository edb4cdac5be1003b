"""The squared loss from inner products: gathered in one pass, then solved for any penalty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from algos._common.memory import require_memory
from algos._common.scale import exponent_of
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Doubles, Penalty, Problem, Rows, Solution

_EPS = float(np.finfo(np.float64).eps)
_LARGEST = 1e300


class Products(NamedTuple):
    """Weighted means of products of columns, less the means' products with an intercept.

    Attributes
    ----------
    gram : ndarray of shape (d, d)
        Rows and columns of zeros for columns that do not vary.
    cross : ndarray of shape (n_outputs, d)
    square : ndarray of shape (n_outputs,)
    mean : ndarray of shape (d,)
        Zeros without an intercept, and so is `target_mean`.
    target_mean : ndarray of shape (n_outputs,)
    unit : float
        A power of two that targets are taken over, so that their squares are numbers.
    noise : float
        About the relative error of the products, for a matrix of unit diagonal.
    """

    gram: Doubles
    cross: Doubles
    square: Doubles
    mean: Doubles
    target_mean: Doubles
    unit: float
    noise: float

    @property
    def null(self) -> float:
        """Objective with all coefficients zero."""
        return float(self.square.sum()) / 2

    def of_unit(self, penalty: Penalty) -> Penalty:
        """Return the penalty of coefficients for targets over the unit."""
        return Penalty(np.minimum(penalty.l1 / self.unit, _LARGEST), penalty.l2)

    def slopes(self, coef: Doubles) -> Doubles:
        """Return the columns' products with the residuals of coef, (n_outputs, d)."""
        return self.cross - coef @ self.gram

    def loss(self, coef: Doubles) -> float:
        """Return the mean loss of coef."""
        explained = (coef * (self.cross + self.slopes(coef))).sum(axis=1)
        return float(np.maximum(self.square - explained, 0).sum()) / 2


class Ridge(NamedTuple):
    """Coefficients for one L2 penalty.

    Attributes
    ----------
    coef : ndarray of shape (n_outputs, d)
    condition : float
        Estimated, of the matrix that was inverted, scaled to a unit diagonal.
    decrement : float
        Half the squared Newton decrement.
    """

    coef: Doubles
    condition: float
    decrement: float


def require_room(d: int) -> None:
    """Raise MemoryError if the inner products of d columns have no room."""
    require_memory(
        4 * 8 * d**2,
        f"the matrix of the products of {d} columns",
        'use solver="conjugate_gradient" or "coordinate_descent", whose memory grows with d '
        "and not its square",
    )


def gather(problem: Problem) -> Products:
    """Return the products of the problem's columns with one another and its targets."""
    rows, weight = problem.rows, problem.weight
    require_room(rows.d)
    target, target_mean, unit = centered_target(problem)
    weighted = target * weight[:, None]
    extended, cross = rows.gram(weight), rows.cross(weighted)
    square = (weighted * target).sum(axis=0)
    gram, mean = extended[:-1, :-1], np.zeros(rows.d)
    raw = np.diagonal(gram).copy()
    if problem.fit_intercept:
        mean = extended[-1, :-1] / extended[-1, -1]
        gram = gram - np.outer(mean, extended[-1, :-1])
        cross = cross[:, :-1] - cross[:, -1:] * mean
    else:
        gram, cross = gram.copy(), np.ascontiguousarray(cross[:, :-1])
    noise = without_constants(gram, cross, raw, rows)
    return Products(gram, cross, square, mean, target_mean, unit, noise)


def centered_target(problem: Problem) -> tuple[Doubles, Doubles, float]:
    """Return the targets over their unit less their means, (n, n_outputs); means; unit."""
    target = problem.target.reshape(len(problem.target), -1)
    exponent = exponent_of(target)
    unit = float(np.ldexp(1.0, min(exponent, 1022)))
    if abs(exponent) > 100:
        target = target / unit
    else:
        unit = 1.0
    mean = np.zeros(target.shape[1])
    if problem.fit_intercept:
        mean = problem.weight @ target / problem.weight.sum()
        target = target - mean
    return target, mean, unit


def without_constants(gram: Doubles, cross: Doubles, raw: Doubles, rows: Rows) -> float:
    """Zero what rounding has left of constant columns; return the noise of the others."""
    eps = float(np.finfo(rows.dtype).eps)
    variance = np.diagonal(gram)
    rounding = (4 * eps * np.abs(rows.shift) / rows.scale) ** 2 + 16 * _EPS * raw
    constant = (variance <= rounding) & (raw > variance) | (variance <= 0)
    constant |= (rows.shift != 0) & (variance <= rounding)
    gram[constant] = gram[:, constant] = cross[:, constant] = 0
    kept = ~constant
    magnified = (raw[kept] / np.diagonal(gram)[kept]).max(initial=1.0)
    # Products in float32 are rounded one by one, and most of that averages out.
    return max(4 * _EPS * magnified, eps / 4 if eps > _EPS else 0.0)


def solve_ridge(products: Products, l2: Doubles) -> Ridge | None:
    """Return the coefficients by Cholesky's decomposition; None if there is none."""
    matrix = products.gram + np.diag(l2)
    diagonal = np.diagonal(matrix)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))
    matrix *= scale * scale[:, None]
    np.fill_diagonal(matrix, 1)
    with one_thread_blas():
        norm = np.abs(matrix).sum(axis=0).max(initial=0)
        factor, info = lapack.dpotrf(matrix.T, lower=0, overwrite_a=1, clean=0)
        if info != 0:
            return None
        inverse_condition, info = lapack.dpocon(factor, norm, uplo="U")
        if not inverse_condition > 0:
            return None

        def invert(right: Doubles) -> Doubles:
            solved: Doubles = lapack.dpotrs(factor, (right * scale).T, lower=0)[0].T * scale
            return solved

        coef = invert(products.cross)
        gradient = products.slopes(coef) - l2 * coef
        step = invert(gradient)
    return Ridge(coef + step, 1 / inverse_condition, float((gradient * step).sum()) / 2)


def finished(
    products: Products,
    penalty: Penalty,
    coef: Doubles,
    certificate: float,
    tol: float,
    objectives: list[float] | None = None,
    *,
    criterion: str = "gradient norm",
    loss: float | None = None,
) -> Solution:
    """Return the solution for coefficients in the products' unit.

    Parameters
    ----------
    products : Products
    penalty : Penalty
        Of that unit.
    coef : ndarray of shape (n_outputs, d)
    certificate : float
        In squares of the unit.
    tol : float
    objectives : list of float, default=None
        Of each iteration, in squares of the unit; None for one iteration.
    criterion : str
    loss : float, default=None
        In squares of the unit; None takes it from the products.
    """
    null, unit = products.null, products.unit
    loss = products.loss(coef) if loss is None else loss
    objective = loss + penalty.value(coef)
    certificate = certificate / null if null > 0 else 0.0
    intercept = products.target_mean - coef @ products.mean
    objectives = [objective] if objectives is None else objectives
    with np.errstate(over="ignore"):
        return Solution(
            coef * unit,
            intercept * unit,
            objective * unit * unit,
            certificate,
            criterion,
            len(objectives),
            bool(certificate <= tol),
            [value * unit * unit for value in objectives],
        )
