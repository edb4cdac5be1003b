"""The squared loss from inner products: computed in one pass, then solved for any penalty."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.memory import require_memory
from algos._common.scale import exponent_of
from algos.linear_learner.problem import Penalty, Problem, Rows, Solution
from algos.linear_learner.solvers.inverse import Inverse, SpectralInverse, invert
from algos.linear_learner.solvers.orthogonal import products_in_double

_EPS = float(np.finfo(np.float64).eps)
_LARGEST = 1e300
_GOOD = {4: 1e-3, 8: 1e-10}  # relative errors of coefficients that need no correction
_ROWS = 1 << 13  # rows whose targets are weighted at a time, in cache
_SHARE = 0.1  # of tol, for the errors of the products


class Products(NamedTuple):
    """Weighted means of products of columns, centred if there is an intercept.

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
        A power of two by which targets are divided, so that their squares do not overflow.
    noise : float
        Approximate relative error of the products, for a matrix of unit diagonal.
    """

    gram: Float64Array
    cross: Float64Array
    square: Float64Array
    mean: Float64Array
    target_mean: Float64Array
    unit: float
    noise: float

    @property
    def null(self) -> float:
        """The objective with all coefficients zero."""
        return float(self.square.sum()) / 2

    def of_unit(self, penalty: Penalty) -> Penalty:
        """Return the penalty of coefficients for targets divided by the unit."""
        return Penalty(np.minimum(penalty.l1 / self.unit, _LARGEST), penalty.l2)

    def negative_gradient(self, coef: Float64Array) -> Float64Array:
        """Return the columns' products with the residuals of coef, (n_outputs, d)."""
        return self.cross - coef @ self.gram

    def loss(self, coef: Float64Array) -> float:
        """Return the mean loss of coef."""
        explained = (coef * (self.cross + self.negative_gradient(coef))).sum(axis=1)
        return float(np.maximum(self.square - explained, 0).sum()) / 2


def require_room(d: int) -> None:
    """Raise MemoryError if the inner products of d columns do not fit in memory."""
    require_memory(
        4 * 8 * d**2,
        f"the matrix of the products of {d} columns",
        'use solver="lbfgs" with an L2 penalty or "coordinate_descent" with an L1 penalty, whose '
        "memory grows linearly with the number of columns",
    )


class Sums(NamedTuple):
    """Sums over rows with centred targets, from one pass.

    Attributes
    ----------
    extended : ndarray of shape (d + 1, d + 1)
        Products of the columns, and of ones as the last.
    cross : ndarray of shape (n_outputs, d + 1)
    squares : ndarray of shape (n_outputs, n_outputs)
    target_mean : ndarray of shape (n_outputs,)
    unit : float
        The power of two that targets were divided by.
    exponent : int
        Of the power of two near the largest target.
    """

    extended: Float64Array
    cross: Float64Array
    squares: Float64Array
    target_mean: Float64Array
    unit: float
    exponent: int


def sums_of(rows: Rows, target: Float64Array, weight: Float64Array) -> Sums:
    """Return the sums over rows, whose weights sum to 1."""
    require_room(rows.d)
    centered, mean, unit, exponent = _centered(target, weight, True)
    extended, cross = rows.gram_and_cross(weight, centered)
    squares = np.zeros((centered.shape[1], centered.shape[1]))
    for start in range(0, len(centered), _ROWS):
        some = centered[start : start + _ROWS]
        squares += (weight[start : start + _ROWS, np.newaxis] * some).T @ some
    return Sums(extended, cross, squares, mean, unit, exponent)


def mean_derivative_bound(sums: Sums) -> float:
    """Return a bound on the null model's mean |derivative|: the root of the mean square."""
    squares = np.diagonal(sums.squares) + sums.target_mean**2
    with np.errstate(over="ignore"):
        return float(np.sqrt(squares.max()) * sums.unit) * (1 + 1e-6)  # roundings


