"""The units in which a forest sees its rows, learned once and then fixed.

A random cut forest cuts a column in proportion to its range, so the unit of a column is a
choice of the model. Rows are always centred, which changes no tree: near zero, float32 is
precise enough, wherever the data lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, IndexArray
from algos._common.params import InvalidParameterError
from algos._cython.cut_scale import normalize_rows, scale_rows

Columns = IndexArray

SCALES = ("robust", "standard", "streaming")
SAMPLE = 4096  # maximum number of rows from which the units are learned
_VALUES = 1 << 24  # maximum number of values in these rows
_FEWEST = 64  # rows, whatever the number of columns
_LARGEST = np.finfo(np.float64).max
_RANGE = 1000  # exponent: 2**±1000 and its products with data do not overflow
_CLIP = 100.0  # running deviations from the running mean; AWS's value
_QUARTILES = 1.349  # inter-quartile range of the standard normal distribution
_OUTSIDE = 100  # one value in this many, at either end, is winsorised
_LEAST_SPREAD = 2.0**-960  # of a column with a peak near 1: its inverse does not overflow
_MODERATE = 1e9  # the largest weight of scaled columns, well inside float32's range
ROUNDING = 16 * np.finfo(np.float64).eps  # relative spread below which a column is constant


def _no_columns() -> Columns:
    return np.empty(0, dtype=np.intp)


@dataclass
class Scaling:
    """The map from an input row to a forest's row: (x * unit - center) * factor."""

    unit: Float64Array  # (n_features,): powers of two
    center: Float64Array  # (n_features,): in these units
    factor: Float64Array  # (n_features,): in these units; only the weights with `running`
    running: Float64Array | None = None  # (n_features, 3): weight, mean and scatter, in these units
    exponent: int = 0  # of the power of two in all factors, which keeps float32 in range
    resting: Columns = field(
        default_factory=_no_columns
    )  # constant columns so far, whose units are provisional
    blank: Columns = field(default_factory=_no_columns)  # those of them without a known value

    @property
    def fixed(self) -> dict[str, Any]:
        """The fields that rows of a stream do not change."""
        return {name: value for name, value in vars(self).items() if name != "running"}

    def scaled(self, X: NDArray[Any], n_threads: int = 1) -> Float32Array:
        """Return rows in the forest's units; NaN stays NaN."""
        out = np.empty(X.shape, dtype=np.float32)
        if self.running is None:
            scale_rows(X, self.unit, self.center, self.factor, out, n_threads)
        else:
            running = self.running.copy()  # the kernel needs a writeable array
            normalize_rows(X, self.unit, self.factor, running, out, 0.0, _CLIP, False)
        return out

    def follow(self, X: NDArray[Any], out: Float32Array, decay: float) -> Float64Array | None:
        """Write the scaled rows of a stream into `out`; return the updated `running`."""
        if self.running is None:
            scale_rows(X, self.unit, self.center, self.factor, out)
            return None
        running = self.running.copy()
        normalize_rows(X, self.unit, self.factor, running, out, decay, _CLIP, True)
        return running

    def unscaled(self, rows: NDArray[Any]) -> Float64Array:
        """Return float64 rows in the input's units; columns of weight 0 are at their centre."""
        center, factor = self._linear()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = np.where(factor > 0, rows / factor, 0.0) + center
            return np.asarray(np.clip(found / self.unit, -_LARGEST, _LARGEST))

    def lengths(self) -> Float64Array:
        """Return the length of the forest's unit in each column, in the input's units."""
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(1 / self._linear()[1] / self.unit)

    def undone(self, lengths: Float64Array) -> Float64Array:
        """Return lengths in the forest's units without the power of two in all factors."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(lengths, self.exponent))

    @property
    def rests(self) -> bool:
        """Whether some column is constant so far."""
        return len(self.resting) > 0

    def rest(self, columns: Columns) -> Float64Array:
        """Return the centres of some columns in the input's units."""
        return np.asarray(self.center[columns] / self.unit[columns])

    def of_columns(self, columns: Columns) -> Scaling:
        """Return the scaling of some columns only, without `resting`."""
        return Scaling(self.unit[columns], self.center[columns], self.factor[columns])

    def with_columns(self, columns: Columns, other: Scaling) -> Scaling:
        """Return the scaling with that of some columns replaced."""
        names = "unit", "center", "factor"
        arrays = {name: getattr(self, name).copy() for name in names}
        for name in names:
            arrays[name][columns] = getattr(other, name)
        return replace(self, **arrays)

    def rested(self, columns: Columns) -> Scaling:
        """Return the scaling after columns have ceased to be constant."""
        resting, blank = (np.setdiff1d(each, columns) for each in (self.resting, self.blank))
        return replace(self, resting=resting, blank=blank)

    def is_same(self, other: Scaling) -> bool:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return all(np.array_equal(mine, its) for mine, its in pairs)

    def _linear(self) -> tuple[Float64Array, Float64Array]:
        """Return the present centre and factor."""
        if self.running is None:
            return self.center, self.factor
        weight, mean, scatter = self.running.T
        deviation = np.sqrt(scatter / np.maximum(weight, 1))
        return mean, self.factor / np.where(deviation > 0, deviation, 1.0)


