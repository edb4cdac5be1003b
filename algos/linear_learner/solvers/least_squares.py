"""The squared loss: every penalty from one pass, with more passes if precision requires them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers import gram_descent
from algos.linear_learner.solvers.gram import (
    Sums,
    centered_target,
    finished,
    gather,
    good_enough,
    ridge,
    ridge_inverse,
)
from algos.linear_learner.solvers.inverse import Inverse, SpectralInverse, Spectrum
from algos.linear_learner.solvers.orthogonal import Triangle, blocks, solve_exactly, triangle
from algos.linear_learner.solvers.wide import solve_by_rows, solve_with_conjugates

_EPS = float(np.finfo(np.float64).eps)
_GOOD_OF_FEW = 1e-13  # errors of coefficients to correct in small problems
_FEW = 1 << 16  # values of X in a small problem
_CORRECTABLE = 1e-2  # errors that corrections can reduce,
_CORRECTABLE_OF_FEW = 1e-10  # the same in small problems, which are solved to full precision
_MOST_CORRECTIONS = 6
_MANY, _MANY_COLUMNS = 16, 64  # penalties and columns from which an eigendecomposition pays
_MOST_SPARSE_ROWS = 1000  # in a matrix of products of rows
_MOST_PRODUCTS = 1 << 29  # of values of CSR rows, for that matrix
_MOST_COLUMNS = {False: 8192, True: 2048}  # dense, sparse: in a matrix of products of columns


def solve(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
    sums: Sums | None = None,
) -> list[Solution]:
    """Return the minimum of the squared loss and each penalty.

    If columns are dependent and nothing is penalised, the solution has least norm.

    Parameters
    ----------
    problem : Problem
    penalties : list of Penalty
        Strongest first.
    control : Control
    start : list of Solution, default=None
        Where to start; used by iterative methods only.
    sums : Sums, default=None
        Of the problem's rows, if they are known.

    Returns
    -------
    list of Solution

    Notes
    -----
    With n rows and d columns, inner products take O(n d²) time for all penalties together, and
    O(d²) memory; each L2 penalty then takes O(d³), each sweep of an L1 penalty O(d²). With fewer
    rows than columns it is O(n² d) time and O(n²) memory. Sparse rows with many columns take one
    pass per iteration, and O(d) memory for each penalty.
    """
    with np.errstate(over="ignore"):
        rows = problem.rows
        if any(penalty.has_l1 for penalty in penalties) or fits(rows.n, rows.d, rows.is_sparse):
            return _from_products(problem, penalties, control, start, sums)
        if rows.n <= rows.d and (not rows.is_sparse or _has_few_products(rows)):
            return solve_by_rows(problem, penalties, control)
        return solve_with_conjugates(problem, penalties, control, start)


def _has_few_products(rows: Any) -> bool:
    return rows.n <= _MOST_SPARSE_ROWS and rows.n * int(rows.X.nnz) <= _MOST_PRODUCTS


def fits(n: int, d: int, is_sparse: bool) -> bool:
    """Tell whether the matrix of products of columns is the fastest method for L2 penalties."""
    few = d <= 256 or d <= n
    return few and d <= _MOST_COLUMNS[is_sparse]


def _from_products(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None,
    sums: Sums | None,
) -> list[Solution]:
    many = sum(not penalty.has_l1 for penalty in penalties) >= _MANY
    squares = _LeastSquares(problem, sums, many=many and problem.rows.d >= _MANY_COLUMNS)
    solutions: list[Solution] = []
    for k, penalty in enumerate(penalties):
        if penalty.has_l1:
            products, near = squares.products, start[k] if start else None
            near = near or (solutions[-1] if solutions else None)
            coef = np.zeros(products.cross.shape) if near is None else near.coef
            solutions.append(gram_descent.solve_one(products, penalty, control, coef, k))
        else:
            solutions.append(squares.solve(penalty, control.tol))
    return solutions


class _Residual(NamedTuple):
    """Residuals of some coefficients, in the unit of the products."""

    cross: Float64Array  # (n_outputs, d): products with the columns
    mean: Float64Array  # (n_outputs,)
    loss: float


class _LeastSquares:
    """One problem without L1 penalty: its products, and whatever else a penalty requires.

    The Cholesky decomposition of inner products loses twice as many digits as the condition of the
    columns implies. The loss is known from the decomposition. It is repaired by corrections from
    residuals, which lose the digits once, or, if too few digits are left, by a QR decomposition.
    Small problems are solved to full precision.
    """

    def __init__(self, problem: Problem, sums: Sums | None, *, many: bool) -> None:
        self.problem, self.many = problem, many
        self.products = gather(problem, sums=sums)
        self.few = problem.rows.n * problem.rows.d <= _FEW
        self.kept = np.flatnonzero(np.diagonal(self.products.gram))
        itemsize = problem.rows.dtype.itemsize
        self.all_digits = self.few and itemsize == 8
        self.rounding = 4 * _EPS if itemsize == 8 else 1e-8
        self.is_precise = False
        self._triangle: Triangle | None = None
        self._spectrum: Spectrum | None = None

    @property
    def triangle(self) -> Triangle:
        if self._triangle is None:
            self._triangle = triangle(self.problem, self._centered_target(), self.kept)
        return self._triangle

    def _centered_target(self) -> Float64Array:
        return centered_target(self.problem)[0]

    def solve(self, penalty: Penalty, tol: float) -> Solution:
        """Return the minimum for one penalty."""
        products, l2 = self.products, penalty.l2
        inverse = self._invert(l2)
        good = _GOOD_OF_FEW if self.all_digits else good_enough(self.problem.rows.dtype, tol)
        if inverse is not None and inverse.condition * products.noise <= good:
            return self._solve_directly(inverse, penalty, tol)
        correctable = _CORRECTABLE_OF_FEW if self.few else _CORRECTABLE
        if inverse is not None and inverse.condition * products.noise <= correctable:
            return self._corrected(inverse.__call__, inverse(products.cross), penalty, tol)
        if self.problem.rows.dtype == np.float32 and not self.is_precise:
            self.products = gather(self.problem, precise=True)
            self.is_precise, self._spectrum = True, None
            return self.solve(penalty, tol)
        return self._solve_by_rotations(penalty, tol)

    def _invert(self, l2: Float64Array) -> Inverse | SpectralInverse | None:
        if not self.many or not l2.all():
            return ridge_inverse(self.products, l2)
        largest = l2.max()
        direction = l2 / largest
        spectrum = self._spectrum
        if spectrum is None or not np.allclose(spectrum.direction, direction, 1e-14, 0):
            self._spectrum = spectrum = Spectrum(self.products.gram, direction)
        return spectrum.inverse(largest)

    def _solve_directly(
        self, inverse: Inverse | SpectralInverse, penalty: Penalty, tol: float
    ) -> Solution:
        products = self.products
        coef, decrement = ridge(products, inverse, penalty.l2)
        loss = products.loss(coef)
        if loss < 1e-6 * products.null:  # cancellation
            loss = self._residual(coef).loss
        return finished(products, penalty, coef, decrement, tol, loss=loss)

    def _solve_by_rotations(self, penalty: Penalty, tol: float) -> Solution:
        """Solve if inner products are too inaccurate."""
        l2, kept = penalty.l2[self.kept], self.kept
        triangle = self.triangle.with_penalty(l2)
        if triangle.is_deficient(self.problem.rows.n):
            coef = self._spread(triangle.least_norm())
            loss = self._residual(coef).loss
            return finished(self.products, penalty, coef, 0.0, tol, loss=loss)
        if self.few:
            exact = solve_exactly(self.problem, self._centered_target(), penalty.l2, kept)
            if exact is not None:
                return finished(self.products, penalty, exact.coef, 0.0, tol, loss=exact.loss)
        inverse = Inverse(*triangle.normalized(), np.inf)

        def spread_inverse(right: Float64Array) -> Float64Array:
            return self._spread(inverse(right[:, kept]))

        return self._corrected(spread_inverse, self._spread(triangle.solve()), penalty, tol)

    def _spread(self, coef: Float64Array) -> Float64Array:
        """Expand coefficients of the columns kept to all columns."""
        spread = np.zeros((len(coef), self.problem.rows.d))
        spread[:, self.kept] = coef
        return spread

    def _corrected(
        self,
        inverse: Callable[[Float64Array], Float64Array],
        coef: Float64Array,
        penalty: Penalty,
        tol: float,
    ) -> Solution:
        """Correct by residuals until the corrections are no larger than rounding errors.

        Björck (1987), "Stability analysis of the method of seminormal equations".
        """
        decrement, before = 0.0, np.inf
        objectives: list[float] = []
        for _ in range(_MOST_CORRECTIONS):
            residual = self._residual(coef)
            gradient = residual.cross - penalty.l2 * coef
            step = inverse(gradient)
            size = float(np.abs(step).max() / max(np.abs(coef).max(), 1e-300))
            objectives.append(residual.loss + penalty.value(coef))
            decrement = abs(float((gradient * step).sum()) / 2)
            if not size < before / 2:
                break
            coef, before = coef + step, size
            if size <= self.rounding:
                break
        loss = objectives[-1] - penalty.value(coef) - decrement
        return finished(
            self.products, penalty, coef, decrement, tol, objectives, loss=max(loss, 0.0)
        )

    def _residual(self, coef: Float64Array) -> _Residual:
        problem, products = self.problem, self.products
        if problem.rows.dtype == np.float32 or products.unit != 1:
            return self._residual_in_double(coef)
        intercept = products.target_mean - coef @ products.mean
        found = problem.evaluate(coef[np.newaxis], intercept[np.newaxis])
        mean = -found.gradient_intercept[0] if problem.fit_intercept else np.zeros(len(coef))
        cross = -found.gradient[0] - mean[:, np.newaxis] * products.mean
        return _Residual(cross, mean, float(found.values[0]))

    def _residual_in_double(self, coef: Float64Array) -> _Residual:
        products, weight = self.products, self.problem.weight
        target, offset = self._centered_target(), coef @ products.mean
        cross, mean, loss = np.zeros_like(coef), np.zeros(len(coef)), 0.0
        with one_thread_blas():
            for place, x in blocks(self.problem.rows):
                residual = target[place] - (x @ coef.T - offset)
                weighted = residual * weight[place, np.newaxis]
                cross += weighted.T @ x
                mean += weighted.sum(axis=0)
                loss += float((weighted * residual).sum()) / 2
        if self.problem.fit_intercept:
            cross -= mean[:, np.newaxis] * products.mean
        return _Residual(cross, mean, loss)
