"""Learning of a stream by RandomCutForest after its warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.threads import threads_for
from algos._cython.finite import all_finite
from algos.random_cut_forest import constant_columns, gaps, stream
from algos.random_cut_forest.attribution import attribute
from algos.random_cut_forest.fitted import Fitted
from algos.random_cut_forest.scaling import (
    Scaling,
    by_name,
    checked_weights,
    learned_scaling,
    require_moderate,
    rows_for_scaling,
)
from algos.random_cut_forest.scores import score
from algos.random_cut_forest.shingles import Entry, followed, note
from algos.random_cut_forest.state import State

# Kinesis' default. A faster decay, as in AWS's library, finds less in NAB's streams and in New
# York's taxi rides.
STREAM_DECAY = 1e-5
OF_A_PART = 2 * 10**8  # approximate nanoseconds of learning between checks for interrupts
LEAST_ROWS = 256
VALUES = 1 << 15  # scaled at a time, approximately
EXPLAINED = 10  # approximate factor of the time for rows with attributions
OPERATIONS = 200  # per row and tree, approximately: most rows are not sampled


class Following(Fitted):
    """Mixin of RandomCutForest: learning the rows of a stream after its warm-up.

    The arrays of the forest are changed in place, by calls that cannot fail half-way; the rest of
    the state is in `_notes`, which is written before each call (see `shingles`).
    """

    max_samples: int
    time_decay: float | None
    scale: str | None
    feature_weights: Any
    warm_up: int | str

    def _follow(
        self, X: NDArray[Any], method: str | None, shares: Float64Array | None = None
    ) -> Float64Array:
        """Learn the next rows in parts, between which interrupts are noticed."""
        if not self._forest["nodes"].flags.writeable:  # of a memory-mapped file
            self._own_arrays()
        held = self._held()
        width = held.forest.n_columns
        most = OF_A_PART // (held.forest.n_trees * (80 + 3 * width))
        most = min(most if shares is None else most // EXPLAINED, VALUES // X.shape[1])
        most = max(LEAST_ROWS, most)
        has_gaps = self.missing_values != "error" and not all_finite(X)
        has_gaps = has_gaps or bool(held.n_filled.any())
        rests = held.scaling.rests
        if not has_gaps and len(X) <= most and shares is None and not rests:
            return self._follow_part(held, X, method)
        n_filled = np.append(held.n_filled, np.isnan(X).sum(axis=1)) if has_gaps else None
        scores = np.empty(len(X))
        for whole in gaps.parts(n_filled, len(X), most, width):
            for part, held in self._of_one_scaling(X, whole):
                of_rows = None if shares is None else shares[part]
                scores[part] = self._follow_part(held, X[part], method, has_gaps, of_rows)
        if rests:
            self._settled(X[len(X) :])
        return scores

    def _of_one_scaling(self, X: NDArray[Any], whole: slice) -> Iterator[tuple[slice, State]]:
        """Yield sub-parts with constant units, and the state before each."""
        begin, end = whole.start, whole.stop
        while begin < end:
            held, n = self._held(), end - begin
            if held.scaling.rests:
                held = self._settled(X[begin:end])
                n = constant_columns.n_alike(held, X[begin:end], self._window())
            yield slice(begin, begin + n), held
            begin += n

    def _settled(self, X: NDArray[Any]) -> State:
        """Return the state with the units for the rows so far and the first row of X."""
        held = self._held()
        weights = self._weights(X.shape[1])

        def learn(rows: NDArray[Any], columns: IndexArray) -> Scaling:
            return learned_scaling(rows, self.scale, weights[columns], len(rows), 0.0)

        threads = self._stream_threads(held, held.forest.size)
        state = constant_columns.settled(held, X, self._window(), learn, threads)
        # Units that change no stored row take effect with the next row (`_follow_part`).
        if state.forest is not held.forest or not len(X):
            self._hold(state)
        return state

    def _follow_part(
        self,
        held: State,
        X: NDArray[Any],
        method: str | None,
        has_gaps: bool = False,
        shares: Float64Array | None = None,
    ) -> Float64Array:
        """Learn rows without gaps or one row, or skip rows with too many missing values."""
        n, d = X.shape
        decay, now = self._decay(), held.n_learned
        block, new = followed(held.tail, n, d)
        running = held.scaling.follow(X, new, decay)
        n_filled, n_skipped = held.n_filled, held.n_skipped
        if has_gaps:
            n_filled = np.append(n_filled, np.isnan(X).sum(axis=1))
            if n_filled[-n]:
                gaps.fill_last(held.forest, block)
            if gaps.is_skipped(n_filled[: held.shingle_size].sum(), held.forest.n_columns):
                n_skipped += n
            n_filled = n_filled[n:]
        learns = n_skipped == held.n_skipped
        tail = None if held.tail is None else block[n:].copy()
        row = now + n if learns else now
        beside = n_filled, n_skipped, held.units, constant_columns.continued(held, X)
        entry = Entry(row, tail, running, *beside)
        note(self._notes, now, entry)
        threads = self._stream_threads(held, n)
        if learns:
            here = held.forest, block, n, d, decay
            scores = stream.learn(*here, threads, method, 0, shares)
            return np.zeros(n) if scores is None else scores
        if method is None:
            return np.zeros(n)
        if shares is not None:
            shares[:] = attribute(held.forest, block, n, d, method, threads)
        return score(held.forest, block, n, d, method, threads)

    def _stream_threads(self, held: State, n_rows: int) -> int:
        return threads_for(self.n_jobs, OPERATIONS * held.forest.n_trees * n_rows)

    def _n_warming(self) -> int:
        if isinstance(self.warm_up, str):
            return max(1, self.max_samples // 4)
        return self.warm_up

    def _window(self) -> int:
        """Return the number of rows from which a formerly constant column learns its unit."""
        n = min(self._n_warming(), rows_for_scaling(self.n_features_in_))
        return max(n, constant_columns.LEAST_WINDOW)

    def _decay(self) -> float:
        """Return the decay of a stream."""
        if self.time_decay is None:
            return min(STREAM_DECAY, 0.1 / self.max_samples)
        return float(self.time_decay)

    def _weights(self, n_features: int) -> Float64Array:
        names = getattr(self, "feature_names_in_", None)
        weights = checked_weights(by_name(self.feature_weights, names), n_features)
        if self.scale is not None:
            require_moderate(weights)
        return weights
