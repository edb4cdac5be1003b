"""A copy of the rows in 8 bits, from which distances can be bounded."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, FloatArray
from algos._cython.row_codes import encode_rows

TILE = 64  # rows; CODE_ROWS of the kernels
WORD = 4  # columns
MOST_COLUMNS = 1 << 13  # integer products of more could overflow
MOST_FINE_COLUMNS = 16  # for more, products take longer than the distances they save
LEVELS = 127
LINE = 64  # bytes
_SAMPLE = 1 << 12  # values
_SMALLER = (2.0 ** (-0.5 * np.arange(8))).astype(np.float32)  # steps relative to the largest


class Codes(NamedTuple):
    """A copy of the shifted rows with one byte per value, or two if the codes are fine.

    Row = step * (code - 128) + remainder; fine codes add step / 256 * (low code - 128).
    """

    step: float
    codes: NDArray[np.uint8]  # (tiles, words, TILE, WORD); twice the words if fine
    norms: Float32Array  # (n,) norms of the rows, to 1e-5
    errors: Float32Array  # (n,) upper bounds of the norms of the remainders


def encode(X: FloatArray, shift: FloatArray, n_threads: int) -> Codes | None:
    """Return the codes of the rows, or None if they would not help.

    There may be up to 2**13 columns, and together with everything else that a fit keeps they may
    take at most 30 % of X plus 16 MB. Products are fast only on some processors (`is_fast`).
    """
    n, d = X.shape
    fits = [fine for fine in (True, False) if _size(n, d, fine) <= _room(X)]
    if d > MOST_FINE_COLUMNS:
        fits = [fine for fine in fits if not fine]
    if d > MOST_COLUMNS or not fits:
        return None
    return encode_as(X, shift, n_threads, fine=fits[0])


def encode_as(X: FloatArray, shift: FloatArray, n_threads: int, *, fine: bool) -> Codes | None:
    """Return codes of one kind, or None if the step for a sample is outside float32's range."""
    n, d = X.shape
    n_sampled = min(n, max(64, _SAMPLE // d))
    step = _best_step(X[:: -(-n // n_sampled)] - shift)
    if step == 0:
        return None
    codes = aligned((-(-n // TILE), -(-d // WORD) * (1 + fine), TILE, WORD), np.uint8)
    norms, errors = np.empty(n, np.float32), np.empty(n, np.float32)
    encode_rows(X, shift, step, codes, norms, errors, n_threads)
    return Codes(step, codes, norms, errors)


def has_room_for_gaps(X: FloatArray, codes: Codes) -> bool:
    """Tell whether there is room for two bytes per row besides the codes."""
    n, d = X.shape
    fine = codes.codes.shape[1] * WORD >= d + WORD
    return _size(n, d, fine) + 2 * n <= _room(X)


def why_none(X: FloatArray) -> str:
    """Return why `encode` returned None."""
    n, d = X.shape
    if d > MOST_COLUMNS:
        return f"there are more than {MOST_COLUMNS} columns"
    if _size(n, d, fine=False) > _room(X):
        return "with so few columns they would take much memory besides X"
    return "a sample of the rows does not vary"


def _room(X: FloatArray) -> float:
    return 0.3 * X.nbytes + (16 << 20)


def _size(n: int, d: int, fine: bool) -> int:
    """Return the bytes of the codes and of the norm, error and label of each row."""
    return n * (-(-d // WORD) * WORD * (1 + fine) + 12)


def _best_step(sample: FloatArray) -> float:
    """Return the step with the least quantization error for a sample of rows.

    A smaller step rounds less, but clips more of the largest values.
    """
    values = np.abs(sample).ravel()
    largest = float(values.max(initial=0)) / LEVELS
    if not 1e-30 < largest < 1e30:  # its inverse, squares and a 256th must be in float32's range
        return 0.0
    steps = (largest * _SMALLER).astype(np.float32)
    in_steps = (values / np.float32(largest)).astype(np.float32) / _SMALLER[:, np.newaxis]
    left = in_steps - np.minimum(np.rint(in_steps), np.float32(LEVELS))
    left *= _SMALLER[:, np.newaxis]
    return float(steps[int(np.argmin(np.einsum("ij,ij->i", left, left)))])


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an uninitialised array that is aligned to a cache line."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + LINE, dtype=np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(dtype).reshape(shape)
