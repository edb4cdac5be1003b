"""Decision values in the user's units, and losses of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos._common.arrays import Float64Array
from algos._common.csr import csr_rows
from algos._common.scale import exponent_of
from algos._cython._losses import add_joint_losses, add_losses, find_derivatives
from algos._cython.linear_decision import dense_decision, sparse_decision
from algos.linear_learner.losses import Loss

_IN_RANGE = 1000  # exponent of 2 up to which sums do not overflow


def decision_values(X: Any, coef: Float64Array, intercept: Float64Array, n_threads: int) -> Any:
    """Return X coef' + intercept in the dtype of X, summed in float64.

    The values of a row do not depend on the other rows.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
        C-ordered, or with ascending columns in each row.
    coef : ndarray of shape (k, d)
    intercept : ndarray of shape (k,)
    n_threads : int

    Returns
    -------
    decision : ndarray of shape (n, k)
    """
    vectors = np.ascontiguousarray(coef, dtype=np.float64)
    offset = np.ascontiguousarray(intercept, dtype=np.float64)
    out = _products(X, vectors, offset, n_threads)
    with np.errstate(over="ignore"):  # infinity if the value overflows
        if np.isnan(out).any():  # a difference of infinities
            exponent = exponent_of(vectors) + exponent_of(X) - _IN_RANGE
            small = np.ldexp(vectors, -exponent), np.ldexp(offset, -exponent)
            out = np.ldexp(_products(X, *small, n_threads), exponent)
        return out.astype(X.dtype, copy=False)


def _products(X: Any, coef: Float64Array, intercept: Float64Array, n_threads: int) -> Float64Array:
    out = np.empty((X.shape[0], len(coef)))
    if sparse.issparse(X):
        sparse_decision(csr_rows(X), coef, intercept, out, n_threads)
    else:
        dense_decision(X, None, coef, intercept, out, n_threads)
    return out


def mean_losses(decision: Any, target: Float64Array, weight: Float64Array, loss: Loss) -> float:
    """Return the weighted sum of the rows' losses."""
    return float(weight @ losses_of(decision, target, loss))


def losses_of(decision: Float64Array, target: Float64Array, loss: Loss) -> Float64Array:
    """Return the loss of each row, of shape (n,), for decision values (n, k) or (n,).

    The losses of several independent outputs are summed.
    """
    decision = np.asarray(decision, dtype=np.float64)
    found = np.zeros(len(decision))
    if loss.is_joint:
        add_joint_losses(target, np.ascontiguousarray(decision), found)
        return found
    columns, targets = _columns(decision), _columns(target)
    for j in range(len(columns)):
        y = targets[min(j, len(targets) - 1)]
        add_losses(y, columns[j], found, loss.code, loss.parameter)
    return found


def loss_derivatives(decision: Float64Array, target: Float64Array, loss: Loss) -> Float64Array:
    """Return the derivative of each row's loss, of shape (n,), for decision values (n,).

    For any loss but multinomial; at a kink, a subgradient.
    """
    found = np.empty(len(decision))
    find_derivatives(target, np.ascontiguousarray(decision), found, loss.code, loss.parameter)
    return found


def _columns(values: Float64Array) -> Float64Array:
    return np.ascontiguousarray(values.reshape(len(values), -1).T)
