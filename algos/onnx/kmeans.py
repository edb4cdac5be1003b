"""The graph of k-means."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.scale import scaled
from algos.kmeans.estimator import KMeans
from algos.onnx.graph import Graph, Output


def kmeans_outputs(graph: Graph, kmeans: KMeans, X: str) -> dict[str, Output]:
    """Add distances to all centres, and the label of the nearest one."""
    kmeans._check_has_centers()
    # In the digits that KMeans gives them for rows of this dtype.
    exponent = kmeans._exponent_for(graph.dtype)
    centers = scaled(kmeans.cluster_centers_, exponent).astype(graph.dtype).astype(np.float64)
    rows = graph.scaled(graph.widened(X), exponent)
    if kmeans.metric == "cosine":
        labels, distances = _cosine(graph, rows, centers)
    else:
        labels = _nearest(graph, rows, centers)
        distances = graph.add("Sqrt", _squares(graph, rows, centers))
    distances = graph.narrowed(graph.scaled(distances, -exponent))
    return {
        "predict": Output(graph.cast(labels, np.int32), np.dtype(np.int32)),
        "transform": Output(distances, graph.dtype, len(centers)),
    }


def _cosine(graph: Graph, rows: str, centers: Float64Array) -> tuple[str, str]:
    """Return (labels, 1 - cos); 0 and 1 for rows of zeros."""
    peaks = graph.add("ReduceMax", graph.add("Abs", rows), np.array([1]))
    directed = graph.add("Greater", peaks, np.array(0.0))
    # Divided twice, so that squares are numbers.
    near_one = graph.add("Div", rows, graph.add("Where", directed, peaks, np.array(1.0)))
    lengths = graph.add("Where", directed, graph.lengths(near_one), np.array(1.0))
    units = graph.add("Div", near_one, lengths)
    units = graph.widened(graph.narrowed(units))  # KMeans has them in the rows' dtype
    halves = graph.add("Mul", _squares(graph, units, centers), np.array(0.5))
    # There are centres of zeros only if no row had a direction.
    held = graph.add("And", directed, np.any(centers, axis=1, keepdims=True).T)
    distances = graph.add("Where", held, graph.add("Min", halves, np.array(2.0)), np.array(1.0))
    labels = _nearest(graph, units, centers)
    return graph.add("Where", graph.column(directed), labels, np.array(0)), distances


def _nearest(graph: Graph, rows: str, centers: Float64Array) -> str:
    """Return the label of the nearest centre, the first of equals.

    It is that of the least |c|² / 2 - x·c, x and c being less a common shift; where rounding
    could have made another one the least, all distances of the row are measured.
    """
    shift = centers.mean(axis=0)
    shifted = centers - shift
    squares = np.einsum("kd,kd->k", shifted, shifted)
    away = graph.add("Sub", rows, shift)
    measures = graph.add("Add", graph.add("MatMul", away, -shifted.T), squares / 2)
    labels = graph.add("ArgMin", measures, axis=1, keepdims=0)

    largest = np.sqrt(squares.max())
    rounding = 4 * (len(shift) + 8) * np.finfo(np.float64).eps * largest
    reach = graph.add("Mul", graph.add("Add", graph.lengths(away), largest), rounding)
    least = graph.add("ReduceMin", measures, np.array([1]))
    is_near = graph.add("LessOrEqual", measures, graph.add("Add", least, reach))
    tied = graph.add("Greater", graph.sums(graph.cast(is_near, np.int64)), np.array(1))

    def with_measured() -> str:
        places = graph.add("Squeeze", graph.add("NonZero", tied), np.array([0]))
        distances = _squares(graph, graph.add("Gather", rows, places, axis=0), centers)
        nearest = graph.add("ArgMin", distances, axis=1, keepdims=0)
        return graph.add("ScatterElements", labels, places, nearest, axis=0)

    n_tied = graph.sums(graph.cast(tied, np.int64), axis=0)
    any_tied = graph.add("Greater", n_tied, np.array(0))
    return graph.where_needed(any_tied, with_measured, labels)


def _squares(graph: Graph, rows: str, centers: Float64Array) -> str:
    """Return squared distances to all centres, by differences, in which no digit is lost.

    Centre by centre, as all differences at once would take too much memory.
    """

    def squares_to(center: str) -> str:
        away = graph.add("Sub", rows, center)
        return graph.sums(graph.add("Mul", away, away))

    return graph.for_each(centers, squares_to)
