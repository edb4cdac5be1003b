"""The state of a RandomCutForest between calls, and its plain attributes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.checked import assert_all_finite
from algos._common.column_types import names_columns_of
from algos._common.params import check_params
from algos._common.validation import validate_rows
from algos._cython.finite import all_finite
from algos.random_cut_forest.forest import SAMPLED, SEEN, Forest
from algos.random_cut_forest.scaling import Scaling
from algos.random_cut_forest.shingles import Entry, Journal, journal, noted_at


@dataclass
class State:
    """A forest, and what converts rows of X into its rows."""

    forest: Forest
    scaling: Scaling
    shingle_size: int
    tail: Float32Array | None  # the last `shingle_size` - 1 rows, scaled
    n_filled: Int64Array  # how many values of each of these were missing
    n_skipped: int  # rows that were not learned because too many values were missing
    units: dict[str, Any]  # the fields of the scaling except `running`
    recent: Float64Array | None = None  # values of the constant columns since one varies

    @property
    def n_learned(self) -> int:
        """Number of shingles that the forest has learned."""
        return int(self.forest.clock[0, SEEN])


class Held:
    """Mixin of RandomCutForest: access to its state."""

    n_features_in_: int
    missing_values: str
    _forest: dict[str, Any]
    _notes: Journal
    _usual: dict[str, Float64Array]
    _shingle_size: int
    _waiting: NDArray[Any]
    _n_skipped: int  # before the buffered rows

    @property
    def n_samples_seen_(self) -> int:
        """Number of rows seen."""
        if "_waiting" in self.__dict__:
            return len(self._waiting) + self._n_skipped
        if "_forest" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no 'n_samples_seen_' yet")
        n_learned = int(self._forest["clock"][0, SEEN])
        n_skipped = noted_at(self._notes, n_learned).n_skipped
        return n_learned + n_skipped + self._shingle_size - 1

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
        now = noted_at(self._notes, int(forest.clock[0, SEEN]))
        scaling = Scaling(**now.units, running=now.running)
        return State(forest, scaling, self._shingle_size, now.tail, *now[3:])

    def _hold(self, state: State) -> None:
        """Store a state, whose forest this estimator may change in place from now on."""
        self._forest = vars(state.forest)
        self._shingle_size = state.shingle_size
        beside = state.n_filled, state.n_skipped, state.units, state.recent
        entry = Entry(state.n_learned, state.tail, state.scaling.running, *beside)
        self._notes = journal(entry)
        self._offsets: dict[str, tuple[int, float]] = {}
        self.__dict__.pop("_waiting", None)
        self.__dict__.pop("_n_skipped", None)

    def _own_arrays(self) -> None:
        """Copy the arrays, so that they may be written to."""
        self._forest = {name: value.copy() for name, value in self._forest.items()}
        self._notes, self._usual = copy.deepcopy((self._notes, self._usual))
        self._offsets = dict(self._offsets)

    def _scoring(self) -> State:
        """Return the state; raise NotFittedError while there is no forest yet."""
        check_params(self)  # they may have been set since rows were learned
        if "_forest" in self.__dict__:
            return self._held()
        check_is_fitted(self)
        missing = self._n_needed() - len(self._waiting)  # type: ignore[attr-defined]
        missing = max(1, missing)  # if `warm_up` was lowered, the next row suffices
        raise NotFittedError(
            f"This {type(self).__name__} has seen {len(self._waiting)} row(s) and lacks "
            f"{missing} more for its warm-up; call `partial_fit` again, or lower `warm_up`"
        )

    def _rows(self, X: Any, *, reset: bool = False, allow_nan: bool = False) -> NDArray[Any]:
        """Return checked rows, with NaN only if it is allowed."""
        if sparse.issparse(X):
            raise TypeError(
                "Sparse data was passed, but dense data is required. Use '.toarray()' to convert "
                "it, or OneHotEncoder(sparse_output=False) in a pipeline"
            )
        if not allow_nan and self.missing_values == "error":
            try:
                rows: NDArray[Any] = validate_rows(self, X, reset=reset)
            except ValueError as error:
                raise _with_remedy(self, error) from None
            return rows
        rows = validate_rows(self, X, reset=reset, ensure_all_finite=False)
        if not all_finite(rows):
            with names_columns_of(X):
                assert_all_finite(rows, allow_nan=True, input_name="X")
        return rows


def _with_remedy(estimator: Any, error: ValueError) -> ValueError:
    """Return the error, with a remedy that this estimator has."""
    first = str(error).split("\n", 1)[0]
    if not first.startswith("Input X contains NaN"):
        return error
    return ValueError(
        f"{first}\n{type(estimator).__name__} accepts NaN with missing_values='impute', and fills "
        f"it with what the forest expects; or remove such rows"
    )


def _forest_of(arrays: dict[str, Any]) -> Forest:
    """Return the Forest of these arrays; faster than its constructor."""
    forest = Forest.__new__(Forest)
    forest.__dict__ = arrays
    return forest
