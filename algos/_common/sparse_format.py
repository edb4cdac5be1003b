"""Checks of the index arrays of sparse matrices, before SciPy follows them.

SciPy checks indices only when a matrix is constructed. If its arrays were replaced later, a
conversion reads and writes wherever they point, which may crash the process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_sparse_format(X: Any) -> None:
    """Raise ValueError if the index arrays of a sparse matrix point outside of it."""
    if X.ndim != 2:
        return  # scikit-learn raises for this
    if X.format in ("csr", "csc", "bsr"):
        _check_compressed(X)
    elif X.format == "coo":
        _check_coordinates(X)
    elif X.format == "dia":
        _check_diagonals(X)
    # The others are lists and dictionaries, converted to CSR rows that kernels check.


def _check_compressed(X: Any) -> None:
    n, d = X.shape
    if X.format == "bsr":
        _check_blocks(X)
        n, d = n // X.data.shape[1], d // X.data.shape[2]
    elif X.format == "csc":
        n, d = d, n
    if not _is_compressed(X.indptr, X.indices, len(X.data), n, d):
        raise ValueError(
            f"`X` must be a {X.format.upper()} matrix: its `indptr` must be {n + 1} ints that "
            f"ascend from 0 to at most the lengths of `data` and `indices`, and its `indices` "
            f"ints in [0, {d}); X.check_format() gives details"
        )


def _check_blocks(X: Any) -> None:
    shape = X.data.shape
    if len(shape) != 3 or 0 in shape[1:] or X.shape[0] % shape[1] or X.shape[1] % shape[2]:
        raise ValueError(
            f"`X` must be a BSR matrix: its `data` must be blocks that fill the shape {X.shape}, "
            f"not of shape {shape}; rebuild it from valid arrays"
        )


def _is_compressed(
    indptr: NDArray[Any], indices: NDArray[Any], n_values: int, n: int, d: int
) -> bool:
    if indptr.shape != (n + 1,) or indptr.dtype.kind not in "iu" or indptr[0] != 0:
        return False
    stored = int(indptr[-1])
    return (
        bool(np.all(indptr[1:] >= indptr[:-1]))
        and stored <= min(n_values, len(indices))
        and _lie_within(indices[:stored], d)
    )


def _check_coordinates(X: Any) -> None:
    n, d = X.shape
    fits = X.data.shape == X.row.shape == X.col.shape
    if not (fits and _lie_within(X.row, n) and _lie_within(X.col, d)):
        raise ValueError(
            f"`X` must be a COO matrix: its `row` must be ints in [0, {n}) and its `col` ints in "
            f"[0, {d}), one of each for each value in `data`; rebuild it from valid arrays"
        )


def _check_diagonals(X: Any) -> None:
    if X.data.ndim != 2 or X.offsets.shape != X.data.shape[:1]:
        raise ValueError(
            f"`X` must be a DIA matrix: its `offsets` must be one int for each row of `data`, "
            f"not of shape {X.offsets.shape}; rebuild it from valid arrays"
        )


def _lie_within(indices: NDArray[Any], length: int) -> bool:
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        return False
    return not indices.size or bool(indices.min() >= 0 and indices.max() < length)