def gather(problem: Problem, *, precise: bool = False, sums: Sums | None = None) -> Products:
    """Return the products of the problem's columns with one another and its targets.

    Parameters
    ----------
    problem : Problem
    precise : bool, default=False
        Multiply in float64 whatever the dtype of the rows, which takes longer.
    sums : Sums, default=None
        Sums of the problem's rows, if they are known.
    """
    rows, weight = problem.rows, problem.weight
    require_room(rows.d)
    if sums is None or precise:
        target, target_mean, unit = centered_target(problem)
        square = (weight[:, np.newaxis] * target * target).sum(axis=0)
        if precise:
            extended, cross = products_in_double(problem, target)
        else:
            extended, cross = rows.gram_and_cross(weight, target)
    else:
        extended, cross, squares, target_mean, unit, _ = sums
        square = np.diagonal(squares)
        if not problem.fit_intercept:
            cross = cross + target_mean[:, np.newaxis] * extended[-1]
            square = square + target_mean**2 * extended[-1, -1]
            target_mean = np.zeros_like(target_mean)
    gram, mean = extended[:-1, :-1], np.zeros(rows.d)
    raw = np.diagonal(gram).copy()
    if problem.fit_intercept:
        mean = extended[-1, :-1] / extended[-1, -1]
        gram = gram - np.outer(mean, extended[-1, :-1])
        cross = cross[:, :-1] - cross[:, -1:] * mean
    else:
        gram, cross = gram.copy(), np.ascontiguousarray(cross[:, :-1])
    noise = without_constants(gram, cross, raw, rows, precise=precise)
    return Products(gram, cross, square, mean, target_mean, unit, noise)


def centered_target(problem: Problem) -> tuple[Float64Array, Float64Array, float]:
    """Return the targets divided by their unit and centred, (n, n_outputs); means; unit."""
    return _centered(problem.target, problem.weight, problem.fit_intercept)[:3]


def _centered(
    target: Float64Array, weight: Float64Array, fit_intercept: bool
) -> tuple[Float64Array, Float64Array, float, int]:
    target = target.reshape(len(target), -1)
    exponent = exponent_of(target)
    unit = float(np.ldexp(1.0, min(exponent, 1022)))
    if abs(exponent) > 100:
        target = target / unit
    else:
        unit = 1.0
    mean = np.zeros(target.shape[1])
    if fit_intercept:
        mean = weight @ target / weight.sum()
        target = target - mean
    return target, mean, unit, exponent


def without_constants(
    gram: Float64Array, cross: Float64Array, raw: Float64Array, rows: Rows, *, precise: bool
) -> float:
    """Zero the products of columns constant up to rounding; return the noise of the others."""
    eps = float(np.finfo(rows.dtype).eps)
    variance = np.diagonal(gram)
    rounding = (4 * eps * np.abs(rows.shift) / rows.scale) ** 2 + 4 * _EPS * (raw - variance)
    constant = variance <= rounding
    gram[constant] = gram[:, constant] = cross[:, constant] = 0
    varies, variance = ~constant, np.diagonal(gram)
    errors = errors_of(raw, np.dtype(np.float64) if precise else rows.dtype)
    return float((errors[varies] / variance[varies]).max(initial=4 * _EPS))


def errors_of(raw: Float64Array, dtype: np.dtype[Any]) -> Float64Array:
    """Return the approximate errors of the variances of columns.

    Parameters
    ----------
    raw : ndarray of shape (d,)
        Mean squares of the columns before centring.
    dtype : dtype
        Type in which products are computed.
    """
    eps = float(np.finfo(dtype).eps)
    # Products in float32 are rounded one by one, and most of that averages out.
    return (4 * _EPS + (eps / 4 if eps > _EPS else 0.0)) * raw


def good_enough(dtype: np.dtype[Any], tol: float) -> float:
    """Return the relative error of coefficients up to which products alone are enough.

    An error e = condition * noise raises the objective by at most e² times that of the null
    model: coefficients v for a matrix H with errors E are off by H⁻¹ E v, and
    v' E H⁻¹ E v <= e² v' H v.
    """
    return min(_GOOD[dtype.itemsize], float(np.sqrt(_SHARE * max(tol, 2 * _EPS))))


def ridge_inverse(products: Products, l2: Float64Array) -> Inverse | None:
    """Return the inverse of the matrix of the normal equations, None if it is singular."""
    matrix = products.gram + np.diag(l2)
    constant = np.diagonal(products.gram) == 0
    matrix[constant, constant] += 1  # any number: their coefficients are zero
    return invert(matrix)


def ridge(
    products: Products, inverse: Inverse | SpectralInverse, l2: Float64Array
) -> tuple[Float64Array, float]:
    """Return coefficients, and the gain that may be left, in squares of the unit.

    That is half the squared Newton decrement of a correction, plus the effect of the errors of
    the products (`good_enough`).
    """
    coef = inverse(products.cross)
    gradient = products.negative_gradient(coef) - l2 * coef
    step = inverse(gradient)
    hidden = products.null * min(inverse.condition * products.noise, 1.0) ** 2
    return coef + step, abs(float((gradient * step).sum())) / 2 + hidden


def finished(
    products: Products,
    penalty: Penalty,
    coef: Float64Array,
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
        After each iteration, in squares of the unit; None for one iteration.
    criterion : str
    loss : float, default=None
        In squares of the unit; None computes it from the products.
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
            bool(certificate <= max(tol, 2 * _EPS)),
            [value * unit * unit for value in objectives],
        )
