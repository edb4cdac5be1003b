"""Least squares by orthogonal transformations of the rows, if inner products lose precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np
from scipy import linalg, sparse

from algos._common.arrays import Float64Array, IndexArray
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Problem, Rows
from algos.linear_learner.solvers.double_double import (
    Pair,
    add,
    divide,
    exact_sum,
    multiply,
    pair,
    total,
)

_EPS = float(np.finfo(np.float64).eps)
_BLOCK_BYTES = 1 << 22
_MOST_ROUNDS = 20
_SETTLED = 1e-10  # relative size of the last step


class Triangle(NamedTuple):
    """The triangular factor R of the weighted rows (1, x, y), R' R being their products.

    Attributes
    ----------
    columns : ndarray of shape (min(n, d), d)
        Of x, centred if there is an intercept.
    targets : ndarray of shape (min(n, d), n_outputs)
        The projection of y, centred likewise, on the columns.
    """

    columns: Float64Array
    targets: Float64Array

    def with_penalty(self, l2: Float64Array) -> Triangle:
        """Return the triangle of the rows and one row sqrt(l2_j) for each column."""
        if not l2.any():
            return self
        return _triangle(
            np.vstack([self.columns, np.diag(np.sqrt(l2))]),
            np.vstack([self.targets, np.zeros((len(l2), self.targets.shape[1]))]),
        )

    def normalized(self) -> tuple[Float64Array, Float64Array]:
        """Return columns of length 1 with a positive diagonal, and their scale."""
        norms = np.sqrt((self.columns**2).sum(axis=0))
        scale = 1 / np.where(norms > 0, norms, 1)
        columns = self.columns * scale
        signs = np.where(np.diagonal(columns) < 0, -1.0, 1.0)
        columns[: len(signs)] *= signs[:, np.newaxis]
        return np.asfortranarray(columns), scale

    def is_deficient(self, n: int) -> bool:
        """Tell whether columns of n rows are dependent, up to rounding."""
        columns, _ = self.normalized()
        if columns.shape[0] < columns.shape[1]:
            return True
        values = linalg.svd(columns, compute_uv=False, check_finite=False)
        return bool(values[-1] <= max(n, len(values)) * _EPS * values[0])

    def solve(self) -> Float64Array:
        """Return the coefficients with the least residual, (n_outputs, d)."""
        found = linalg.solve_triangular(self.columns, self.targets, check_finite=False)
        return np.ascontiguousarray(found.T)

    def least_norm(self) -> Float64Array:
        """Return the coefficients of least norm with the least residual, (n_outputs, d)."""
        found, _, _, _ = linalg.lstsq(
            self.columns,
            self.targets,
            cond=max(self.columns.shape) * _EPS,
            lapack_driver="gelsd",
            check_finite=False,
        )
        return np.ascontiguousarray(found.T)


def _triangle(columns: Float64Array, targets: Float64Array) -> Triangle:
    d = columns.shape[1]
    R = linalg.qr(np.hstack([columns, targets]), mode="r", check_finite=False)[0][:d]
    return Triangle(R[:, :d], R[:, d:])


def standardized(rows: Rows, start: int, stop: int) -> Float64Array:
    """Return rows [start, stop) in solver units, in float64."""
    block = cast(Any, rows).X[start:stop]
    if sparse.issparse(block):  # shifted already
        return np.asarray(block.toarray().astype(np.float64) / rows.scale)
    standard: Float64Array = (block.astype(np.float64) - rows.shift) / rows.scale
    return standard


def blocks(rows: Rows) -> Iterator[tuple[slice, Float64Array]]:
    """Yield the rows in solver units, some at a time."""
    size = max(2 * rows.d, _BLOCK_BYTES // (8 * rows.d), 1)
    for start in range(0, rows.n, size):
        stop = min(start + size, rows.n)
        yield slice(start, stop), standardized(rows, start, stop)


def triangle(problem: Problem, target: Float64Array, kept: IndexArray) -> Triangle:
    """Return the triangle of some columns of all rows, block by block.

    Demmel, Grigori, Hoemmen and Langou (2012), "Communication-optimal parallel and
    sequential QR and LU factorizations", section 3.
    """
    rows, root = problem.rows, np.sqrt(problem.weight)[:, None]
    first = int(problem.fit_intercept)
    end = first + len(kept)
    width = end + target.shape[1]
    R = np.empty((0, width))
    with one_thread_blas():
        for place, x in blocks(rows):
            one = np.ones((len(x), first))
            block = np.hstack([one, x[:, kept], target[place]]) * root[place]
            R = linalg.qr(np.vstack([R, block]), mode="r", check_finite=False)[0][:width]
    return Triangle(R[first:end, first:end], R[first:end, end:])


def products_in_double(problem: Problem, target: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the weighted products of (x, 1) with itself and with the targets, in float64."""
    d = problem.rows.d
    gram, cross = np.zeros((d + 1, d + 1)), np.zeros((target.shape[1], d + 1))
    with one_thread_blas():
        for place, x in blocks(problem.rows):
            extended = np.hstack([x, np.ones((len(x), 1))])
            weighted = extended * problem.weight[place, None]
            gram += weighted.T @ extended
            cross += target[place].T @ weighted
    return gram, cross


