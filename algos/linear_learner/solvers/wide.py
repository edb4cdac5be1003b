"""The squared loss with L2 penalties if the products of columns do not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.memory import require_memory
from algos._common.scale import with_values
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers.gram import Products, centered_target, finished
from algos.linear_learner.solvers.inverse import invert

_BLOCK_BYTES = 1 << 25
_DELAY = 4  # iterations whose gain approximately bounds the remaining gain
_EPS = float(np.finfo(np.float64).eps)
_FLOOR = {4: 1e-12, 8: 1e-14}


def solve_by_rows(problem: Problem, penalties: list[Penalty], control: Control) -> list[Solution]:
    """Return the minimum for each penalty from the products of the rows, n x n.

    With x the weighted, centred rows and L = diag(l2), coef = L⁻¹ x' a where
    (x L⁻¹ x' + 1) a = y. Without penalty, the solution of least norm.
    """
    rows, root = problem.rows, np.sqrt(problem.weight)[:, np.newaxis]
    require_memory(
        24 * rows.n**2, f"the matrix of the products of {rows.n} rows",
        'use solver="lbfgs", whose memory grows linearly with the number of rows',
    )  # fmt: skip
    products = _without_columns(problem)
    y = centered_target(problem)[0] * root
    solutions: list[Solution] = []
    kernel, direction = np.empty((0, 0)), np.empty(0)
    for penalty in penalties:
        largest = float(penalty.l2.max())
        if largest == 0 or not penalty.l2.all():
            solutions += solve_with_conjugates(problem, [penalty], control)
            continue
        if not np.array_equal(penalty.l2 / largest, direction):
            direction = penalty.l2 / largest
            kernel = _products_of_rows(problem, products.mean, root, direction)
        inverse = invert(kernel / largest + np.eye(rows.n))
        if inverse is None:
            solutions += solve_with_conjugates(problem, [penalty], control)
            continue
        a = inverse(y.T)
        missing = y.T - a - a @ kernel / largest
        a += inverse(missing)
        coef = _combined(problem, products.mean, root, a) / penalty.l2
        decrement = float((missing**2).sum()) / 2
        loss = float((a**2).sum()) / 2
        solutions.append(finished(products, penalty, coef, decrement, control.tol, loss=loss))
    return solutions


def _without_columns(problem: Problem) -> Products:
    """Return `Products` without those of the columns."""
    target, target_mean, unit = centered_target(problem)
    mean = np.zeros(problem.rows.d)
    if problem.fit_intercept:
        mean = problem.rows.cross(problem.weight[:, np.newaxis])[0, :-1] / problem.weight.sum()
    empty = np.empty((0, 0))
    return Products(empty, empty, problem.weight @ target**2, mean, target_mean, unit, 0.0)


def _columns(
    problem: Problem, mean: Float64Array, root: Float64Array
) -> Iterator[tuple[slice, Float64Array]]:
    """Yield the columns of the weighted, centred rows, some at a time."""
    rows = problem.rows
    size = max(1, _BLOCK_BYTES // (8 * rows.n))
    for start in range(0, rows.d, size):
        place = slice(start, min(start + size, rows.d))
        block = cast(Any, rows).X[:, place].astype(np.float64)
        block -= rows.shift[place]
        block /= rows.scale[place]
        block -= mean[place]
        block *= root
        yield place, block


def _products_of_rows(
    problem: Problem, mean: Float64Array, root: Float64Array, direction: Float64Array
) -> Float64Array:
    if problem.rows.is_sparse:
        return _products_of_sparse_rows(problem, mean, root, direction)
    kernel = np.zeros((problem.rows.n, problem.rows.n))
    with one_thread_blas():
        for place, block in _columns(problem, mean, root):
            block /= np.sqrt(direction[place])
            kernel += block @ block.T
    return kernel


def _products_of_sparse_rows(
    problem: Problem, mean: Float64Array, root: Float64Array, direction: Float64Array
) -> Float64Array:
    """Return the same for CSR rows, centred after the products are computed.

    With a zero among n rows, this loses at most a factor of n in precision.
    """
    rows: Any = problem.rows
    unit = 1 / np.sqrt(direction)
    X = with_values(rows.X, rows.X.data * np.take(unit / rows.scale, rows.X.indices))
    along, center = X @ (mean * unit), mean * unit
    kernel = (X @ X.T).toarray() + (center @ center - along - along[:, np.newaxis])
    return np.asarray(root * root.T * kernel)


def _combined(
    problem: Problem, mean: Float64Array, root: Float64Array, a: Float64Array
) -> Float64Array:
    """Return the sums of rows weighted by a, (n_outputs, d)."""
    if problem.rows.is_sparse:
        cross = problem.rows.cross(np.ascontiguousarray(a.T * root))
        return np.asarray(cross[:, :-1] - cross[:, -1:] * mean)
    found = np.empty((len(a), problem.rows.d))
    with one_thread_blas():
        for place, block in _columns(problem, mean, root):
            found[:, place] = a @ block
    return found


def solve_with_conjugates(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> list[Solution]:
    """Return the minimum for each penalty by conjugate gradients, all in the same passes.

    The gain of the last few iterations estimates the remaining gain (Strakoš and Tichý 2002, "On
    error estimation in the conjugate gradient method", section 4); g' L⁻¹ g / 2 is a bound if every
    column is penalised.
    """
    search = _Conjugates(problem, penalties)
    if start is not None:
        search.begin_at(np.array([solution.coef for solution in start]))
    tol = max(control.tol, _FLOOR[problem.rows.dtype.itemsize])
    given_up = np.zeros(len(penalties), dtype=bool)
    for _ in range(control.max_iter):
        certificates = search.certificates()
        busy = np.flatnonzero((certificates > tol) & ~given_up)
        if control.give_up is not None and search.gains[0]:
            for k in busy:
                given_up[k] = control.give_up(int(k), *search.model(int(k)), float(certificates[k]))
        busy = busy[~given_up[busy]]
        if len(busy) == 0:
            break
        search.step(busy)
    return search.solutions(tol, given_up)


class _Conjugates:
    """Conjugate gradients for each penalty and output, m x n_outputs of them.

    Attributes
    ----------
    gains : list of m lists of float
        Decrease of the objective in each iteration.
    """

    def __init__(self, problem: Problem, penalties: list[Penalty]) -> None:
        self.problem, self.products = problem, _without_columns(problem)
        self.penalties = penalties
        self.l2 = np.array([penalty.l2 for penalty in penalties])[:, np.newaxis]
        target = centered_target(problem)[0]
        cross = problem.rows.cross(target * problem.weight[:, np.newaxis])
        self.cross = cross[:, :-1] - cross[:, -1:] * self.products.mean
        # Rounding errors of constant columns must not be taken for a signal.
        rounding = 4 * _EPS * np.abs(problem.rows.shift) / problem.rows.scale
        rounding = rounding * np.sqrt(self.products.square)[:, np.newaxis]
        self.cross[np.abs(self.cross) <= rounding] = 0
        self.coef = np.zeros((len(penalties), *self.cross.shape))
        self.gradient = np.broadcast_to(self.cross, self.coef.shape).copy()
        self.direction = np.zeros_like(self.coef)
        self.size = np.zeros(self.coef.shape[:2])  # g' P g
        self.gains: list[list[float]] = [[] for _ in penalties]
        self.null = np.full(len(penalties), self.products.null)

    def begin_at(self, coef: Float64Array) -> None:
        """Restart from other coefficients, (m, n_outputs, d)."""
        self.coef = coef / self.products.unit
        moved = self._product(self.coef, np.arange(len(coef)))
        self.gradient = self.cross - moved
        explained = (self.coef * (self.cross + self.gradient)).sum(axis=(1, 2))
        self.null = self.products.null - explained / 2

    def _product(self, vectors: Float64Array, which: IndexArray) -> Float64Array:
        """Return (x' x + L) v, in one pass over the rows."""
        problem = self.problem
        nothing = np.zeros_like(problem.target)
        found = problem.rows.evaluate(
            vectors, np.zeros(vectors.shape[:2]), nothing, problem.weight, problem.loss
        )
        product: Float64Array = found.gradient + self.l2[which] * vectors
        if problem.fit_intercept:
            product -= found.gradient_intercept[:, :, np.newaxis] * self.products.mean
        return product

    def step(self, busy: IndexArray) -> None:
        """Do one iteration for some of the penalties."""
        gradient = self.gradient[busy]
        preconditioned = gradient / (1 + self.l2[busy])
        size = (gradient * preconditioned).sum(axis=2)
        before = self.size[busy]
        ratio = np.divide(size, before, out=np.zeros_like(size), where=before > 0)
        direction = preconditioned + ratio[:, :, np.newaxis] * self.direction[busy]
        product = self._product(direction, busy)
        curvature = (direction * product).sum(axis=2)
        length = np.divide(size, curvature, out=np.zeros_like(size), where=curvature > 0)
        self.coef[busy] += length[:, :, np.newaxis] * direction
        self.gradient[busy] -= length[:, :, np.newaxis] * product
        self.direction[busy], self.size[busy] = direction, size
        for k, gain in zip(busy, (length * size).sum(axis=1) / 2, strict=True):
            self.gains[k].append(float(gain))

    def certificates(self) -> Float64Array:
        """Return estimates of the remaining gain, relative to the null objective."""
        null = self.products.null
        squares = (self.gradient**2).sum(axis=1)
        if null == 0 or not squares.any():
            return np.zeros(len(self.penalties))
        with np.errstate(divide="ignore", invalid="ignore"):
            bounds = np.where(squares > 0, squares / self.l2[:, 0], 0).sum(axis=1) / 2
        for k, gains in enumerate(self.gains):
            if len(gains) >= _DELAY:
                bounds[k] = min(bounds[k], sum(gains[-_DELAY:]))
        return bounds / null

    def model(self, k: int) -> tuple[Float64Array, Float64Array]:
        """Return coefficients and intercepts of one penalty."""
        unit, coef = self.products.unit, self.coef[k]
        intercept = self.products.target_mean - coef @ self.products.mean
        return coef * unit, intercept * unit

    def solutions(self, tol: float, given_up: NDArray[np.bool_]) -> list[Solution]:
        """Return the current solutions."""
        found, null = [], self.products.null
        certificates = self.certificates()
        for k, penalty in enumerate(self.penalties):
            penalty = self.products.of_unit(penalty)
            objectives = (self.null[k] - np.cumsum(self.gains[k])).tolist()
            objective = objectives[-1] if objectives else float(self.null[k])
            loss = max(objective - penalty.value(self.coef[k]), 0.0)
            certificate = float(certificates[k]) * null
            solution = finished(
                self.products, penalty, self.coef[k], certificate, tol, objectives, loss=loss
            )
            solution.converged &= not given_up[k]
            found.append(solution)
        return found
