"""Shingles: each row of a stream together with those just before it, as one longer row.

The shingle of row i consists of rows i - shingle_size + 1 … i, oldest first. In a C-ordered
block they overlap: shingle i starts one row after shingle i - 1, so no copies are needed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, Int64Array


def require_shingle(n_rows: int, shingle_size: int) -> None:
    """Raise ValueError if there are fewer rows than a shingle has."""
    if n_rows < shingle_size:
        raise ValueError(
            f"X has {n_rows} row(s) and must have at least `shingle_size`={shingle_size!r}; "
            f"lower that, or pass a longer section of the stream"
        )


def n_shingles(n_rows: int, shingle_size: int) -> int:
    """Return the number of complete shingles in `n_rows` consecutive rows."""
    return max(0, n_rows - shingle_size + 1)


def taken(X: NDArray[Any], numbers: Int64Array, shingle_size: int) -> NDArray[Any]:
    """Return the rows of the shingles with these numbers, one after another.

    The result has shape (len(numbers) * shingle_size, n_features).
    """
    if shingle_size == 1:
        return X[numbers]
    rows = numbers[:, None] + np.arange(shingle_size)
    return X[rows.ravel()]


def followed(
    tail: Float32Array | None, n_rows: int, n_features: int
) -> tuple[Float32Array, Float32Array]:
    """Return an array with the tail and room for the rows after it, and a view of that room."""
    if tail is None:
        rows = np.empty((n_rows, n_features), dtype=np.float32)
        return rows, rows
    block = np.empty((len(tail) + n_rows, n_features), dtype=np.float32)
    block[: len(tail)] = tail
    return block, block[len(tail) :]


# The state of a stream besides its forest is kept in two entries; the valid one is that whose
# `row` equals the number of rows that the forest has learned. So it can be written before the
# forest learns, and both agree whatever interrupts that.


class Entry(NamedTuple):
    """The state at some row; only an open stream (`single_rows`) writes to its arrays."""

    row: int  # number of rows that the forest has learned
    tail: Float32Array | None
    running: Float64Array | None
    n_filled: Int64Array
    n_skipped: int
    units: dict[str, Any]
    recent: Float64Array | None = None


Journal = dict[str, tuple[tuple[Any, ...], ...]]  # entries as plain tuples, as in all states


def journal(entry: Entry) -> Journal:
    """Return a journal with one entry."""
    return {"entries": (tuple(entry),)}


def noted_at(notes: Journal, row: int) -> Entry:
    """Return the entry that is valid when the forest has learned `row` rows."""
    entries = notes["entries"]
    return Entry(*(entries[-1] if entries[-1][0] == row else entries[0]))


def note(notes: Journal, now: int, entry: Entry) -> None:
    """Add the entry that will be valid after more rows; the one for `now` is kept until then."""
    new = tuple(entry)
    notes["entries"] = (new,) if entry.row == now else (tuple(noted_at(notes, now)), new)
