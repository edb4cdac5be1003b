"""The graphs of scikit-learn's scalers, which may stand before our estimators in a pipeline.

They compute in the rows' dtype, step by step, and so do these graphs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from algos.onnx.graph import Graph, Output


def standard_outputs(graph: Graph, scaler: StandardScaler, X: str) -> dict[str, Output]:
    """Add columns less their means, by their deviations, both in the rows' dtype."""
    if scaler.with_mean:
        X = _rounded(graph, "Sub", X, scaler.mean_.astype(graph.dtype))
    if scaler.with_std:
        X = _rounded(graph, "Div", X, scaler.scale_.astype(graph.dtype))
    return _transform(graph, X, scaler)


def min_max_outputs(graph: Graph, scaler: MinMaxScaler, X: str) -> dict[str, Output]:
    """Add columns between two numbers."""
    X = _rounded(graph, "Mul", X, scaler.scale_)
    X = _rounded(graph, "Add", X, scaler.min_)
    return _transform(graph, _clipped(graph, X, scaler, scaler.feature_range), scaler)


def max_abs_outputs(graph: Graph, scaler: MaxAbsScaler, X: str) -> dict[str, Output]:
    """Add columns by their largest size."""
    X = _rounded(graph, "Div", X, scaler.scale_)
    return _transform(graph, _clipped(graph, X, scaler, (-1, 1)), scaler)


def robust_outputs(graph: Graph, scaler: RobustScaler, X: str) -> dict[str, Output]:
    """Add columns less their medians, by the distances between their quantiles."""
    if scaler.with_centering:
        X = _rounded(graph, "Sub", X, scaler.center_)
    if scaler.with_scaling:
        X = _rounded(graph, "Div", X, scaler.scale_)
    return _transform(graph, X, scaler)


def normalizer_outputs(graph: Graph, normalizer: Normalizer, X: str) -> dict[str, Output]:
    """Add rows by their length, those of nearly none as they are."""
    check_is_fitted(normalizer, "n_features_in_")  # it learns nothing else
    rows = graph.widened(X)
    if normalizer.norm == "l2":
        lengths = graph.lengths(rows)
    elif normalizer.norm == "l1":
        lengths = graph.sums(graph.add("Abs", rows), keepdims=True)
    else:
        lengths = graph.add("ReduceMax", graph.add("Abs", rows), np.array([1]))
    lengths = graph.widened(graph.narrowed(lengths))
    least = 10 * float(np.finfo(graph.dtype).eps)
    is_none = graph.add("Less", lengths, np.array(least))
    lengths = graph.add("Where", is_none, np.array(1.0), lengths)
    return _transform(graph, graph.narrowed(graph.add("Div", rows, lengths)), normalizer)


def _rounded(graph: Graph, operation: str, X: str, parameter: Any) -> str:
    """Return rows and a row of parameters, operated on and rounded to the rows' dtype."""
    wide = np.asarray(parameter, dtype=np.float64)
    return graph.narrowed(graph.add(operation, graph.widened(X), wide))


def _clipped(graph: Graph, X: str, scaler: Any, limits: tuple[float, float]) -> str:
    if not getattr(scaler, "clip", False):
        return X
    return graph.add("Clip", X, *(np.array(limit, dtype=graph.dtype) for limit in limits))


def _transform(graph: Graph, X: str, scaler: Any) -> dict[str, Output]:
    return {"transform": Output(X, graph.dtype, scaler.n_features_in_)}


SCALERS = {
    MaxAbsScaler: max_abs_outputs,
    MinMaxScaler: min_max_outputs,
    Normalizer: normalizer_outputs,
    RobustScaler: robust_outputs,
    StandardScaler: standard_outputs,
}
