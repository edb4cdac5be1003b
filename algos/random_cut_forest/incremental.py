"""Incremental learning for RandomCutForest: streams, their grades, and merging."""

from __future__ import annotations

import hashlib
import operator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.base import check_mergeable, learning
from algos._common.random import Key, seed_key
from algos._common.threads import threads_for
from algos._common.verbose import say
from algos.random_cut_forest import constant_columns, gaps, single_rows
from algos.random_cut_forest.attribution import by_lag
from algos.random_cut_forest.following import Following
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.growth import require_room
from algos.random_cut_forest.joining import joined
from algos.random_cut_forest.scaling import (
    Scaling,
    learned_scaling,
    rows_for_scaling,
)
from algos.random_cut_forest.state import State
from algos.random_cut_forest.threshold import grading_of

MAX_ROWS_OF_KEY = 64

# The trees depend on these parameters, and are invalid for other values.
OF_THE_FOREST = ("n_estimators", "max_samples", "shingle_size", "scale", "feature_weights")
_values_of_the_forest = operator.attrgetter(*OF_THE_FOREST)

Self = TypeVar("Self", bound="Incremental")


class Incremental(Following):
    """Mixin of RandomCutForest: incremental learning.

    Rows are buffered in `_waiting` until there are enough of them to learn the scaling.
    """

    n_estimators: int
    shingle_size: int
    random_state: Any
    verbose: int
    _usual: dict[str, Float64Array]

    def partial_fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learn the next rows of a stream, in order.

        The first `warm_up` rows are buffered, and the scaling is learned from them.
        After `fit` the stream continues from the fitted trees, whose rows count as the most
        recent ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            A block may have any number of rows; the division of a stream into blocks changes no
            bit.
        y : None
            Ignored; present for scikit-learn's interface.

        Returns
        -------
        self : RandomCutForest

        Notes
        -----
        An interrupted call has learned the rows up to there (see `n_samples_seen_`),
        or none if it began in the warm-up.
        """
        if single_rows.follow(self, X, False) is None:
            self._learn_next(X)
        return self

    def score_partial_fit(
        self, X: Any, *, return_grade: bool = False, return_attribution: bool = False
    ) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """Score each row with the forest of the rows before it, then learn it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows of the stream, in order.
        return_grade : bool, default=False
            Whether to return grades, too.
        return_attribution : bool, default=False
            Whether to return the contributions of the columns to the scores, too. Calling
            `attribution` afterwards gives another result: by then the forest has learned the
            rows, and may regard a new level as usual.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In the dtype of X, as the grades are; 0 for the rows of the warm-up.
        grades : ndarray of shape (n_samples,)
            Only if `return_grade`: 0 for a score up to the threshold, which depends on the
            scores before it (`threshold_`), 1 for one that exceeds it by at least the distance
            of the threshold from the mean, and linear in between.
        attribution : ndarray, dtype float64
            Only if `return_attribution`: in the shape that `attribution` returns, from the
            forest that gave the scores, to which its parts sum.

        Notes
        -----
        An interrupted call has learned the rows up to there (see `n_samples_seen_`),
        or none if it began in the warm-up. Their scores are lost, also to `threshold_`:
        pass a long stream in blocks.
        """
        found = None if return_attribution else single_rows.follow(self, X, True)
        if found is None:
            return self._judge_next(X, return_grade, return_attribution)
        score = np.array(found[:1], X.dtype)
        return (score, np.array(found[1:], X.dtype)) if return_grade else score

    @property
    def threshold_(self) -> float:
        """Score above which the next row of the stream gets a grade above 0."""
        usual = self.__dict__.get("_usual", {}).get(self.score_method)
        if usual is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no 'threshold_' before "
                f"`score_partial_fit` has scored a row by {self.score_method!r}"
            )
        grading = grading_of(self.score_method, self._decay(), self.max_samples)
        return grading.threshold(usual)

    @learning
    def merge(self: Self, other: Any) -> Self:
        """Add what another forest has learned from other rows.

        The sample of each tree becomes one of all rows that the two have seen, distributed
        exactly as if one stream had contained both, and the tree is regrown. The scaling of this
        forest is kept, except that a column which is constant here and varies in the other forest
        gets its unit from there, to which sampled rows are converted. The stream continues from
        the last rows of this forest.

        Parameters
        ----------
        other : RandomCutForest
            Fitted on the same columns with the same parameters; it is not changed.

        Returns
        -------
        self : RandomCutForest
        """
        check_mergeable(self, other)
        its = other._scoring()
        threads = threads_for(self.n_jobs, np.inf)
        mine = constant_columns.adopted(self._scoring(), its.scaling, threads)
        forest = its.forest
        if not mine.scaling.is_same(its.scaling):
            forest = _expressed(its, mine.scaling)
        mine.n_skipped += its.n_skipped + its.shingle_size - 1
        mine.forest = joined(mine.forest, forest, threads)
        self._hold(mine)
        return self

    def __copy__(self: Self) -> Self:
        """Return a copy with its own forest, since learning changes that in place."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        if "_forest" in self.__dict__:
            other._own_arrays()
        return other

    @learning
    def _learn_next(self, X: Any) -> None:
        """Learn rows that no open stream accepts."""
        scores = self._learn(X, None)[0]
        if len(scores) == 1:
            single_rows.hold_open(self, X)

    @learning
    def _judge_next(
        self, X: Any, return_grade: bool, return_attribution: bool
    ) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """Score, grade and learn rows that no open stream accepts."""
        scores, n_scored, dtype, shares = self._learn(X, self.score_method, return_attribution)
        grades = np.zeros(len(scores))
        if n_scored:
            grading = grading_of(self.score_method, self._decay(), self.max_samples)
            usual = self._usual.get(self.score_method)
            grades[-n_scored:], usual = grading.graded(scores[-n_scored:], usual)
            self._usual = {self.score_method: usual}
        if len(scores) == 1:
            single_rows.hold_open(self, X)
        if dtype == np.float32:
            scores, grades = scores.astype(np.float32), grades.astype(np.float32)
        found = [scores]
        if return_grade:
            found.append(grades)
        if shares is not None:
            size = self._of_the_forest[2] if n_scored else self.shingle_size
            found.append(shares if size == 1 else by_lag(shares, size))
        return tuple(found) if len(found) > 1 else scores

    def _learn(
        self, X: Any, method: str | None, explains: bool = False
    ) -> tuple[Float64Array, int, Any, Float64Array | None]:
        """Learn rows.

        Return scores, the number of rows (the last ones) that have one, X.dtype, and the
        contributions of the columns to the scores.
        """
        is_new = not self.__sklearn_is_fitted__()
        X = self._rows(X, reset=is_new)
        if "_forest" in self.__dict__:
            self._check_forest()
            shares = self._no_shares(X) if explains else None
            return self._follow(X, method, shares), len(X), X.dtype, shares
        shares = self._no_shares(X) if explains else None
        rows = self._worth_waiting(X, is_new)
        # If parameters were lowered, more rows than needed may be buffered: then all of these.
        needed = max(self._n_needed(), len(rows) - len(X))
        if len(rows) < needed:
            self._waiting = rows.copy() if is_new else rows
            return np.zeros(len(X)), 0, X.dtype, shares
        n_scored = len(rows) - needed
        self._begin(rows[:needed])
        scores, n_silent = np.zeros(len(X)), len(X) - n_scored
        if n_scored:
            explained = None if shares is None else shares[n_silent:]
            scores[n_silent:] = self._follow(rows[needed:], method, explained)
        return scores, n_scored, X.dtype, shares

    def _worth_waiting(self, X: NDArray[Any], is_new: bool) -> NDArray[Any]:
        """Return the rows of the warm-up so far, without those before the first value."""
        rows = X if is_new else np.concatenate([self._waiting, X])
        if is_new:
            self._n_skipped = 0
        if self.missing_values == "error" or not np.isnan(rows[:1]).all():
            return rows
        has_value = ~np.isnan(rows).all(axis=1)
        n_empty = int(has_value.argmax()) if has_value.any() else len(rows)
        self._n_skipped += n_empty
        return rows[n_empty:]

    def _no_shares(self, X: NDArray[Any]) -> Float64Array:
        return np.zeros((len(X), self.shingle_size * X.shape[1], 2))

    def _begin(self, X: NDArray[Any]) -> None:
        """Learn the scaling from the first rows, then the rows themselves."""
        forest = self._empty_forest(self._own_key(X), X.shape[1])
        rows = X[: rows_for_scaling(X.shape[1])]
        scaling = self._learned_scaling(rows, len(X), self._decay())
        first = X[: self.shingle_size - 1]
        tail = gaps.carried_forward(scaling.scaled(first))
        # Rows of the warm-up before the first value are not learned.
        self._hold_new(forest, scaling, tail, np.isnan(first).sum(axis=1), self._n_skipped)
        self._follow(X[len(first) :], None)
        say(self, f"scaling learned from the first {len(X)} rows")

    def _hold(self, state: State) -> None:
        single_rows.close(self)  # it holds the arrays of the old forest
        super()._hold(state)

    def _hold_new(
        self,
        forest: Forest,
        scaling: Scaling,
        tail: Float32Array,
        n_filled: Int64Array,
        n_skipped: int = 0,
    ) -> None:
        size = self.shingle_size
        last = tail if size > 1 else None
        self._hold(State(forest, scaling, size, last, n_filled, n_skipped, scaling.fixed))
        self._of_the_forest = _values_of_the_forest(self)
        self._usual = {}

    def _n_needed(self) -> int:
        """Return the number of rows of the warm-up."""
        return self._n_warming() + self.shingle_size - 1

    def _empty_forest(self, key: Key, n_features: int) -> Forest:
        width = n_features * self.shingle_size
        require_room(self.n_estimators, self.max_samples, width)
        return Forest.empty(key, self.n_estimators, self.max_samples, width)

    def _own_key(self, X: NDArray[Any]) -> Key:
        """Return a key that differs between streams with other first rows, even for equal seeds.

        Merged forests have the right distribution only if they were drawn independently.
        """
        rows = X[:MAX_ROWS_OF_KEY].astype(np.float64) + 0.0  # -0 becomes 0
        digest = hashlib.blake2b(rows.tobytes(), digest_size=16).digest()
        return seed_key(self.random_state) ^ np.frombuffer(digest, dtype=np.uint64)

    def _learned_scaling(self, rows: NDArray[Any], n_rows: int, decay: float) -> Scaling:
        weights = self._weights(rows.shape[1])
        return learned_scaling(rows, self.scale, weights, n_rows, decay)

    def _check_forest(self) -> None:
        """Raise ValueError if a parameter on which the trees depend has been changed."""
        now = _values_of_the_forest(self)
        for name, value, before in zip(OF_THE_FOREST, now, self._of_the_forest, strict=True):
            if value is not before and not np.array_equal(value, before):
                raise ValueError(
                    f"`{name}`={value!r} must be {before!r}, with which the trees so far were "
                    f"grown; set it back, or start with `fit` or a new forest"
                )


def _expressed(held: State, scaling: Scaling) -> Forest:
    """Return a copy of a forest with its points converted to another scaling."""
    forest = held.forest.copy()
    points = forest.own_points.reshape(-1, forest.n_columns // held.shingle_size)
    points[:] = scaling.scaled(held.scaling.unscaled(points))
    points[:, held.scaling.blank] = 0  # filled values stay at the centre
    return forest
