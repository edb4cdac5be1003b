"""What RandomCutForest does beyond fit: learn a stream, grade it, and join forests."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from algos._common.base import check_mergeable, learning
from algos._common.random import Key, seed_key
from algos._common.threads import threads_for
from algos._common.verbose import say
from algos.random_cut_forest import stream
from algos.random_cut_forest.fitted import Fitted
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.growth import require_room
from algos.random_cut_forest.joining import joined
from algos.random_cut_forest.scaling import Scaling, learnt_scaling, rows_for_scaling
from algos.random_cut_forest.shingles import entry_at, followed, journal, n_shingles, note
from algos.random_cut_forest.state import OF_THE_FOREST, State
from algos.random_cut_forest.threshold import grading_of, nothing_usual

Doubles = NDArray[np.float64]

OPERATIONS = 200  # about, for a row and a tree: most rows are not taken

Self = TypeVar("Self", bound="Incremental")


class Incremental(Fitted):
    """Mixin of RandomCutForest: learning in parts.

    Rows wait in `_waiting` until there are enough of them to learn the scaling from. From
    then on the forest's arrays are changed in place, by one call that cannot fail half way;
    all else that changes with them is in `_notes`, which is written before (`shingles`).
    """

    n_estimators: int
    max_samples: int
    shingle_size: int
    time_decay: float | None
    scale: str | None
    feature_weights: Any
    warm_up: int | str
    random_state: Any
    verbose: int
    _usual: Doubles

    @learning
    def partial_fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learn the next rows of a stream, in their order.

        The first rows wait until there are `warm_up` of them; of these the scaling is learnt.
        After `fit` the stream goes on from the fitted trees, whose rows count as if they had
        just come.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            A block may have any number of rows; how a stream is cut changes no bit.
        y : None
            Ignored; present for scikit-learn's interface.

        Returns
        -------
        self : RandomCutForest
        """
        self._learn(X, None)
        return self

    @learning
    def score_partial_fit(
        self, X: Any, *, return_grade: bool = False
    ) -> Doubles | tuple[Doubles, Doubles]:
        """Score each row by the forest of the rows before it, then learn it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows of the stream, in order.
        return_grade : bool, default=False
            Whether to return grades too.

        Returns
        -------
        scores : ndarray of shape (n_samples,), dtype float64
            0 for the rows of the warm-up.
        grades : ndarray of shape (n_samples,), dtype float64
            Only if `return_grade`: 0 for a score up to the threshold that the scores before
            it make (`threshold_`), 1 for one that is at least as far beyond it as that is
            beyond the mean, and in proportion between.
        """
        scores, n_scored = self._learn(X, self.score_method)
        grades = np.zeros(len(scores))
        if n_scored:
            usual = self.__dict__.get("_usual")
            grading = grading_of(self.score_method, self._decay(), self.max_samples)
            grades[-n_scored:], self._usual = grading.graded(
                scores[-n_scored:], nothing_usual() if usual is None else usual
            )
        return (scores, grades) if return_grade else scores

    @property
    def threshold_(self) -> float:
        """Score above which the next row of the stream has a grade above 0."""
        if "_usual" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__!r} object has no 'threshold_' before "
                f"`score_partial_fit` has scored a row"
            )
        grading = grading_of(self.score_method, self._decay(), self.max_samples)
        return grading.threshold(self._usual)

    @learning
    def merge(self: Self, other: Any) -> Self:
        """Join what another forest has learned from other rows.

        Each tree's sample becomes one of all rows that the two have seen, in law exactly as
        if one stream had held both, and the tree is grown anew. This forest's scaling stays;
        the other one's sampled rows are expressed in it. The stream goes on from this
        forest's last rows.

        Parameters
        ----------
        other : RandomCutForest
            Fitted on the same columns with the same parameters; it is not changed.

        Returns
        -------
        self : RandomCutForest
        """
        check_mergeable(self, other)
        mine, its = self._scoring(), other._scoring()
        forest = its.forest
        if not mine.scaling.is_same(its.scaling):
            forest = _expressed(its, mine.scaling)
        n_threads = threads_for(self.n_jobs, np.inf)
        self._take(joined(mine.forest, forest, n_threads=n_threads), mine)
        return self

    def __copy__(self: Self) -> Self:
        """Return a copy with a forest of its own, since learning changes that in place."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        if "_forest" in self.__dict__:
            other._own_arrays()
        return other

    def _learn(self, X: Any, method: str | None) -> tuple[Doubles, int]:
        """Learn rows; return their scores, and how many rows, the last ones, have some."""
        is_new = not self.__sklearn_is_fitted__()
        X = self._rows(X, reset=is_new)
        if "_forest" in self.__dict__:
            self._check_forest()
            scores = self._follow(X, method)
            return scores, len(scores)
        rows = X.copy() if is_new else np.concatenate([self._waiting, X])
        needed = self._n_waiting()
        if len(rows) < needed:
            self._waiting = rows
            return np.zeros(len(X)), 0
        n_old = len(rows) - len(X)
        self._begin(rows[:needed])
        self.__dict__.pop("_waiting", None)
        scores = np.zeros(len(X))
        if len(rows) > needed:
            scores[needed - n_old :] = self._follow(rows[needed:], method)
        return scores, len(rows) - needed

    def _follow(self, X: NDArray[Any], method: str | None) -> Doubles:
        """Learn rows that follow those so far."""
        if not self._forest["nodes"].flags.writeable:  # of a memory-mapped file
            self._own_arrays()
        held = self._held()
        decay = self._decay()
        block, new = followed(held.tail, len(X), X.shape[1])
        scaling = held.scaling.follow(X, new, decay)
        if held.notes is not None:
            tail = block[len(X) :] if held.shingle_size > 1 else None
            now = held.n_learned
            note(held.notes, now, now + len(X), tail=tail, running=scaling.running)
        scores = stream.learn(
            held.forest,
            block,
            len(X),
            X.shape[1],
            decay,
            threads_for(self.n_jobs, OPERATIONS * held.forest.n_trees * len(X)),
            method,
        )
        self._defer_model()
        return np.zeros(len(X)) if scores is None else scores

    def _begin(self, X: NDArray[Any]) -> None:
        """Learn the scaling from the first rows, then the rows themselves."""
        forest = self._empty_forest(seed_key(self.random_state), X.shape[1])
        scaling = self._learnt_scaling(X[: rows_for_scaling(X.shape[1])], len(X), self._decay())
        self._say_scaling(scaling, len(X))
        rows = scaling.scaled(X)
        n = n_shingles(len(X), self.shingle_size)
        stream.learn(forest, rows, n, X.shape[1], self._decay(), 1)
        self._hold(forest, scaling, rows[n:], n)

    def _n_waiting(self) -> int:
        """Return how many rows make up the warm-up."""
        n = max(1, self.max_samples // 4) if isinstance(self.warm_up, str) else self.warm_up
        return n + self.shingle_size - 1

    def _decay(self) -> float:
        """Return the decay of a stream."""
        return 0.1 / self.max_samples if self.time_decay is None else float(self.time_decay)

    def _empty_forest(self, key: Key, n_features: int) -> Forest:
        width = n_features * self.shingle_size
        require_room(self.n_estimators, self.max_samples, width)
        return Forest.empty(key, self.n_estimators, self.max_samples, width)

    def _learnt_scaling(self, rows: NDArray[Any], n_rows: int, decay: float) -> Scaling:
        return learnt_scaling(rows, self.scale, self.feature_weights, n_rows, decay)

    def _hold(
        self, forest: Forest, scaling: Scaling, tail: NDArray[np.float32], n_learned: int
    ) -> None:
        """Take a new forest, and what a stream needs to go on from it."""
        self._forest = vars(forest)
        self._scaling = {**vars(scaling), "running": None}
        self._shingle_size = self.shingle_size
        self._of_the_forest = tuple(getattr(self, name) for name in OF_THE_FOREST)
        is_plain = self.shingle_size == 1 and scaling.running is None
        parts = {"tail": tail if self.shingle_size > 1 else None, "running": scaling.running}
        self._notes = None if is_plain else journal(n_learned, **parts)
        self.__dict__.pop("_usual", None)
        self._defer_model()

    def _take(self, forest: Forest, mine: State) -> None:
        """Take a joined forest; the stream's last rows stay."""
        notes = mine.notes
        if notes is not None:
            at = entry_at(notes, mine.n_learned)
            parts = {name: part[at] for name, part in notes.items() if name != "row"}
            notes = journal(State(forest, mine.scaling, None, 1).n_learned, **parts)
        self._forest, self._notes = vars(forest), notes
        self._defer_model()

    def _own_arrays(self) -> None:
        self._forest = {name: value.copy() for name, value in self._forest.items()}
        if self._notes is not None:
            self._notes = {name: value.copy() for name, value in self._notes.items()}

    def _check_forest(self) -> None:
        """Raise ValueError if parameters of which the trees are made have been changed."""
        made_with = self._of_the_forest
        now = (self.n_estimators, self.max_samples, self.shingle_size, self.scale)
        if now == made_with:
            return
        for name, value, before in zip(OF_THE_FOREST, now, made_with, strict=True):
            if value != before:
                raise ValueError(
                    f"`{name}`={value!r} must be {before!r}, with which the trees so far were "
                    f"made; set it back, or call `fit` or start anew"
                )

    def _say_scaling(self, scaling: Scaling, n_rows: int) -> None:
        say(self, f"scaling learnt from {n_rows} rows")


def _expressed(held: State, scaling: Scaling) -> Forest:
    """Return a copy of a forest with its points in the units of another scaling."""
    forest = held.forest.copy()
    n_points = forest.n_trees * forest.size * held.shingle_size
    n_features = forest.n_columns // held.shingle_size
    points = forest.points[: n_points * n_features].reshape(n_points, n_features)
    points[:] = scaling.scaled(held.scaling.unscaled(points))
    return forest
