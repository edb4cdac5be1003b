"""Parameters as deviations from the mean of their field.

A field is complete if every row has one column of it, with the value 1: users, say. The data do
not distinguish the mean of its columns' factors and coefficients from the intercept and from the
coefficients of other columns: every model has the same scores as one whose complete fields have
mean zero over the rows. In that model a column that was never seen, which adds nothing to the
score, stands for an average row: the best guess about a new user.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.threads import one_thread_blas
from algos.factorization_machine.fields import Bounds
from algos.factorization_machine.rows import Rows


class Centering:
    """Finds the complete fields, and centres them in models.

    Parameters
    ----------
    rows : Rows
    fields : ndarray of shape (n_fields + 1,)
    weight : ndarray of shape (n,), or None
    """

    def __init__(self, rows: Rows, fields: Bounds, weight: NDArray[Any] | None = None) -> None:
        counts = np.bincount(rows.indices, minlength=rows.n_columns)
        if rows.values is not None:
            counts[rows.indices[rows.values != 1]] = -rows.n
        self.complete: list[slice] = [
            slice(begin, end)
            for begin, end in zip(fields[:-1].tolist(), fields[1:].tolist(), strict=True)
            if end - begin > 1 and counts[begin:end].sum() == rows.n
        ]
        each = None if weight is None else np.repeat(weight, np.diff(rows.indptr))
        shares = np.bincount(rows.indices, each, minlength=rows.n_columns)
        self._shares = [shares[field] / shares[field].sum() for field in self.complete]

    def centered(
        self, intercept: float, linear: NDArray[Any], factors: NDArray[Any]
    ) -> tuple[float, NDArray[Any], NDArray[Any]]:
        """Return a model with the same scores whose complete fields have mean zero."""
        if not self.complete:
            return intercept, linear, factors
        with one_thread_blas():  # in long fields, products by two threads have other bits
            return self._center(intercept, linear.copy(), factors.copy())

    def _center(
        self, intercept: float, linear: NDArray[Any], factors: NDArray[Any]
    ) -> tuple[float, NDArray[Any], NDArray[Any]]:
        """As `centered`, in place."""
        own = list(zip(self.complete, self._shares, strict=True))
        means = [share @ factors[field].astype(np.float64) for field, share in own]
        total = np.sum(means, axis=0)
        # f = w0 + Σ w_j x_j + Σ <v_j, v_l> x_j x_l with v = mean + deviation, multiplied out
        intercept += float(total @ total - sum(mean @ mean for mean in means)) / 2
        beside = factors @ total.astype(factors.dtype)
        for (field, _), mean in zip(own, means, strict=True):
            factors[field] -= mean.astype(factors.dtype)
            beside[field] = factors[field] @ (total - mean).astype(factors.dtype)
        linear += beside
        for field, share in own:
            mean_linear = float(share @ linear[field].astype(np.float64))
            linear[field] -= linear.dtype.type(mean_linear)
            intercept += mean_linear
        return intercept, linear, factors
