"""The graph of principal components."""

from __future__ import annotations

import numpy as np

from algos.onnx.graph import Graph, Output
from algos.pca.estimator import PCA


def pca_outputs(graph: Graph, pca: PCA, X: str) -> dict[str, Output]:
    """Add projections; rows are centred first, as an offset would cost digits of products."""
    pca._check_has_components()
    # In the digits that PCA gives its parameters for rows of this dtype.
    mean, components = (
        parameter.astype(graph.dtype).astype(np.float64)
        for parameter in (pca.mean_, pca._projection())
    )
    centred = graph.add("Sub", graph.widened(X), mean)
    projections = graph.narrowed(graph.add("MatMul", centred, components.T))
    return {"transform": Output(projections, graph.dtype, len(components))}
