"""CSR input: checked before any kernel follows its indices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.scale import with_values
from algos._cython._csr import CsrRows


def canonical(X: Any) -> Any:
    """Return X with sorted column indices and without duplicates; X itself if it is so already.

    Dense rows are returned unchanged.

    Raises
    ------
    ValueError
        If the index arrays of a CSR matrix point outside of it.
    """
    if not sparse.issparse(X):
        return X
    arrays = _arrays_of(X)
    CsrRows(*arrays, X.shape[1])
    kept = X.data, X.indices, X.indptr
    if any(new is not old for new, old in zip(arrays, kept, strict=True)):
        X = with_values(X, arrays[0])
        _, X.indices, X.indptr = arrays
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def csr_rows(X: Any) -> CsrRows:
    """Return canonical CSR rows in the form that kernels take."""
    return CsrRows(*_arrays_of(X), X.shape[1])


def _arrays_of(X: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return (data, indices, indptr), contiguous and with one index dtype."""
    if X.indptr.shape != (X.shape[0] + 1,):
        raise ValueError(
            f"`X` must be a CSR matrix: its `indptr` must have {X.shape[0] + 1} entries, one "
            f"more than it has rows, and not the shape {X.indptr.shape}; X.check_format() "
            f"tells more"
        )
    kinds = X.indices.dtype, X.indptr.dtype
    kind = kinds[0] if kinds in ((np.int32,) * 2, (np.int64,) * 2) else np.dtype(np.int64)
    return (
        np.ascontiguousarray(X.data),
        np.ascontiguousarray(X.indices, dtype=kind),
        np.ascontiguousarray(X.indptr, dtype=kind),
    )
