"""The record of a stream, which grows by one entry a batch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array

_ROOM = 16  # entries, at first


class StreamRecord:
    """The arrays of `history_`, with room for later entries: a batch must not copy the earlier.

    Parameters
    ----------
    earlier : mapping of str to array, default=None
        The `history_` that this one continues.
    """

    def __init__(self, earlier: Mapping[str, Any] | None = None) -> None:
        self._rooms = {name: np.array(values, float) for name, values in (earlier or {}).items()}
        self._size = len(next(iter(self._rooms.values()), ()))
        past = self._rooms["seconds"][-1] if self._size else 0.0
        self._begun = time.perf_counter() - past

    def continues(self, history: Mapping[str, Any]) -> bool:
        """Tell whether these are its arrays, and no entry was added after them."""
        return history.keys() == self._rooms.keys() and all(
            isinstance(values, np.ndarray)
            and values.base is self._rooms[name]
            and len(values) == self._size
            for name, values in history.items()
        )

    def __len__(self) -> int:
        return self._size

    def add(self, objective: float) -> dict[str, Float64Array]:
        """Add the loss of a batch; return `history_`, whose arrays are views."""
        entry = {
            "objective": objective,
            "seconds": time.perf_counter() - self._begun,
            "validation": np.nan,
        }
        for name, value in entry.items():
            room = self._rooms.get(name, np.zeros(0))
            if self._size == len(room):
                room = np.concatenate([room, np.empty(max(_ROOM, len(room)))])
                self._rooms[name] = room
            room[self._size] = value
        self._size += 1
        return {name: room[: self._size] for name, room in self._rooms.items()}
