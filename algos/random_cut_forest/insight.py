"""Methods of RandomCutForest beyond scores: imputation, forecasts, neighbours, density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array
from algos._common.base import learning
from algos._common.memory import require_memory
from algos._common.params import POSITIVE, POSITIVE_INT, SHARE, InvalidParameterError
from algos._common.warn import warn
from algos.random_cut_forest.attribution import attribute
from algos.random_cut_forest.density import directional_density
from algos.random_cut_forest.forecast import forecast
from algos.random_cut_forest.forest import SAMPLED
from algos.random_cut_forest.imputation import BLAMED_SHARE, likely_values
from algos.random_cut_forest.incremental import Incremental
from algos.random_cut_forest.neighbors import nearest, sample
from algos.random_cut_forest.regions import Region, dense_regions
from algos.random_cut_forest.state import State
from algos.random_cut_forest.stream import forget

Self = TypeVar("Self", bound="Insight")


class Insight(Incremental):
    """Mixin of RandomCutForest: methods that use the rows in its trees."""

    n_jobs: int | None

    def impute(self, X: Any) -> NDArray[Any]:
        """Return X with NaN replaced by what the forest expects.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN where a value is missing, whatever `missing_values` is. With a
            `shingle_size` above 1, a section of a stream, in order.

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features)
            An array in the dtype of X, also for a data frame and with `set_output`. Known values
            are unchanged; a missing one becomes the median over the sampled rows that are nearest
            to the row in its known columns.
        """
        held = self._scoring()
        X = self._rows(X, allow_nan=True)
        is_missing = np.isnan(X)
        filled = X.copy()
        if is_missing.any():
            found = held.scaling.unscaled(self._filled(held, X))
            filled[is_missing] = found[is_missing]
        return filled

    def likely_values(self, X: Any, *, share: float = BLAMED_SHARE) -> NDArray[Any]:
        """Return the likely values of rows if they were not anomalous.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        share : float, default=0.5
            In (0, 1): the smallest set of columns that makes up this share of a row's score
            (`attribution`) is imputed from the others. A smaller share changes fewer columns,
            also of ordinary rows, whose score is spread over many columns.

        Returns
        -------
        X_likely : ndarray of shape (n_samples, n_features)
            An array in the dtype of X, also for a data frame and with `set_output`. The columns
            of `share`, and missing values, are imputed. With a `shingle_size` above 1 these are
            columns of the whole shingle, of which the last row is returned, and the
            first `shingle_size` - 1 rows are unchanged.
        """
        if not SHARE.accepts(share):
            raise InvalidParameterError(f"`share`={share!r} must be {SHARE}; the default is 0.5")
        held, X = self._asked(X)
        likely = X.copy()
        for rows, n_shingles, at in self._blocks(held, X, 2 * held.shingle_size):
            threads = self._threads_for(held, n_shingles)
            parts = attribute(held.forest, rows, n_shingles, X.shape[1], self.score_method, threads)
            asked = as_shingles(rows, held.shingle_size)
            found = likely_values(held.forest, asked, parts, threads, float(share))
            newest = slice(-X.shape[1], None)
            is_other = np.isnan(likely[at]) | (found[:, newest] != asked[:, newest])
            values = held.scaling.unscaled(found[:, newest])
            likely[at][is_other] = values[is_other]
        return likely

    def forecast(
        self, horizon: int, *, quantiles: Sequence[float] | float | None = None
    ) -> Float64Array | tuple[Float64Array, Float64Array]:
        """Return the likely next rows of a stream of shingles.

        Parameters
        ----------
        horizon : int
            Number of rows.
        quantiles : float or sequence of float, default=None
            Each in [0, 1], for the spread of the values after similar shingles. The accumulated
            errors of several steps are not included. A single number is a sequence of one.

        Returns
        -------
        rows : ndarray of shape (horizon, n_features), dtype float64
            They follow the last row that was learned. Each is imputed as the last one of a
            shingle, and then treated as known. An array also with `set_output`.
        ranges : ndarray of shape (len(quantiles), horizon, n_features), dtype float64
            Only if `quantiles` is given.

        Notes
        -----
        Shingles should cover at least half a period of the stream, better a whole one:
        shorter ones do not determine the position within the period.
        """
        held = self._scoring()
        if held.shingle_size == 1:
            raise ValueError(
                "`shingle_size`=1 must be at least 2 for a forecast, since a single row does not "
                "determine the next one; use half a period of the stream or more"
            )
        if not POSITIVE_INT.accepts(horizon):
            raise InvalidParameterError(
                f"`horizon`={horizon!r} must be {POSITIVE_INT}; write 1 for the next row"
            )
        n_features, asked = self.n_features_in_, checked_quantiles(quantiles)
        require_memory(
            12 * (1 + len(asked or [])) * int(horizon) * n_features,  # float32, then float64
            f"a forecast of {horizon} rows",
            "lower `horizon`",
        )
        tail = np.zeros((held.shingle_size, n_features), dtype=np.float32)
        tail[1:] = held.tail
        rows, ranges = forecast(held.forest, tail.ravel(), n_features, int(horizon), asked)
        if quantiles is None:
            return held.scaling.unscaled(rows)
        return held.scaling.unscaled(rows), held.scaling.unscaled(ranges)

    def density(self, X: Any, *, directional: bool = False) -> Float64Array:
        """Return the density of the sampled rows around each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        directional : bool, default=False
            Whether to divide the density by direction.

        Returns
        -------
        density : ndarray of shape (n_samples,), dtype float64
            A share of the sample divided by a volume in scaled units (with `scale=None` those of
            X), as in AWS's library, at most 1000; 0 for rows before the first complete shingle.
            If `directional`, the shape is (n_samples, shingle_size * n_features, 2), for the parts
            below and above the row in each column, which sum to the density.
        """
        held, X = self._asked(X)
        found = np.zeros((len(X), held.forest.n_columns, 2) if directional else len(X))
        for rows, n_shingles, at in self._blocks(held, X, 2 * held.shingle_size):
            sides = directional_density(
                held.forest,
                as_shingles(rows, held.shingle_size),
                n_threads=self._threads_for(held, n_shingles),
                exponent=held.scaling.exponent,
            )
            found[at] = sides if directional else sides.sum(axis=(1, 2))
        return found

    def neighbors(self, X: Any, n_neighbors: int = 5) -> tuple[Float64Array, Float64Array]:
        """Return the sampled rows that are nearest to each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            With a `shingle_size` above 1, at least that many rows.
        n_neighbors : int, default=5
            If the trees hold fewer distinct rows, all of these.

        Returns
        -------
        distances : ndarray of shape (n_shingles, n_neighbors), dtype float64
            Manhattan distances in scaled units (with `scale=None` those of X times
            `feature_weights`), ascending; n_shingles is n_samples - `shingle_size` + 1.
        rows : ndarray of shape (n_shingles, n_neighbors, n_features), dtype float64
            The neighbours in the units of X. With a `shingle_size` above 1 the shape is
            (n_shingles, n_neighbors, shingle_size, n_features).
        """
        if not POSITIVE_INT.accepts(n_neighbors):
            raise InvalidParameterError(
                f"`n_neighbors`={n_neighbors!r} must be {POSITIVE_INT}; the default is 5"
            )
        held, X = self._asked(X)
        points, _ = sample(held.forest)
        asked = [as_shingles(rows, held.shingle_size) for rows, *_ in self._blocks(held, X)]
        rows = np.concatenate(asked)
        distances, numbers = nearest(points, rows, int(n_neighbors))
        found = self._unscaled_points(held, points)[numbers]
        return held.scaling.undone(distances), found

    def dense_regions(self, radius: float, min_samples: float) -> list[Region]:
        """Return the regions in which the sampled rows are dense, the densest first.

        This is what HOTSPOTS in Kinesis returns for its window. Here the window is the sample
        of a tree, with many recent and few old rows, depending on `time_decay`.

        Parameters
        ----------
        radius : float
            Euclidean, in the units of X: less than the usual distance between rows outside of
            all regions.
        min_samples : float
            Minimum number of a tree's rows within the radius of a row, itself included, for it
            to be dense.

        Returns
        -------
        regions : list of Region
            Tuples (density, low, high, weight): rows per volume, the minimum and the maximum
            of each column, and the number of a tree's rows in the region.
        """
        held = self._scoring()
        for name, value in {"radius": radius, "min_samples": min_samples}.items():
            if not POSITIVE.accepts(value) or np.isinf(value):
                raise InvalidParameterError(
                    f"`{name}`={value!r} must be a finite number above 0; try the usual "
                    f"distance of neighbours, and some hundredths of `max_samples`"
                )
        points, weights = sample(held.forest)
        found = self._unscaled_points(held, points).reshape(points.shape)
        rounding = _rounding(points, held)
        return dense_regions(found, weights, float(radius), float(min_samples), rounding)

    @learning
    def forget(self: Self, X: Any) -> Self:
        """Remove rows from the samples, as if they had not been drawn.

        Every tree that holds a row loses one copy of it, and is then distributed as if it had
        been grown without it; later rows of a stream take its place.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows that were learned; with a `shingle_size` above 1, each complete shingle of X is
            removed. There is a warning if no tree holds any of them.

        Returns
        -------
        self : RandomCutForest
        """
        held, X = self._asked(X)
        if held.scaling.running is not None:
            raise ValueError(
                "`scale`='streaming' has changed since the trees sampled their rows, so they "
                "cannot be found; use another `scale` to forget rows"
            )
        forest, n_held = held.forest.copy(), 0
        for rows, *_ in self._blocks(held, X):
            for row in as_shingles(rows, held.shingle_size):
                n_held += forget(forest, row)
        if not n_held:
            warn(
                "`forget` changed nothing, since no tree holds any row of X; pass rows that were "
                "learned, with all their digits (learned rows need not have been sampled)"
            )
        if not forest.clock[:, SAMPLED].all():
            raise ValueError(
                "X contains all rows of some tree, and every tree must keep one; fit other "
                "rows, or learn more before"
            )
        held.forest = forest
        self._hold(held)
        return self

    def _unscaled_points(self, held: State, points: Float32Array) -> Float64Array:
        """Return sampled rows in the units of X: (m, n_features), or (m, s, …) with shingles."""
        d = self.n_features_in_
        found = held.scaling.unscaled(points.reshape(-1, d))
        if held.shingle_size == 1:
            return found
        return found.reshape(len(points), held.shingle_size, d)


def _rounding(points: Float32Array, held: State) -> float:
    """Return how much float32 may have changed a distance between points, in units of X."""
    peaks = np.abs(points).max(axis=0, initial=0).astype(np.float64)
    lengths = np.tile(held.scaling.lengths(), held.shingle_size)
    with np.errstate(over="ignore"):
        errors = np.multiply(peaks, lengths, out=np.zeros_like(peaks), where=peaks > 0)
    errors = np.minimum(errors, np.finfo(np.float64).max)
    largest = errors.max()
    share = np.linalg.norm(errors / largest) if largest > 0 else 0.0  # no square overflows
    return float(np.finfo(np.float32).eps * largest * share)


def as_shingles(rows: Float32Array, shingle_size: int) -> Float32Array:
    """Return the complete shingles of some rows: (n_shingles, shingle_size * n_features)."""
    if shingle_size == 1:
        return rows
    windows = np.lib.stride_tricks.sliding_window_view(rows, shingle_size, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(windows), -1)


def checked_quantiles(quantiles: Sequence[float] | float | None) -> list[float] | None:
    """Return the quantiles as a list of floats."""
    if quantiles is None:
        return None
    try:
        found = [float(quantile) for quantile in np.atleast_1d(np.asarray(quantiles))]
    except (TypeError, ValueError):
        found = [-1.0]
    if not all(0 <= quantile <= 1 for quantile in found):
        raise InvalidParameterError(
            f"`quantiles`={quantiles!r} must be numbers in [0, 1]; try [0.05, 0.95]"
        )
    return found
