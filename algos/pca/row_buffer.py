"""Buffered rows as plain arrays by name: a part of the state of a sketch."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos.pca.sparse_rows import is_sparse


def parts_of(X: Any) -> dict[str, Any]:
    """Return copies of rows as plain arrays by name."""
    if not is_sparse(X):
        return {"values": X.copy()}
    return {
        "data": X.data.copy(),
        "indices": X.indices.copy(),
        "indptr": X.indptr.copy(),
        "n_columns": X.shape[1],
    }


def matrix_of(buffer: dict[str, Any]) -> Any:
    if "values" in buffer:
        return buffer["values"]
    shape = (len(buffer["indptr"]) - 1, buffer["n_columns"])
    return sparse.csr_array((buffer["data"], buffer["indices"], buffer["indptr"]), shape=shape)


def n_rows_in(buffer: dict[str, Any]) -> int:
    if not buffer:
        return 0
    return len(buffer["values"]) if "values" in buffer else len(buffer["indptr"]) - 1


def joined(buffer: dict[str, Any], X: Any) -> Any:
    """Return the buffered rows and those of X, in one matrix."""
    above = matrix_of(buffer)
    if is_sparse(X):
        return sparse.vstack([above, X], format="csr")
    return np.concatenate([above, X])
