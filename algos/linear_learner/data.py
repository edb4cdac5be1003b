"""The data of a fit or a batch: rows, targets and weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array, IndexArray


@dataclass(frozen=True)
class Data:
    """Rows with their targets and weights.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
    target : ndarray of shape (n,) or (n, n_outputs), float64
        In the form that losses take (`targets.py`).
    weight : ndarray of shape (n,), float64
        Positive.
    """

    X: Any
    target: Float64Array
    weight: Float64Array

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def arrays(self) -> tuple[Any, Float64Array, Float64Array]:
        return self.X, self.target, self.weight

    def subset(self, rows: IndexArray) -> Data:
        return Data(self.X[rows], self.target[rows], self.weight[rows])

    def weighted(self, factor: Float64Array | float) -> Data:
        is_one = isinstance(factor, float) and factor == 1
        return self if is_one else replace(self, weight=self.weight * factor)

    @property
    def shares(self) -> Float64Array:
        """The weights divided by their sum, without overflow."""
        largest = self.weight.max()
        if self.weight.min() == largest:
            return np.full(len(self), 1 / len(self))
        scaled = self.weight / largest
        return np.asarray(scaled / scaled.sum())
