"""What a RandomCutForest holds between calls, as plain attributes, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from algos._common.validation import validate_rows
from algos._cython.finite import all_finite
from algos.random_cut_forest.forest import SAMPLED, SEEN, Forest
from algos.random_cut_forest.scaling import Scaling
from algos.random_cut_forest.shingles import Journal, entry_at

# A forest stands for these; its trees mean nothing under other values.
OF_THE_FOREST = ("n_estimators", "max_samples", "shingle_size", "scale")


@dataclass
class State:
    """A forest with what turns rows into its rows."""

    forest: Forest
    scaling: Scaling
    notes: Journal | None  # of a stream: the rows before the next, and a streaming scaling
    shingle_size: int

    @property
    def n_learned(self) -> int:
        """Number of shingles that the forest has learned."""
        return int(self.forest.clock[0, SEEN])

    @property
    def tail(self) -> NDArray[np.float32] | None:
        """The last `shingle_size` - 1 rows, scaled; None if there are none."""
        if self.notes is None or "tail" not in self.notes:
            return None
        tail: NDArray[np.float32] = self.notes["tail"][entry_at(self.notes, self.n_learned)]
        return tail


class Held:
    """Mixin of RandomCutForest: its attributes, read and checked."""

    n_features_in_: int
    missing_values: str
    _forest: dict[str, Any]
    _scaling: dict[str, Any]
    _notes: Journal | None
    _shingle_size: int
    _waiting: NDArray[Any]

    @property
    def n_samples_seen_(self) -> int:
        """Number of rows seen."""
        if "_waiting" in self.__dict__:
            return len(self._waiting)
        if "_forest" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no 'n_samples_seen_' yet")
        return int(self._forest["clock"][0, SEEN]) + self._shingle_size - 1

    @property
    def max_samples_(self) -> int:
        """Number of rows in the sample of each tree."""
        if "_forest" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no 'max_samples_' yet")
        return int(self._forest["clock"][:, SAMPLED].max())

    def __sklearn_is_fitted__(self) -> bool:
        return "_forest" in self.__dict__ or "_waiting" in self.__dict__

    def _held(self) -> State:
        scaling = Scaling(**self._scaling)
        forest = Forest(**self._forest)
        if self._notes is not None and "running" in self._notes:
            at = entry_at(self._notes, int(forest.clock[0, SEEN]))
            scaling.running = self._notes["running"][at]
        return State(forest, scaling, self._notes, self._shingle_size)

    def _scoring(self) -> State:
        """Return the state; raise NotFittedError while there is no forest yet."""
        if "_forest" in self.__dict__:
            return self._held()
        check_is_fitted(self)
        missing = self._n_waiting() - len(self._waiting)  # type: ignore[attr-defined]
        raise NotFittedError(
            f"This {type(self).__name__} has seen {len(self._waiting)} row(s) and lacks "
            f"{missing} more to begin with; call `partial_fit` again, or lower `warm_up`"
        )

    def _rows(self, X: Any, *, reset: bool = False) -> NDArray[Any]:
        """Return checked rows; NaN stays only if `missing_values` allows it."""
        if self.missing_values == "error":
            rows: NDArray[Any] = validate_rows(self, X, reset=reset)
            return rows
        rows = validate_rows(self, X, reset=reset, ensure_all_finite=False)
        if not all_finite(rows):
            assert_all_finite(rows, allow_nan=True, estimator_name=type(self).__name__)
        return rows
