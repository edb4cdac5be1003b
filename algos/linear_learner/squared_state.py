"""Sufficient statistics of the squared loss, from which any penalty can be solved."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, sparse

from algos._common.arrays import Float64Array
from algos._common.moments import joined_scatter
from algos._common.threads import one_thread_blas
from algos.linear_learner.dense_gram import measured_rows
from algos.linear_learner.penalties import without_negligible_l1
from algos.linear_learner.problem import Control, Penalty, Rows, Solution
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers import gram_descent
from algos.linear_learner.solvers.gram import (
    Products,
    Sums,
    errors_of,
    finished,
    ridge,
    ridge_inverse,
    sums_of,
)
from algos.linear_learner.solvers.inverse import Inverse

_EPS = float(np.finfo(np.float64).eps)
_GOOD = 1e-3  # relative error of coefficients above which small eigenvalues are dropped


class SquaredState(NamedTuple):
    """Moments of the columns (X, y); their size does not depend on the number of rows.

    Attributes
    ----------
    n : int
        Number of rows.
    weight : float
        Their total weight.
    unit : ndarray of shape (d + n_outputs,)
        Powers of two near the columns' magnitudes, by which all of the following are divided;
        the same for all targets.
    mean : ndarray of shape (d + n_outputs,)
    scatter : ndarray of shape (d + n_outputs, d + n_outputs)
        Weighted sum of products of the centred rows.
    n_outputs : int
    errors : ndarray of shape (d,)
        Approximate errors of the scatter's diagonal.
    """

    n: int
    weight: float
    unit: Float64Array
    mean: Float64Array
    scatter: Float64Array
    n_outputs: int
    errors: Float64Array

    @property
    def d(self) -> int:
        return len(self.mean) - self.n_outputs


def measure(rows: Rows, target: Float64Array, weight: Float64Array) -> SquaredState:
    """Return the state of some rows.

    Parameters
    ----------
    rows : Rows
    target : ndarray of shape (n,) or (n, n_outputs), float64
    weight : ndarray of shape (n,), float64
    """
    total = float(weight.sum())
    return state_of(rows, sums_of(rows, target, weight / total), total)


def state_of(rows: Rows, sums: Sums, total: float) -> SquaredState:
    """Return the state of rows, given their sums and total weight."""
    extended, cross = sums.extended, sums.cross
    target_unit = float(np.ldexp(1.0, min(max(sums.exponent, -1000), 1000)))
    target_ratio = sums.unit / target_unit
    mean = extended[-1, :-1]
    gram = extended[:-1, :-1] - np.outer(mean, mean)
    errors = errors_of(np.diagonal(extended)[:-1], rows.dtype)
    cross = cross[:, :-1] - cross[:, -1:] * mean
    position = rows.shift + rows.scale * mean
    unit = _power_of_two(np.maximum(np.abs(position), rows.scale))
    ratio = rows.scale / unit
    gram *= ratio * ratio[:, np.newaxis]
    cross *= ratio * target_ratio
    errors *= total * ratio**2
    scatter = np.empty((rows.d + len(cross), rows.d + len(cross)))
    scatter[: rows.d, : rows.d], scatter[rows.d :, : rows.d] = gram, cross
    scatter[: rows.d, rows.d :] = cross.T
    scatter[rows.d :, rows.d :] = sums.squares * target_ratio**2
    scatter *= total
    unit = np.append(unit, np.repeat(target_unit, len(cross)))
    mean = np.append(position, np.zeros(len(cross))) / unit
    mean[rows.d :] = sums.target_mean * target_ratio
    return SquaredState(rows.n, total, unit, mean, scatter, len(cross), errors)


def parts_of(rows: Rows, sums: Sums, total: float) -> dict[str, Any]:
    """Return the arguments of `state_of` as plain values, since the state may never be needed."""
    return {
        "n": rows.n,
        "d": rows.d,
        "shift": rows.shift,
        "scale": rows.scale,
        "dtype": rows.dtype.str,
        "total": total,
        "sums": sums._asdict(),
    }


def made_of(parts: dict[str, Any]) -> SquaredState:
    """Return the state from `parts_of`, or from its own fields."""
    if "sums" not in parts:
        return SquaredState(**parts)
    rows: Any = SimpleNamespace(**{**parts, "dtype": np.dtype(parts["dtype"])})
    return state_of(rows, Sums(**rows.sums), rows.total)


def updated(
    state: SquaredState | None, X: Any, target: Float64Array, weight: Float64Array, n_threads: int
) -> SquaredState:
    """Return the state with further rows; None is the empty state.

    Parameters
    ----------
    state : SquaredState or None
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
    target : ndarray of shape (n,) or (n, n_outputs), float64
    weight : ndarray of shape (n,), float64, positive
    n_threads : int
    """
    total = float(weight.sum())
    measured = None
    if sparse.issparse(X):
        X = X.astype(np.float64)  # sparse rows are not centred, which float32 cannot afford
    else:
        measured = measured_rows(X, target, weight / total, n_threads)
    if measured is None:
        more = measure(make_rows(X, weight, center=True, n_threads=n_threads), target, weight)
    else:
        more = state_of(*measured, total)
    return more if state is None else joined(state, more)


def joined(a: SquaredState, b: SquaredState) -> SquaredState:
    """Return the state of the rows of both states."""
    unit = np.maximum(a.unit, b.unit)
    unit[a.d :] = unit[a.d :].max()
    (mean_a, scatter_a), (mean_b, scatter_b) = _over(a, unit), _over(b, unit)
    mean, scatter = joined_scatter(a.weight, mean_a, scatter_a, b.weight, mean_b, scatter_b)
    error_a, error_b = (state.errors * (state.unit / unit)[: a.d] ** 2 for state in (a, b))
    errors = error_a + error_b
    return SquaredState(a.n + b.n, a.weight + b.weight, unit, mean, scatter, a.n_outputs, errors)


def without(state: SquaredState, part: SquaredState) -> SquaredState:
    """Return the state without some of its rows."""
    unit = state.unit
    ratio = part.unit / unit
    mean_b, scatter_b = part.mean * ratio, part.scatter * ratio * ratio[:, np.newaxis]
    weight = state.weight - part.weight
    mean = state.mean + (state.mean - mean_b) * (part.weight / weight)
    step = mean_b - mean
    scatter = state.scatter - scatter_b
    scatter -= np.multiply.outer((weight * part.weight / state.weight) * step, step)
    return state._replace(n=state.n - part.n, weight=weight, mean=mean, scatter=scatter)


def _over(state: SquaredState, unit: Float64Array) -> tuple[Float64Array, Float64Array]:
    ratio = state.unit / unit
    return state.mean * ratio, state.scatter * ratio * ratio[:, np.newaxis]


def _power_of_two(values: Float64Array) -> Float64Array:
    """Return powers of two near positive values; 1 for zero."""
    exponents = np.minimum(np.maximum(np.frexp(values)[1], -1000), 1000)
    return np.where(values > 0, np.ldexp(1.0, exponents), 1.0)


def standard(state: SquaredState, *, center: bool) -> tuple[Float64Array, Float64Array]:
    """Return shift and scale of the columns, as `rows.make_rows` would for all rows."""
    return _standard(state, _variance(state), center)


def _standard(
    state: SquaredState, variance: Float64Array, center: bool
) -> tuple[Float64Array, Float64Array]:
    d = state.d
    mean = state.mean[:d]
    squares = variance if center else variance + mean**2
    scale = np.where(squares > 0, np.sqrt(squares) * state.unit[:d], 1.0)
    return (mean * state.unit[:d] if center else np.zeros(d)), scale


def products(state: SquaredState, *, fit_intercept: bool) -> Products:
    """Return the products of the columns in the units of `standard`."""
    d, found = state.d, _variance(state)
    _, scale = _standard(state, found, fit_intercept)
    moments, mean = state.scatter / state.weight, state.mean
    varies = found > 0
    if not fit_intercept:
        moments += np.outer(mean, mean)
        varies |= mean[:d] ** 2 > 0
    # A constant column has no scale, and the unit of removed rows may be huge.
    ratio = np.where(varies, state.unit[:d] / scale, 0.0)
    gram, cross = moments[:d, :d] * ratio * ratio[:, np.newaxis], moments[d:, :d] * ratio
    target_mean = mean[d:] if fit_intercept else np.zeros(state.n_outputs)
    square, unit = np.diagonal(moments)[d:].copy(), float(state.unit[-1])
    variance = np.diagonal(moments)[:d][varies]
    noise = (state.errors[varies] / state.weight / variance).max(initial=4 * _EPS)
    return Products(gram, cross, square, np.zeros(d), target_mean.copy(), unit, float(noise))


def largest_null_gradient(state: SquaredState, *, fit_intercept: bool, standardize: bool) -> float:
    """Return the largest |gradient| of the model without coefficients, in the user's units."""
    gathered = products(state, fit_intercept=fit_intercept)
    gradient = np.abs(gathered.cross).max(axis=0, initial=0) * gathered.unit
    if not standardize:
        gradient = gradient * standard(state, center=fit_intercept)[1]
    return float(gradient.max(initial=0))


