"""Rows that wait for others, as plain arrays by name: a part of a sketch's state."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos.pca.sparse_rows import is_sparse


def parts_of(X: Any) -> dict[str, Any]:
    """Return rows as plain arrays by name, copied."""
    if not is_sparse(X):
        return {"values": X.copy()}
    return {
        "data": X.data.copy(),
        "indices": X.indices.copy(),
        "indptr": X.indptr.copy(),
        "n_columns": X.shape[1],
    }


def matrix_of(waiting: dict[str, Any]) -> Any:
    if "values" in waiting:
        return waiting["values"]
    shape = (len(waiting["indptr"]) - 1, waiting["n_columns"])
    return sparse.csr_array((waiting["data"], waiting["indices"], waiting["indptr"]), shape=shape)


def n_rows_in(waiting: dict[str, Any]) -> int:
    if not waiting:
        return 0
    return len(waiting["values"]) if "values" in waiting else len(waiting["indptr"]) - 1


def joined(waiting: dict[str, Any], X: Any) -> Any:
    """Return the waiting rows and those of X, in one matrix."""
    above = matrix_of(waiting)
    if is_sparse(X):
        return sparse.vstack([above, X], format="csr")
    return np.concatenate([above, X])