class Exact(NamedTuple):
    """One solution, rounded once."""

    coef: Float64Array  # (n_outputs, d)
    intercept: Float64Array  # (n_outputs,)
    loss: float


def solve_exactly(
    problem: Problem, target: Float64Array, l2: Float64Array, kept: IndexArray
) -> Exact | None:
    """Return the minimum to full precision, or None if columns are dependent.

    Columns that are not kept have the coefficient zero.

    Refined in pairs of doubles from the QR decomposition in double: Björck (1967),
    "Iterative refinement of linear least squares solutions I", eq. 2.4.
    """
    n, d = problem.rows.n, problem.rows.d
    largest = problem.weight.max()
    kept = np.r_[kept, np.full(int(problem.fit_intercept), d)]
    columns = _columns(problem, l2 / largest).columns(kept)
    with one_thread_blas():
        Q, R = linalg.qr(columns.high, mode="economic", check_finite=False)
        root = np.sqrt(problem.weight / largest)
        coef, loss = np.zeros((target.shape[1], d + 1)), 0.0
        for k, y in enumerate(target.T):
            right = pair(np.zeros(len(columns.high)))
            right.high[:n], right.low[:n] = multiply(pair(y), pair(root))
            refined = _refine(columns, right, Q, R)
            if refined is None:
                return None
            coef[k, kept], residual = refined
            loss += float(largest * (residual[:n] @ residual[:n]) / 2)
    return Exact(coef[:, :d], coef[:, d], loss)


def _columns(problem: Problem, l2: Float64Array) -> Pair:
    """Return (x, 1), weighted, and below one row sqrt(l2_j) for each column."""
    rows = problem.rows
    X = cast(Any, rows).X
    shift = rows.shift
    if sparse.issparse(X):  # shifted already
        X, shift = X.toarray(), np.zeros(rows.d)
    X = np.asarray(X, dtype=np.float64)
    x = divide(exact_sum(X, np.broadcast_to(-shift, X.shape)), rows.scale)
    one = np.ones((rows.n, int(problem.fit_intercept)))
    high, low = np.hstack([x.high, one]), np.hstack([x.low, 0 * one])
    root = np.sqrt(problem.weight / problem.weight.max())[:, None]
    high, low = multiply(Pair(high, low), pair(np.broadcast_to(root, high.shape)))
    if l2.any():
        below = np.pad(np.diag(np.sqrt(l2)), ((0, 0), (0, one.shape[1])))
        high, low = np.vstack([high, below]), np.vstack([low, 0 * below])
    return Pair(high, low)


def _refine(
    columns: Pair, right: Pair, Q: Float64Array, R: Float64Array
) -> tuple[Float64Array, Float64Array] | None:
    """Solve r + A v = b, A' r = 0; return v and r."""
    p = R.shape[1]
    v, r = pair(np.zeros(p)), pair(np.zeros(len(Q)))
    before = np.inf
    for _ in range(_MOST_ROUNDS):
        predicted = total(multiply(columns, v), axis=1)
        f = add(add(right, -r), -predicted).high
        g = -total(multiply(columns, Pair(r.high[:, None], r.low[:, None])), axis=0).high
        h = linalg.solve_triangular(R, g, trans="T", check_finite=False)
        along = Q.T @ f
        dv = linalg.solve_triangular(R, along - h, check_finite=False)
        dr = f - Q @ (along - h)
        size = float(np.abs(dv).max() / max(np.abs(v.high).max(), 1e-300))
        if not size < before / 2:
            break
        v, r, before = add(v, pair(dv)), add(r, pair(dr)), min(size, 1e300)
        if size <= _EPS**1.5:
            break
    return (v.high, r.high) if before < _SETTLED else None
