"""Classes and probabilities, as far as linear learners and factorization machines share them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos.onnx.graph import Graph, Output


def class_output(graph: Graph, decisions: str, classes: NDArray[Any], *, is_binary: bool) -> Output:
    """Return the class of each row, as `algos._common.labels.class_decided` does.

    Parameters
    ----------
    graph : Graph
    decisions : str
        In the graph's dtype, (n_samples,) for two classes and (n_samples, n_classes) for more.
    classes : ndarray of shape (n_classes,)
    is_binary : bool
    """
    if is_binary:
        places = graph.cast(graph.add("Greater", decisions, np.zeros((), graph.dtype)), np.int64)
    else:
        places = graph.add("ArgMax", decisions, axis=1, keepdims=0)
    labels = _storable(classes)
    return Output(graph.add("Gather", labels, places), labels.dtype)


def two_probabilities(graph: Graph, decisions: str) -> str:
    """Return the probabilities of two classes from decision values of shape (n_samples, 1)."""
    # Not by Sigmoid, which need not have the digits of what is tiny.
    powers = graph.add("Exp", graph.add("Concat", decisions, graph.add("Neg", decisions), axis=1))
    return graph.add("Div", np.array(1.0), graph.add("Add", powers, np.array(1.0)))


def _storable(classes: NDArray[Any]) -> NDArray[Any]:
    """Return classes as ONNX holds them: numbers, truth values, or strings."""
    if classes.dtype.kind in "biuf":
        return classes
    labels = classes.astype(object)
    odd = [label for label in labels if not isinstance(label, str)]
    if odd:
        raise ValueError(
            f"`estimator` has the class {odd[0]!r}, and classes must be numbers, bools or strings "
            f"in ONNX; fit it to such labels"
        )
    return labels