def _variance(state: SquaredState) -> Float64Array:
    """Return the variances of X, zero if they are no larger than rounding errors."""
    scatter, mean = np.diagonal(state.scatter)[: state.d], state.mean[: state.d]
    is_more = scatter > state.errors + state.weight * (10 * _EPS * mean) ** 2
    return np.where(is_more, scatter, 0.0) / state.weight


def solve(
    state: SquaredState, penalties: list[Penalty], control: Control, *, fit_intercept: bool = True
) -> list[Solution]:
    """Return the minimum for each penalty, in the units of `standard`.

    Parameters
    ----------
    state : SquaredState
    penalties : list of Penalty
        Strongest first.
    control : Control
    fit_intercept : bool, default=True

    Notes
    -----
    If columns are dependent up to the precision of the products, the solution of least norm is
    returned, since there are no rows to refine it.
    """
    return solve_products(products(state, fit_intercept=fit_intercept), penalties, control)


def solve_products(
    gathered: Products,
    penalties: list[Penalty],
    control: Control,
    known: tuple[Penalty, Inverse] | None = None,
) -> list[Solution]:
    """Solve from the products; the inverse for one penalty may be known."""
    solutions: list[Solution] = []
    coef = np.zeros(gathered.cross.shape)
    with np.errstate(over="ignore"):
        derivative = float(np.sqrt(gathered.square.max(initial=0))) * gathered.unit
        for k, given in enumerate(penalties):
            penalty = without_negligible_l1(given, derivative) if given.has_l1 else given
            if penalty.has_l1:
                solution = gram_descent.solve_one(gathered, penalty, control, coef, k)
            else:
                inverse = known[1] if known is not None and known[0] is given else None
                solution = _solve_ridge(gathered, penalty, control.tol, inverse)
            solutions.append(solution)
            coef = solution.coef
    return solutions


