"""Methods of a fitted RandomCutForest: scores, labels and attributions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float32Array, Float64Array
from algos._common.params import check_params
from algos._common.threads import threads_for
from algos._cython.finite import all_finite
from algos.random_cut_forest.attribution import attribute, by_lag
from algos.random_cut_forest.forest import DRAWN
from algos.random_cut_forest.gaps import fill
from algos.random_cut_forest.scores import score
from algos.random_cut_forest.shingles import require_shingle
from algos.random_cut_forest.state import Held, State
from algos.random_cut_forest.threshold import as_labels, held_rows, score_limit

BLOCK = 1 << 22  # values that are scaled at a time
OPERATIONS = 100  # per row and tree, approximately


class Fitted(TransformerMixin, Held):
    """Mixin of RandomCutForest: the methods that do not change the forest.

    It derives from TransformerMixin itself, since `set_output` wraps `transform` only if the
    class that defines it is a transformer.
    """

    contamination: str | float
    score_method: str
    n_jobs: int | None
    _offsets: dict[str, tuple[int, float]]

    @property
    def offset_(self) -> float:
        """The offset that `decision_function` subtracts from `score_samples`."""
        if "_forest" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no 'offset_' yet")
        name = self._offset_name
        drawn, offset = self._offsets.get(name, (-1, 0.0))
        if drawn != self._n_drawn:
            borderline = 0.0 if "displacement" in self.score_method else 1.0  # no fixed scale
            offset = -score_limit(self._held_scores(), self.contamination, borderline)
            self._keep_offset(offset)
        return offset

    def _keep_offset(self, offset: float) -> None:
        """Remember an offset until the trees change."""
        self._offsets[self._offset_name] = self._n_drawn, offset

    @property
    def _n_drawn(self) -> int:
        """Number of random words drawn so far, which every change of a tree increases."""
        return int(self._forest["clock"][:, DRAWN].sum())

    def anomaly_score(self, X: Any) -> NDArray[Any]:
        """Return how anomalous each row is: larger is more anomalous.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            With a `shingle_size` above 1, a section of a stream, in order, of at least
            `shingle_size` rows; rows before X are not used.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In the dtype of X, and at least 0. The first `shingle_size` - 1 rows have no
            complete shingle and score 0.
        """
        held, X = self._asked(X)
        return self._scores(held, X).astype(X.dtype, copy=False)

    def score_samples(self, X: Any) -> NDArray[Any]:
        """Return minus the anomaly score of each row, so that smaller is more anomalous.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In the dtype of X.
        """
        return -self.anomaly_score(X)

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return `score_samples(X) - offset_`: below 0 for anomalies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            In the dtype of X.
        """
        decision = self.score_samples(X)
        decision -= self.offset_
        return decision

    def predict(self, X: Any) -> NDArray[Any]:
        """Return -1 for anomalies and 1 for other rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int
            -1 where `decision_function` is below 0.
        """
        return as_labels(self.decision_function(X))

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the anomaly score of each row as a column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_new : ndarray of shape (n_samples, 1)
            What `anomaly_score` returns.
        """
        return self.anomaly_score(X)[:, None]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the name of the column that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Checked against the columns of `fit`, as in scikit-learn's transformers.

        Returns
        -------
        feature_names_out : ndarray of shape (1,), dtype object
            `["anomaly_score"]`.
        """
        check_is_fitted(self)
        if input_features is not None:
            self._check_names(np.asarray(input_features, dtype=object))
        return np.array(["anomaly_score"], dtype=object)

    def attribution(self, X: Any) -> Float64Array:
        """Return the contribution of each column to the anomaly score of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        attribution : ndarray of shape (n_samples, n_features, 2), dtype float64
            [..., 0] is the contribution of a low value, [..., 1] that of a high one. They
            sum to the score of the row. With a `shingle_size` above 1 the shape is
            (n_samples, shingle_size, n_features, 2): entry [i, lag] is the contribution of
            row i - lag to the score of row i. The first `shingle_size` - 1 rows have 0.
        """
        held, X = self._asked(X)
        shape = (len(X), held.forest.n_columns, 2)
        found = np.zeros(shape)
        for rows, n_shingles, at in self._blocks(held, X, 2 * held.shingle_size):
            found[at] = attribute(
                held.forest,
                rows,
                n_shingles,
                X.shape[1],
                self.score_method,
                self._threads_for(held, n_shingles),
            )
        if held.shingle_size == 1:
            return found
        return by_lag(found, held.shingle_size)

    def _asked(self, X: Any) -> tuple[State, NDArray[Any]]:
        """Return the state and checked rows, at least one shingle of them."""
        held = self._scoring()
        X = self._rows(X)
        require_shingle(len(X), held.shingle_size)
        return held, X

    def _scores(self, held: State, X: NDArray[Any]) -> Float64Array:
        found = np.zeros(len(X))
        for rows, n_shingles, at in self._blocks(held, X):
            found[at] = score(
                held.forest,
                rows,
                n_shingles,
                X.shape[1],
                self.score_method,
                self._threads_for(held, n_shingles),
            )
        return found

    def _blocks(
        self, held: State, X: NDArray[Any], size: int = 1
    ) -> Iterator[tuple[Float32Array, int, slice]]:
        """Yield scaled rows, the number of shingles in them, and their rows in X."""
        before = held.shingle_size - 1
        step = max(1, BLOCK // (size * X.shape[1]))
        has_gaps = self.missing_values != "error" and not all_finite(X)
        filled = self._filled(held, X) if has_gaps else None
        for start in range(before, len(X), step):
            stop = min(start + step, len(X))
            block = slice(start - before, stop)
            threads = self._threads_for(held, stop - start)
            rows = held.scaling.scaled(X[block], threads) if filled is None else filled[block]
            yield rows, stop - start, slice(start, stop)

    def _filled(self, held: State, X: NDArray[Any]) -> Float32Array:
        """Return scaled rows without NaN."""
        threads = self._threads_for(held, len(X))
        return fill(held.forest, held.scaling.scaled(X, threads), held.shingle_size, threads)

    def _threads_for(self, held: State, n_rows: int) -> int:
        return threads_for(self.n_jobs, OPERATIONS * held.forest.n_trees * n_rows)

    @property
    def _offset_name(self) -> str:
        """What an offset depends on besides the forest."""
        return f"{self.score_method} {self.contamination!r}"

    def _held_scores(self) -> Float64Array:
        """Return the scores of some of the rows in the trees."""
        check_params(self)  # they may have been set since rows were learned
        held = self._held()
        rows = held_rows(held.forest)
        n, width = rows.shape
        threads = self._threads_for(held, n)
        return score(held.forest, rows, n, width, self.score_method, threads)

    def _check_names(self, names: NDArray[Any]) -> None:
        mine = getattr(self, "feature_names_in_", None)
        if mine is not None and not np.array_equal(mine, names):
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(names) != self.n_features_in_:
            raise ValueError(
                f"input_features should have length equal to number of features "
                f"({self.n_features_in_}), got {len(names)}"
            )
