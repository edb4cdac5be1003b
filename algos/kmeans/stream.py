"""Streams of rows for k-means: their state, and how a batch is learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from algos._common.arrays import Float64Array
from algos._common.random import Key, stream
from algos._common.scale import (
    exponent_of,
    exponent_of_weights,
    scaled,
    unscaled,
    without_faint,
)
from algos._common.threads import effective_n_threads, one_thread_blas
from algos._cython.kmeans_absorb import absorb
from algos._cython.kmeans_merge import merge_closest, merge_rounding
from algos.kmeans.metric import LOST, directed_rows, make_rows
from algos.kmeans.new_centers import Openings
from algos.kmeans.rows import Rows, amid_most
from algos.kmeans.span import Span, is_wide

_BUFFERED = 4  # rows, or weight, per centre, below which batches are buffered
_SURPRISE = 1.1  # distances relative to those of a stationary stream
_FORGOTTEN = 1e-30  # share of the total weight below which a centre is dropped
_RELIABLE = 100  # rounding errors above which a distance from products is reliable ...
_HIDDEN = 0.06  # ... and the largest share of pairs with unreliable distances

Batch = tuple[Any, Float64Array | None, float]  # array or CSR, weights, the clock at their arrival


@dataclass(frozen=True)
class Settings:
    """The parameters of learning a stream."""

    capacity: int  # centres to keep
    half_life: float | None
    metric: str
    n_jobs: int | None

    @property
    def n_threads(self) -> int:
        """The number of threads; computing it takes longer than buffering a row."""
        return effective_n_threads(self.n_jobs)


@dataclass(frozen=True)
class Stream:
    """The state of a stream; its size does not depend on the number of rows.

    It is immutable: learning returns a new one. Centres are in units of 2**exponent and weights
    in units of 2**weight_exponent, which are 1 except for extreme data.
    """

    key: Key
    dtype: str  # of the model
    centers: Float64Array  # (m, d) means of the rows assigned to each
    weights: Float64Array  # (m,) of those rows
    scatter: float = 0.0  # sum of the squared distances of rows to these means
    price: float = 0.0  # cost of the cheapest merger of two centres when they were last compared
    calm: float = 0.0  # mean squared distance in a batch in which no row became a centre
    n_rows: int = 0
    n_updates: int = 0
    clock: float = 0.0  # weight of all rows seen
    weighed: float = 0.0  # the clock when weights were last updated
    exponent: int = 0
    weight_exponent: int = 0
    n_pending: int = 0
    pending_weight: float = 0.0
    pending: tuple[Batch, ...] = ()  # buffered rows: fewer than 4 per centre
    metric: str = "euclidean"

    @classmethod
    def empty(cls, key: Key, X: Any, metric: str) -> Stream:
        """Return the state before the first row."""
        return cls(key, X.dtype.name, np.empty((0, X.shape[1])), np.empty(0), metric=metric)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Stream:
        """Return the stream for what `state` returned."""
        return cls(**state)

    def state(self) -> dict[str, Any]:
        """Return plain arrays, numbers and strings."""
        return dict(vars(self))

    def received(self, X: Any, weight: Float64Array | None, settings: Settings) -> Stream:
        """Return the stream after a further batch of rows, all of positive weight.

        Few rows are buffered until there are enough for an update: one row costs little,
        and a stream of single rows is learned as well as one of large batches. A row of
        weight 2 counts as two, one of less than 1 as one, so that memory is bounded.
        """
        with np.errstate(over="ignore"):
            mass = float(X.shape[0] if weight is None else weight.sum())
            clock = self.clock + mass
        if not np.isfinite(clock):
            raise ValueError(
                "the sum of all `sample_weight` must be below 1.8e308; divide them by a constant"
            )
        dtype = np.promote_types(self.dtype, X.dtype).name
        n_rows, enough = self.n_rows + X.shape[0], _BUFFERED * settings.capacity
        if max(X.shape[0], mass) >= enough:  # these need not be copied
            learned = self.settled(settings)
            later = replace(learned, clock=clock, n_rows=n_rows, dtype=dtype)
            return later._learned((X, weight, clock), settings)
        # Copies, since the caller may write into both.
        kept = (X.copy(), None if weight is None else weight.copy(), clock)
        later = replace(
            self,
            dtype=dtype,
            clock=clock,
            n_rows=n_rows,
            n_pending=self.n_pending + X.shape[0],
            pending_weight=self.pending_weight + mass,
            pending=(*self.pending, kept),
        )
        is_enough = max(later.n_pending, later.pending_weight) >= enough
        return later.settled(settings) if is_enough else later

    def settled(self, settings: Settings) -> Stream:
        """Return the stream with all buffered rows learned."""
        if not self.pending:
            return self
        return self._learned(_joined(self.pending, settings.half_life), settings)

    def aged(self, half_life: float | None) -> Stream:
        """Return the stream with weights decayed to the present clock."""
        if half_life is None or self.weighed == self.clock:
            return replace(self, weighed=self.clock)
        decay = 2.0 ** ((self.weighed - self.clock) / half_life)
        return replace(
            self,
            weights=self.weights * decay,
            scatter=self.scatter * decay,
            price=self.price * decay,
            calm=0.0,  # the price has fallen
            weighed=self.clock,
        )

    def rescaled(self, exponent: int, weight_exponent: int) -> Stream:
        """Return the stream in other units."""
        if (exponent, weight_exponent) == (self.exponent, self.weight_exponent):
            return self
        change, heavier = exponent - self.exponent, weight_exponent - self.weight_exponent
        return replace(
            self,
            centers=scaled(self.centers, change),
            weights=scaled(self.weights, heavier),
            scatter=unscaled(self.scatter, -2 * change - heavier),
            price=unscaled(self.price, -2 * change - heavier),
            calm=0.0,
            exponent=exponent,
            weight_exponent=weight_exponent,
        )

    def has_lost_squares(self, inertia: float) -> bool:
        """Tell whether huge rows set a unit in which squares of the others underflow."""
        if not self.exponent or inertia >= LOST:
            return False
        sizes = np.abs(self.centers)
        return bool(np.any((sizes > 0) & (sizes < np.sqrt(LOST))))

    def reduced(self, capacity: int, n_threads: int) -> Stream:
        """Return the stream with at most `capacity` centres, the closest being merged."""
        if len(self.centers) < max(capacity, 2):
            return self
        merged = Mergers(self.centers, self.weights, capacity, n_threads)
        return replace(
            self,
            centers=merged.centers,
            weights=merged.weights,
            scatter=self.scatter + float(merged.costs.sum()),
            price=merged.price,
        )

    def _learned(self, batch: Batch, settings: Settings) -> Stream:
        X, weight, _ = batch
        rows: Rows | None
        known = replace(self, n_pending=0, pending_weight=0.0, pending=()).aged(settings.half_life)
        weight, known = _weighed(X, weight, known)
        if settings.metric == "cosine":
            rows, undirected = directed_rows(X, weight, known.key, settings.n_threads)
            # As if orthogonal to every centre; see `rows_of_means`.
            known = replace(known, scatter=known.scatter + 2 * undirected)
            if rows is None:
                return known
        else:
            rows, known = _in_common_units(X, weight, known, settings.n_threads)
        is_kept = known.weights > _FORGOTTEN * known.weights.sum()
        if not is_kept.all():
            known = replace(known, centers=known.centers[is_kept], weights=known.weights[is_kept])
        found, calm = _opened(rows, known, settings.capacity)
        centers, weights, added = _absorbed(rows, known, found)
        total = float(weights.sum())
        if not np.isfinite(total):
            raise ValueError("the sum of all `sample_weight` overflows; divide them")
        later = replace(
            known,
            centers=centers,
            weights=weights,
            scatter=known.scatter + added,
            calm=calm,
            n_updates=known.n_updates + 1,
        )
        is_new = len(centers) != len(known.centers)
        return later.reduced(settings.capacity, settings.n_threads) if is_new else later


class Mergers:
    """Merges the closest of weighted centres until `capacity` are left.

    Attributes
    ----------
    centers, weights : ndarray of shape (capacity, d) and (capacity,)
    pairs : ndarray of shape (n_mergers, 2)
        The centre that is kept and the one merged into it, step by step.
    costs : ndarray of shape (n_mergers,)
        The increase of the sum of squares by each merger.
    price : float
        The cost of the next merger.
    """

    def __init__(
        self, centers: Float64Array, weights: Float64Array, capacity: int, n_threads: int
    ) -> None:
        n_mergers = max(len(centers) - capacity, 0)
        mean = centers.mean(axis=0)
        shift = amid_most(centers, mean)  # avoids the loss of digits far from the origin
        points, left = np.ascontiguousarray(centers - shift), weights.copy()
        self.pairs = np.empty((n_mergers, 2), dtype=np.intp)
        self.costs = np.empty(n_mergers)
        products, turned = _reliable_products(points, n_mergers), points
        if products is None and shift is mean and is_wide(points, n_mergers):
            turned = Span(
                points.copy(), shift
            ).coordinates  # a rotation mixes large and small values
        self.price = merge_closest(turned, left, products, self.pairs, self.costs, n_threads)
        if turned is not points:
            self._repeat(points, weights.copy())
        self.centers, self.weights = centers, weights
        if n_mergers:
            points = points[left > 0]
            points += shift
            self.centers, self.weights = points, left[left > 0]

    def _repeat(self, points: Float64Array, weights: Float64Array) -> None:
        """Apply the same mergers to points in all columns."""
        for step, (i, j) in enumerate(self.pairs):
            away = points[j] - points[i]
            share = weights[j] / (weights[i] + weights[j])
            self.costs[step] = weights[i] * share * float(np.einsum("d,d->", away, away))
            points[i] += share * away
            weights[i] += weights[j]


def _reliable_products(points: Float64Array, n_mergers: int) -> Float64Array | None:
    """Return the inner products of points if distances from them are reliable, else None.

    None for more points than columns. Otherwise products take no more memory, and far less time
    than distances, but rounding may hide small distances, as those within distant groups.
    """
    m, d = points.shape
    if m > d:
        return None
    with one_thread_blas():
        products: Float64Array = points @ points.T
    squares, rounding = np.diagonal(products), merge_rounding(d, n_mergers)
    n_hidden = 0
    for row, square in zip(products, squares, strict=True):
        sizes = square + squares
        is_hidden = _RELIABLE * rounding * sizes > sizes - 2 * row
        n_hidden += int(np.count_nonzero(is_hidden)) - 1  # less itself
    return products if n_hidden <= _HIDDEN * m * m else None


def joined(a: Stream, b: Stream, capacity: int, n_threads: int) -> Stream:
    """Return the stream of the rows of both, which must not have buffered rows.

    Weight, mean and sum of squares are those of all rows. The order of a and b affects only
    rounding.
    """
    exponent = max(a.exponent, b.exponent)
    weight_exponent = max(a.weight_exponent, b.weight_exponent)
    a, b = (part.rescaled(exponent, weight_exponent) for part in (a, b))
    keys = sorted((*map(int, part.key),) for part in (a, b))
    both = replace(
        a,
        key=stream(np.array(keys[0], dtype=np.uint64), *_words(keys[1])).integers(
            2**64, size=2, dtype=np.uint64
        ),
        centers=np.concatenate([a.centers, b.centers]),
        weights=np.concatenate([a.weights, b.weights]),
        dtype=np.promote_types(a.dtype, b.dtype).name,
        scatter=a.scatter + b.scatter,
        calm=0.0,  # known only for the rows of each
        n_rows=a.n_rows + b.n_rows,
        n_updates=max(a.n_updates, b.n_updates),
        clock=a.clock + b.clock,
        weighed=a.clock + b.clock,
    )
    return both.reduced(capacity, n_threads)


def _words(key: tuple[int, ...]) -> list[int]:
    return [half for word in key for half in (word >> 32, word & 0xFFFFFFFF)]


def _joined(pending: tuple[Batch, ...], half_life: float | None) -> Batch:
    """Return several batches as one, with weights decayed to the present."""
    clock = pending[-1][2]
    parts = [rows for rows, *_ in pending]
    if all(map(sparse.issparse, parts)):
        X = sparse.vstack(parts, format="csr")
    else:
        X = np.concatenate([rows.toarray() if sparse.issparse(rows) else rows for rows in parts])
    if half_life is None and all(weight is None for _, weight, _ in pending):
        return X, None, clock
    weights = []
    for rows, weight, came in pending:
        decay = 1.0 if half_life is None else 2.0 ** ((came - clock) / half_life)
        weights.append(np.full(rows.shape[0], decay) if weight is None else weight * decay)
    weight = np.concatenate(weights)
    is_left = weight > 0  # the oldest may have decayed to zero
    return (X, weight, clock) if is_left.all() else (X[is_left], weight[is_left], clock)


def _weighed(
    X: Any, weight: Float64Array | None, known: Stream
) -> tuple[Float64Array | None, Stream]:
    """Return the weights and the stream in units in which sums of weights are finite."""
    exponent = exponent_of_weights(weight)
    if len(known.weights):
        exponent = max(exponent, known.weight_exponent)
    if exponent:
        weight = scaled(np.ones(X.shape[0]) if weight is None else weight, exponent)
    return without_faint(weight), known.rescaled(known.exponent, exponent)


def _in_common_units(
    X: Any, weight: Float64Array | None, known: Stream, n_threads: int
) -> tuple[Rows, Stream]:
    """Return the rows and the stream in units in which squares are finite."""
    if len(known.weights) and abs(exponent_of(known.centers)) > np.finfo(X.dtype).maxexp // 2 - 8:
        X = X.astype(np.float64)  # the centres overflow float32
    rows, exponent = make_rows(X, weight, known.key, n_threads, "euclidean")
    if rows.is_dragged and X.dtype == np.float32:  # shifted far rows would be rounded
        X = X.astype(np.float64)
        rows, exponent = make_rows(X, weight, known.key, n_threads, "euclidean")
    common = max(exponent, known.exponent) if len(known.weights) else exponent
    if common != exponent:
        rows = type(rows)(scaled(X, common), weight, known.key, n_threads)
    return rows, known.rescaled(common, known.weight_exponent)


def _opened(rows: Rows, known: Stream, capacity: int) -> tuple[Openings, float]:
    """Return the rows with their centres, including new ones, and the new value of `calm`.

    In a stationary stream few batches are searched for rows that would pay as centres: those
    with increased distances, and some others at growing intervals.
    """
    found = Openings(rows, rows.shifted(known.centers), known.key, known.n_updates)
    if len(known.centers) < capacity:
        found.fill(capacity - len(known.centers))
        return found, 0.0
    mean = found.total / (len(rows) if rows.weight is None else float(rows.weight.sum()))
    is_due = known.n_updates & (known.n_updates - 1) == 0
    if mean <= _SURPRISE * known.calm and not is_due:
        return found, known.calm
    return found, 0.0 if found.replace(max(capacity // 4, 1), known.price) else mean


def _absorbed(
    rows: Rows, known: Stream, found: Openings
) -> tuple[Float64Array, Float64Array, float]:
    """Return centres and weights updated by the rows, and the increase of the scatter."""
    m = len(found.centers)
    sums, counts = rows.sum_up(found.labels, m)
    weights = np.concatenate([known.weights, np.zeros(m - len(known.weights))])
    rounded, centers = rows.rounded(found.centers), found.centers
    if np.may_share_memory(centers, known.centers):  # which must not be written to
        centers = centers.copy()
    centers = np.ascontiguousarray(centers)
    shift = np.asarray(rows.shift, dtype=np.float64)
    missed, between = absorb(sums, counts, rounded, shift, centers, weights)
    added = max(found.total - missed, 0.0) + between
    is_left = weights > 0  # a centre without rows has no mean
    if is_left.all():
        return centers, weights, added
    return centers[is_left], weights[is_left], added
