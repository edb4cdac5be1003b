"""The record of a stream, which grows by one entry a batch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array

_ROOM = 16  # entries, at first

# Arrays of `history_` by name, with room for later entries, so that a batch does not copy the
# earlier ones; the number of entries, in this record and in the arrays; the time of the first one.
# Plain, as all of a state is.
StreamRecord = dict[str, Any]


def begin_record(earlier: Mapping[str, Any] | None = None) -> StreamRecord:
    """Return a record; `earlier` is the `history_` that it continues."""
    rooms = {name: np.array(values, dtype=float) for name, values in (earlier or {}).items()}
    size = len(next(iter(rooms.values()), ()))
    past = float(rooms["seconds"][-1]) if size else 0.0
    used = np.array([size])
    return {"rooms": rooms, "size": size, "used": used, "begun": time.perf_counter() - past}


def is_of(record: StreamRecord, history: Mapping[str, Any]) -> bool:
    """Tell whether these are the record's arrays, and no entry was added after them."""
    rooms = record["rooms"]
    return history.keys() == rooms.keys() and all(
        isinstance(values, np.ndarray)
        and values.base is rooms[name]
        and len(values) == record["size"]
        for name, values in history.items()
    )


def with_entry(
    record: StreamRecord, objective: float
) -> tuple[StreamRecord, dict[str, Float64Array]]:
    """Return the record with the loss of a batch, and `history_`, whose arrays are views.

    The record given stays valid: of its arrays, only the room behind its entries is written, and
    only if no copy of the estimator has written there.
    """
    entry = {
        "objective": objective,
        "seconds": time.perf_counter() - record["begun"],
        "validation": np.nan,
    }
    rooms, size, used = dict(record["rooms"]), record["size"], record["used"]
    if used[0] != size:
        rooms, used = {name: room[:size].copy() for name, room in rooms.items()}, np.array([size])
    for name, value in entry.items():
        room = rooms.get(name, np.zeros(0))
        if size == len(room):
            room = rooms[name] = np.concatenate([room, np.zeros(max(_ROOM, size))])
        room[size] = value
    used[0] = size + 1
    history = {name: room[: size + 1] for name, room in rooms.items()}
    for values in history.values():
        values.flags.writeable = False  # later calls return the same memory
    return {**record, "rooms": rooms, "size": size + 1, "used": used}, history
