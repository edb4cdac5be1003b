"""The record of a fit: one entry for each unit of `max_iter`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class History:
    """Collects numbers during a fit, for `history_`.

    Parameters
    ----------
    earlier : mapping of str to array, default=None
        The `history_` of an interrupted fit, which this one continues.
    """

    def __init__(self, earlier: Mapping[str, Any] | None = None) -> None:
        self._columns: dict[str, list[float]] = {
            name: list(values) for name, values in (earlier or {}).items()
        }
        seconds = self._columns.get("seconds")
        self._begun = time.perf_counter() - (seconds[-1] if seconds else 0.0)

    def record(self, objective: float, **others: float) -> None:
        """Add one entry: the objective and, for example, `validation`.

        `seconds` is added here: the time since the beginning of the fit.
        """
        entry = {
            "objective": objective,
            "seconds": time.perf_counter() - self._begun,
            **others,
        }
        if self._columns and entry.keys() != self._columns.keys():
            raise KeyError(f"entries have {sorted(self._columns)}, got {sorted(entry)}")
        for name, value in entry.items():
            self._columns.setdefault(name, []).append(value)

    def __len__(self) -> int:
        return len(self._columns.get("objective", ()))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return `history_`: a dict of 1-D arrays of equal length."""
        return {name: np.array(values) for name, values in self._columns.items()}
