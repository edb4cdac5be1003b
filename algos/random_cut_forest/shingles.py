"""Shingles: each row of a stream together with those just before it, as one longer row.

A shingle of row i is rows i - shingle_size + 1 … i, oldest first. In a C-ordered block they
overlap: shingle i begins one row after shingle i - 1, so no copies are needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def require_shingle(n_rows: int, shingle_size: int) -> None:
    """Raise ValueError unless so many rows make a whole shingle."""
    if n_rows < shingle_size:
        raise ValueError(
            f"X has {n_rows} row(s) and must have at least `shingle_size`={shingle_size!r}; "
            f"lower that, or give a longer stretch of the stream"
        )


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
Part = NDArray[Any] | None


def journal(row: int, tail: Part, running: Part) -> Journal:
    """Return a journal with one entry."""
    return {"row": np.array([row, -1]), "tail": _twice(tail), "running": _twice(running)}


def noted_at(notes: Journal, row: int) -> tuple[Part, Part]:
    """Return tail and running scale as they are when the forest has learned so many rows."""
    at = 0 if notes["row"][0] == row else 1
    tail, running = notes["tail"], notes["running"]
    return None if tail is None else tail[at], None if running is None else running[at]


def note(notes: Journal, now: int, row: int, tail: Part, running: Part) -> None:
    """Write down what will hold at `row`; what holds `now` stays."""
    at = 1 if notes["row"][0] == now else 0
    if tail is not None:
        notes["tail"][at] = tail
    if running is not None:
        notes["running"][at] = running
    notes["row"][at] = row


def _twice(part: Part) -> Part:
    return None if part is None else np.stack([part, part])
