"""The clusters of a stream, from its weighted centres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from algos._common.arrays import Float64Array, IndexArray
from algos._common.callbacks import Task
from algos._common.random import Key
from algos._common.scale import unscaled
from algos._common.threads import one_thread_blas
from algos._cython.kmeans_exchange import exchange
from algos.kmeans.lloyd import Descent, descend
from algos.kmeans.metric import Means, rows_of_means
from algos.kmeans.plan import Plan
from algos.kmeans.restarts import Model, RunState, best_run
from algos.kmeans.rows import Labels, Rows
from algos.kmeans.span import Span, is_wide
from algos.kmeans.stream import Mergers, Stream

_TRIALS = 10  # there are few centres, so more runs than for rows cost little
_EXCHANGED = 3  # the best of them, in which single points are moved as well
_PASSES = 10  # Lloyd's iterations for each point of a curve; they start near an optimum


def reduced_model(
    state: Stream,
    plan_for: Callable[[Rows], Plan],
    n_clusters: int,
    *,
    is_auto: bool,
    from_rows: bool,
    metric: str,
    n_threads: int,
    report: Callable[[int, str], None],
) -> tuple[Model, Plan]:
    """Return the best clusters of the weighted centres, and the plan of the fit.

    The inertia is that of all rows, each in the cluster of its weighted centre.

    Parameters
    ----------
    state : Stream
        Without buffered rows.
    plan_for : callable
        Returns the plan of a fit to given rows.
    is_auto : bool
        Whether `n_init` is "auto".
    from_rows : bool
        Whether the initial centres are rows, so that all centres lie in the span of the rows.
    report : callable
        Receives (level, text) for `verbose`.
    """
    rows = _rows_of(state, n_threads, metric)
    if len(state.centers) <= n_clusters:
        return _each_its_own(rows, state.scatter, n_clusters), plan_for(rows)
    span = _span_of(rows, metric) if from_rows else None
    points = rows if span is None else _in_span(rows, span, metric)
    plan = plan_for(points)
    if is_auto and not isinstance(plan.init, np.ndarray):
        plan = replace(plan, n_init=_TRIALS)
    models = [_run(points, plan, state.key, run, report) for run in range(plan.n_init)]
    models.sort(key=lambda model: model.inertia)
    if metric == "euclidean":  # otherwise centres are scaled to length 1
        models = [_exchanged(points, model, plan.max_iter) for model in models[:_EXCHANGED]]
    model = min(models, key=lambda model: model.inertia)
    if span is not None:
        model.centers = span.lifted(model.centers)
    within = rows.inertia_of(state.scatter)
    model.inertia += within
    model.history["objective"] = model.history["objective"] + within
    return model, plan


def _run(rows: Rows, plan: Plan, key: Key, run: int, report: Callable[[int, str], None]) -> Model:
    """Return the result of one run."""
    return best_run(
        rows,
        replace(plan, n_init=run + 1),
        RunState(key, run),
        task=Task(),
        attributes=lambda centers: {},
        report=report,
    )


def _exchanged(rows: Rows, model: Model, max_passes: int) -> Model:
    """Return the model after moving single points, if that is better."""
    assert rows.weight is not None
    labels = model.labels.copy()
    sums, totals = rows.sum_up(labels, len(model.centers))
    means = rows.shifted(model.centers)
    held = totals > 0
    means[held] = sums[held] / totals[held, np.newaxis]
    points = rows.take(slice(None))
    gram = products = None
    if len(points) <= points.shape[1]:  # they take no more memory, and far less time
        with one_thread_blas():
            gram, products = points @ points.T, means @ points.T
    if not exchange(points, rows.weight, labels, means, totals, gram, products, max_passes):
        return model
    centers = rows.unshifted(means)
    labels, inertia = rows.measure(centers)
    return (
        model
        if inertia >= model.inertia
        else replace(model, centers=centers, labels=labels, inertia=inertia)
    )


def curve(state: Stream, counts: IndexArray, metric: str, n_threads: int) -> Float64Array:
    """Return the inertia for each number of clusters, given in ascending order."""
    rows = _rows_of(state, n_threads, metric)
    span = _span_of(rows, metric)
    if span is not None:
        rows = _in_span(rows, span, metric)
    labels = _merged_labels(rows, counts[::-1])
    found = [_improved(rows, next(labels)) for _ in counts]
    # With one centre more than the best of fewer, the inertia is no larger.
    inertias = np.minimum.accumulate(found[::-1]) + rows.inertia_of(state.scatter)
    curve: Float64Array = unscaled(inertias, 2 * state.exponent + state.weight_exponent)
    return curve


def _rows_of(state: Stream, n_threads: int, metric: str) -> Means:
    centers, weights = state.centers, state.weights
    if not len(centers):  # only rows without a direction came
        centers, weights = np.zeros((1, centers.shape[1])), np.ones(1)
    rows = rows_of_means(centers, weights, state.key, n_threads, metric)
    # The order of points does not depend on rounding, nor on the order of mergers.
    order = np.argsort(rows.keys())
    return rows.subset(order, weights[order])


def _span_of(rows: Means, metric: str) -> Span | None:
    """Return the span of points with many columns, or None if they have few."""
    if rows.is_dragged or not is_wide(rows.X, len(rows)):
        return None
    # On the sphere lengths matter; otherwise the origin avoids the loss of digits by an offset.
    origin = np.zeros(rows.X.shape[1]) if metric == "cosine" else rows.shift
    return Span(rows.X - origin, origin)


def _in_span(rows: Means, span: Span, metric: str) -> Means:
    """Return the same points in coordinates of their span."""
    assert rows.weight is not None
    points = rows_of_means(span.coordinates, rows.weight, rows._key, rows.n_threads, metric)
    points.known_keys = rows.keys()
    points.mean_variance = rows.mean_variance
    return points


def _each_its_own(rows: Rows, scatter: float, n_clusters: int) -> Model:
    """Return one cluster for each centre, and copies for the remaining clusters."""
    m = len(rows)
    centers = rows.take(np.arange(n_clusters) % m)
    centers = rows.unshifted(rows.placed(centers, centers))
    labels, inertia = rows.measure(centers)
    inertia += rows.inertia_of(scatter)
    history = {"objective": inertia, "seconds": 0.0, "center_shift": 0.0}
    record = {name: np.array([value]) for name, value in history.items()}
    return Model(centers, labels, inertia, 1, record)


def _merged_labels(rows: Rows, counts: IndexArray) -> Iterator[Labels]:
    """Yield labels after merging the closest pairs, for decreasing numbers of clusters."""
    assert rows.weight is not None
    m = len(rows)
    merged = Mergers(rows.X, rows.weight, int(counts[-1]), rows.n_threads)
    labels = np.arange(m)
    done = 0
    for count in counts:
        for stays, goes in merged.pairs[done : m - count]:
            labels[labels == goes] = stays
        done = m - count
        yield np.unique(labels, return_inverse=True)[1].astype(np.int32)


def _improved(rows: Rows, labels: Labels) -> float:
    """Return the inertia after a few of Lloyd's iterations from given labels."""
    sums, weights = rows.sum_up(labels, int(labels.max()) + 1)
    means = sums / weights[:, np.newaxis]
    descent = Descent.from_centers(rows.placed(means, means), len(labels))
    descent = descend(
        rows,
        rows,
        descent,
        max_iter=_PASSES,
        tol=0.0,
        task=Task(),
        attributes=lambda centers: {},
        report=lambda text: None,
    )
    assert rows.weight is not None
    return rows.inertia_of(float((rows.weight * rows.distances(descent.centers)).sum()))
