"""Shingles: each row of a stream together with those just before it, as one longer row.

A shingle of row i is rows i - shingle_size + 1 … i, oldest first. In a C-ordered block they
overlap: shingle i begins one row after shingle i - 1, so no copies are needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def n_shingles(n_rows: int, shingle_size: int) -> int:
    """Return how many whole shingles some rows of a stream make."""
    return max(0, n_rows - shingle_size + 1)


def taken(X: NDArray[Any], numbers: NDArray[np.int64], shingle_size: int) -> NDArray[Any]:
    """Return the rows of the shingles with these numbers, one after another.

    The result has shape (len(numbers) * shingle_size, n_features).
    """
    if shingle_size == 1:
        return X[numbers]
    rows = numbers[:, None] + np.arange(shingle_size)
    return X[rows.ravel()]


def followed(
    tail: NDArray[np.float32] | None, n_rows: int, n_features: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return room for the tail and the rows that follow it, and the part for these rows."""
    if tail is None:
        rows = np.empty((n_rows, n_features), dtype=np.float32)
        return rows, rows
    block = np.empty((len(tail) + n_rows, n_features), dtype=np.float32)
    block[: len(tail)] = tail
    return block, block[len(tail) :]


# What a stream needs beside its forest is kept in two copies, of which the one holds whose
# `row` is the number of rows that the forest has learned. So it can be written before the
# forest learns, and whatever breaks that off, both agree.

Journal = dict[str, Any]


def journal(row: int, **parts: NDArray[Any] | None) -> Journal:
    """Return a journal with one entry; parts that are None are not kept."""
    kept = {name: np.stack([part, part]) for name, part in parts.items() if part is not None}
    return {"row": np.array([row, -1]), **kept}


def noted_at(notes: Journal, row: int) -> dict[str, NDArray[Any]]:
    """Return the parts of the entry that holds when the forest has learned so many rows."""
    at = _entry_at(notes, row)
    return {name: part[at] for name, part in notes.items() if name != "row"}


def note(notes: Journal, now: int, row: int, **parts: NDArray[Any] | None) -> None:
    """Write down what will hold at `row`; what holds `now` stays."""
    at = 1 - _entry_at(notes, now)
    for name, part in parts.items():
        if part is not None:
            notes[name][at] = part
    notes["row"][at] = row


def _entry_at(notes: Journal, row: int) -> int:
    return 0 if notes["row"][0] == row else 1