def rows_for_scaling(n_columns: int) -> int:
    """Return the maximum number of rows passed to `learned_scaling`."""
    return min(SAMPLE, max(_FEWEST, _VALUES // n_columns))


def learned_scaling(
    rows: NDArray[Any], scale: str | None, feature_weights: Any, n_rows: int, decay: float
) -> Scaling:
    """Return the scaling learned from some rows.

    Parameters
    ----------
    rows : ndarray of shape (n_sampled, n_features), float32 or float64
        May have NaN.
    scale : {"robust", "standard", "streaming"} or None
    feature_weights : array-like of shape (n_features,) or None
    n_rows : int
        Number of rows from which they were sampled.
    decay : float
        Decay of a streaming scaling.
    """
    weights = checked_weights(feature_weights, rows.shape[1])
    if scale == "streaming":
        n_known = n_rows * (1 - np.isnan(rows).mean(axis=0))
        rows = _winsorised(rows)
    exponents = np.clip(np.frexp(_peaks(rows))[1], -_RANGE, _RANGE)
    unit = np.ldexp(1.0, -exponents)
    rows = rows * unit
    center = _columns(np.median, np.nanmedian, rows)
    if scale is None:
        exponent = _common_exponent(_peaks(rows - center) * weights, exponents)
        factor = np.ldexp(1.0, np.clip(exponents - exponent, -_RANGE, _RANGE))
        return Scaling(unit, center, factor * weights, exponent=exponent)
    if scale == "streaming":
        mean, deviation = _mean_and_deviation(rows)
        seen = _discounted(n_known, decay)
        running = np.column_stack([seen, mean, seen * deviation**2])
        return Scaling(unit, center, weights, np.ascontiguousarray(running))
    spread = _spread(rows, center, scale)
    own = np.where(center != 0, np.abs(center), 1.0)
    blank = np.flatnonzero(np.isnan(rows).all(axis=0) & (weights > 0))
    resting = np.flatnonzero((spread == 0) & (weights > 0))
    factor = weights / np.where(spread > 0, np.maximum(spread, _LEAST_SPREAD), own)
    return Scaling(unit, center, factor, resting=resting, blank=blank)


def by_name(feature_weights: Any, names: NDArray[Any] | None) -> Any:
    """Return the weights in the order of the columns, by name for a mapping or Series."""
    index = getattr(feature_weights, "index", None)  # of a list it is a method
    is_series = getattr(getattr(index, "dtype", None), "kind", "i") in "OTU"
    if not isinstance(feature_weights, Mapping) and not is_series:
        return feature_weights
    weights = dict(feature_weights.items())
    if names is None:
        raise InvalidParameterError(
            f"`feature_weights`={feature_weights!r} must be an array if X has no names; pass a "
            f"frame, or RandomCutForest(feature_weights=[...]) with one weight for each column"
        )
    unknown = [name for name in weights if name not in set(names)]
    lacking = [name for name in names if name not in weights] if is_series else []
    if unknown:
        raise InvalidParameterError(
            f"`feature_weights` must name columns of X: it also has {unknown!r}; X has "
            f"{list(names)!r}"
        )
    if lacking:
        raise InvalidParameterError(
            f"`feature_weights` must name all columns of X if it is a Series: it lacks "
            f"{lacking!r}; add them, or write feature_weights=series.to_dict(), which gives them 1"
        )
    return [weights.get(name, 1.0) for name in names]


def checked_weights(feature_weights: Any, n_features: int) -> Float64Array:
    """Return `feature_weights` as an array; all ones for None."""
    if feature_weights is None:
        return np.ones(n_features)
    try:
        weights = np.array(feature_weights, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.empty(0)
    if weights.shape != (n_features,) or not np.all(np.isfinite(weights) & (weights >= 0)):
        raise InvalidParameterError(
            f"`feature_weights`={feature_weights!r} must be {n_features} finite non-negative "
            f"numbers, one for each column; None is 1 for all"
        )
    if not weights.any():
        raise InvalidParameterError(
            "`feature_weights` must not be all 0; give some column a positive weight"
        )
    return weights


def require_moderate(weights: Float64Array) -> None:
    """Raise ValueError if scaled columns would leave float32's range."""
    if not 1 / _MODERATE <= weights.max() <= _MODERATE:
        raise InvalidParameterError(
            f"`feature_weights` must have its largest value, now {weights.max():g}, in "
            f"[{1 / _MODERATE:g}, {_MODERATE:g}]; divide all by it, since only proportions matter"
        )


def _common_exponent(peaks: Float64Array, exponents: NDArray[Any]) -> int:
    """Return the exponent of the power of two by which columns are divided to be near 1.

    No power of two changes a tree; this one keeps float32 in its range.
    """
    spreads = (np.frexp(peaks)[1] + exponents)[peaks > 0]
    return int(spreads.max()) if len(spreads) else int(exponents.max())


def _discounted(n: Float64Array, decay: float) -> Float64Array:
    """Return the total weight of n values, each e**-decay times that of the next."""
    return np.expm1(-decay * n) / np.expm1(-decay) if decay > 0 else n


def _peaks(rows: NDArray[Any]) -> NDArray[Any]:
    return np.fmax.reduce(np.abs(rows), axis=0, initial=0.0)  # fmax ignores NaN


def _columns(plain: Any, without_nan: Any, rows: Float64Array, *arguments: Any) -> Float64Array:
    """Return a statistic of each column; 0 for columns of only NaN."""
    if not np.isnan(rows).any():
        return np.asarray(plain(rows, *arguments, axis=0))
    known = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    return np.asarray(without_nan(known, *arguments, axis=0))


def _mean_and_deviation(rows: Float64Array) -> tuple[Float64Array, Float64Array]:
    return _columns(np.mean, np.nanmean, rows), _columns(np.std, np.nanstd, rows)


def _winsorised(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows with the most extreme values of each column, low and high, clipped.

    These are 1 in 100, rounded up; they are replaced by the most extreme of the others. No single
    row influences the mean or the deviation of the result much. NaN is kept.
    """
    ordered = np.sort(rows, axis=0)  # NaN last
    n_known = len(rows) - np.isnan(rows).sum(axis=0)
    n_outside = np.minimum(-(-n_known // _OUTSIDE), np.maximum(n_known - 1, 0) // 2)
    low = np.take_along_axis(ordered, n_outside[None], axis=0)
    last = np.maximum(n_known - 1 - n_outside, 0)
    high = np.take_along_axis(ordered, last[None], axis=0)
    return np.clip(rows, low, high)


def _spread(rows: Float64Array, center: Float64Array, scale: str) -> Float64Array:
    """Return the number by which each column is divided; 0 if all its values are equal.

    Robust: the inter-quartile range as a standard deviation, but at least a third of the
    standard deviation of winsorised values, since a narrow column with heavy tails
    would be cut far too often. If the range is 0, it is that deviation, or that of all
    values if this is 0, too.
    """
    deviation = _mean_and_deviation(rows)[1]
    rounding = ROUNDING * np.abs(center)
    spread = deviation
    if scale == "robust":
        low, high = _columns(np.percentile, np.nanpercentile, rows, [25, 75])
        trimmed = _mean_and_deviation(_winsorised(rows))[1]
        robust = np.maximum((high - low) / _QUARTILES, trimmed / 3)
        fallback = np.where(trimmed > rounding, trimmed, deviation)
        spread = np.where(high - low > rounding, robust, fallback)
    return np.where(spread > rounding, spread, 0.0)
