"""The graph of k-means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._common.scale import scaled
from algos.kmeans.estimator import KMeans
from algos.onnx.graph import Graph, Output

Doubles = NDArray[np.float64]


def kmeans_outputs(graph: Graph, kmeans: KMeans, X: str) -> dict[str, Output]:
    """Add distances to all centres, and the label of the nearest, the first of equals.

    Distances are made of differences, centre by centre: products would lose their digits, and
    with them labels of rows that lie between centres.
    """
    kmeans._check_has_centers()
    rows = graph.widened(X)
    # In the digits that KMeans gives them for rows of this dtype.
    exponent = kmeans._exponent_for(graph.dtype)
    centers = scaled(kmeans.cluster_centers_, exponent).astype(graph.dtype).astype(np.float64)
    rows = graph.scaled(rows, exponent)
    if kmeans.metric == "cosine":
        distances, nearness = _cosine(graph, rows, centers)
    else:
        nearness = _squares(graph, rows, centers)
        distances = graph.add("Sqrt", nearness)
    distances = graph.scaled(distances, -exponent)
    labels = graph.cast(graph.add("ArgMin", nearness, axis=1, keepdims=0), np.int32)
    return {
        "predict": Output(labels, np.dtype(np.int32)),
        "transform": Output(graph.narrowed(distances), graph.dtype, len(centers)),
    }


def _cosine(graph: Graph, rows: str, centers: Doubles) -> tuple[str, str]:
    """Return (1 - cos, what is least at the nearest centre); both are 1 for rows of zeros."""
    peaks = graph.add("ReduceMax", graph.add("Abs", rows), np.array([1]))
    directed = graph.add("Greater", peaks, np.array(0.0))
    # Divided twice, so that squares are numbers.
    near_one = graph.add("Div", rows, graph.add("Where", directed, peaks, np.array(1.0)))
    lengths = graph.add("ReduceL2", near_one, np.array([1]))
    units = graph.add("Div", near_one, graph.add("Where", directed, lengths, np.array(1.0)))
    units = graph.widened(graph.narrowed(units))  # KMeans has them in the rows' dtype
    halves = graph.add("Mul", _squares(graph, units, centers), np.array(0.5))
    bounded = graph.add("Min", halves, np.array(2.0))
    are_centers = np.asarray(centers.any(axis=1))[np.newaxis]
    held = graph.add("And", directed, are_centers)
    distances = graph.add("Where", held, bounded, np.array(1.0))
    return distances, graph.add("Where", directed, halves, np.array(1.0))


def _squares(graph: Graph, rows: str, centers: Doubles) -> str:
    def squares_to(center: str) -> str:
        away = graph.add("Sub", rows, center)
        return graph.sums(graph.add("Mul", away, away))

    return graph.for_each(centers, squares_to)