def _solve_ridge(
    products: Products, penalty: Penalty, tol: float, inverse: Inverse | None
) -> Solution:
    inverse = inverse or ridge_inverse(products, penalty.l2)
    if inverse is not None and inverse.condition * products.noise <= _GOOD:
        coef, decrement = ridge(products, inverse, penalty.l2)
    else:
        coef, decrement = _shortest(products, penalty.l2), 0.0
    return finished(products, penalty, coef, decrement, tol)


def _shortest(products: Products, l2: Float64Array) -> Float64Array:
    matrix = products.gram + np.diag(l2)
    with one_thread_blas():
        values, vectors = linalg.eigh(matrix, check_finite=False)
    kept = values > len(values) * products.noise * values.max(initial=0)
    vectors = vectors[:, kept]
    coef: Float64Array = (products.cross @ vectors) / values[kept] @ vectors.T
    return coef


def mean_squared_error(
    state: SquaredState, coef: Float64Array, intercept: Float64Array
) -> Float64Array:
    """Return the weighted mean squared residuals of the state's rows, divided by its unit².

    Parameters
    ----------
    state : SquaredState
    coef : ndarray of shape (..., n_outputs, d)
        Of any number of models, in the user's units.
    intercept : ndarray of shape (..., n_outputs)

    Returns
    -------
    errors : ndarray of shape (..., n_outputs)
    """
    d, unit = state.d, state.unit[-1]
    coef = coef * (state.unit[:d] / unit)
    moments = state.scatter / state.weight
    left = moments[d:, :d] - coef @ moments[:d, :d]
    squares = np.diagonal(moments)[d:] - (coef * (moments[d:, :d] + left)).sum(axis=-1)
    offset = state.mean[d:] - coef @ state.mean[:d] - intercept / unit
    with np.errstate(over="ignore"):
        errors: Float64Array = np.maximum(squares, 0) + offset**2
    return errors
