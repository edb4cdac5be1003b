"""Decision values in the user's units, and what rows lose by them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos._common.csr import csr_rows
from algos._cython._losses import add_losses
from algos._cython.linear_decision import dense_decision, sparse_decision
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Doubles


def decision_values(X: Any, coef: Doubles, intercept: Doubles, n_threads: int) -> Any:
    """Return X coef' + intercept in the dtype of X, summed up in double precision.

    A row's values do not depend on what rows stand beside it.

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
    out = np.empty((X.shape[0], len(coef)))
    vectors = np.ascontiguousarray(coef, dtype=np.float64)
    offset = np.ascontiguousarray(intercept, dtype=np.float64)
    if sparse.issparse(X):
        sparse_decision(csr_rows(X), vectors, offset, out, n_threads)
    else:
        dense_decision(X, None, vectors, offset, out, n_threads)
    return out.astype(X.dtype, copy=False)


def mean_losses(decision: Any, target: Doubles, weight: Doubles, loss: Loss) -> float:
    """Return the weighted sum of the rows' losses."""
    return float(weight @ losses_of(decision, target, loss))


def losses_of(decision: Doubles, target: Doubles, loss: Loss) -> Doubles:
    """Return the loss of each row, of shape (n,), for decision values (n, k).

    Several outputs that share no loss are summed up.
    """
    decision = np.asarray(decision, dtype=np.float64)
    if loss.is_joint:
        return _multinomial_losses(decision, target)
    found = np.zeros(len(decision))
    targets = target.reshape(len(target), -1)
    for j in range(decision.shape[1]):
        y = np.ascontiguousarray(targets[:, min(j, targets.shape[1] - 1)])
        z = np.ascontiguousarray(decision[:, j])
        add_losses(y, z, found, loss.code, loss.parameter)
    return found


def _multinomial_losses(decision: Doubles, target: Doubles) -> Doubles:
    most = decision.max(axis=1)
    total = np.exp(decision - most[:, np.newaxis]).sum(axis=1)
    own = np.take_along_axis(decision, target.astype(np.intp)[:, np.newaxis], axis=1)[:, 0]
    found: Doubles = np.log(total) + (most - own)
    return found
