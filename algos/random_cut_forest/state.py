"""What a RandomCutForest holds between calls, as plain attributes, and what it means."""

from __future__ import annotations

import copy
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
from algos.random_cut_forest.shingles import Journal, journal, noted_at


@dataclass
class State:
    """A forest with what turns rows into its rows."""

    forest: Forest
    scaling: Scaling
    shingle_size: int
    tail: NDArray[np.float32] | None  # the last `shingle_size` - 1 rows, scaled
    n_filled: NDArray[np.int64]  # how many values of each of these were missing
    n_skipped: int  # rows that were not learnt, since too much of them was missing

    @property
    def n_learned(self) -> int:
        """Number of shingles that the forest has learned."""
        return int(self.forest.clock[0, SEEN])


class Held:
    """Mixin of RandomCutForest: its attributes, read and checked."""

    n_features_in_: int
    missing_values: str
    _forest: dict[str, Any]
    _scaling: dict[str, NDArray[np.float64]]
    _notes: Journal | None
    _shingle_size: int
    _n_filled: NDArray[np.int64]
    _n_skipped: int
    _waiting: NDArray[Any]

    @property
    def n_samples_seen_(self) -> int:
        """Number of rows seen."""
        if "_waiting" in self.__dict__:
            return len(self._waiting) + self._n_skipped
        if "_forest" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no 'n_samples_seen_' yet")
        n_learned = int(self._forest["clock"][0, SEEN])
        return n_learned + self._n_skipped + self._shingle_size - 1

    @property
    def max_samples_(self) -> int:
        """Number of rows in the sample of each tree."""
        if "_forest" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no 'max_samples_' yet")
        return int(self._forest["clock"][:, SAMPLED].max())

    def __sklearn_is_fitted__(self) -> bool:
        return "_forest" in self.__dict__ or "_waiting" in self.__dict__

    def _held(self) -> State:
        forest = _forest_of(self._forest)
        fixed = self._scaling["unit"], self._scaling["center"], self._scaling["factor"]
        tail = running = None
        if self._notes is not None:
            tail, running = noted_at(self._notes, int(forest.clock[0, SEEN]))
        return State(
            forest,
            Scaling(*fixed, running),
            self._shingle_size,
            tail,
            self._n_filled,
            self._n_skipped,
        )

    def _hold(self, state: State) -> None:
        """Take a state; `state.forest` is this estimator's from now on, to change in place."""
        tail, running = state.tail, state.scaling.running
        self._forest = vars(state.forest)
        self._scaling = state.scaling.fixed
        self._shingle_size = state.shingle_size
        self._n_filled, self._n_skipped = state.n_filled, state.n_skipped
        is_plain = tail is None and running is None
        self._notes = None if is_plain else journal(state.n_learned, tail, running)
        self._offsets: dict[str, float] = {}
        self.__dict__.pop("_waiting", None)

    def _own_arrays(self) -> None:
        """Have arrays that nothing else refers to, and that may be written to."""
        self._forest = {name: value.copy() for name, value in self._forest.items()}
        if self._notes is not None:
            self._notes = copy.deepcopy(self._notes)
        self._offsets = dict(self._offsets)

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

    def _rows(self, X: Any, *, reset: bool = False, allow_nan: bool = False) -> NDArray[Any]:
        """Return checked rows; NaN stays only where it is allowed."""
        if not allow_nan and self.missing_values == "error":
            rows: NDArray[Any] = validate_rows(self, X, reset=reset)
            return rows
        rows = validate_rows(self, X, reset=reset, ensure_all_finite=False)
        if not all_finite(rows):
            assert_all_finite(rows, allow_nan=True, estimator_name=type(self).__name__)
        return rows


def _forest_of(arrays: dict[str, Any]) -> Forest:
    """Return the Forest of these arrays; faster than its constructor."""
    forest = Forest.__new__(Forest)
    forest.__dict__ = arrays
    return forest
