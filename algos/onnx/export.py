"""From a fitted estimator to its graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from algos.factorization_machine.classifier import FactorizationMachineClassifier
from algos.factorization_machine.regressor import FactorizationMachineRegressor
from algos.kmeans.estimator import KMeans
from algos.linear_learner.classifier import LinearLearnerClassifier
from algos.linear_learner.regressor import LinearLearnerRegressor
from algos.onnx import factorization_machine, linear_learner
from algos.onnx.graph import Graph, Output
from algos.onnx.kmeans import kmeans_outputs
from algos.onnx.pca import pca_outputs
from algos.onnx.scalers import SCALERS
from algos.pca.estimator import PCA

_EXPORTED: dict[type, Callable[..., dict[str, Output]]] = {
    FactorizationMachineClassifier: factorization_machine.classifier_outputs,
    FactorizationMachineRegressor: factorization_machine.regressor_outputs,
    KMeans: kmeans_outputs,
    LinearLearnerClassifier: linear_learner.classifier_outputs,
    LinearLearnerRegressor: linear_learner.regressor_outputs,
    PCA: pca_outputs,
}
_ON_DEMAND = "std"  # it takes all draws, where predictions take their mean alone


def to_onnx(estimator: Any, *, dtype: Any = "float32", outputs: Sequence[str] | None = None) -> Any:
    """Return a fitted estimator as an ONNX model.

    It needs the extra `onnx`.

    Parameters
    ----------
    estimator : estimator
        A fitted `LinearLearnerClassifier`, `LinearLearnerRegressor`, `PCA`, `KMeans`,
        `FactorizationMachineClassifier` or `FactorizationMachineRegressor`, or a
        `sklearn.pipeline.Pipeline` of them and of scikit-learn's `StandardScaler`,
        `MinMaxScaler`, `MaxAbsScaler`, `RobustScaler` and `Normalizer`.
    dtype : {"float32", "float64"}, default="float32"
        Of the rows that the model takes, and so of the numbers that it returns. Sums are of
        float64 either way.
    outputs : sequence of str, default=None
        Which methods the model is to answer for, of those that the estimator has: "predict",
        "decision_function", "predict_proba", "predict_level_proba" and "transform"; or "std",
        what `predict(X, return_std=True)` returns beside. None for all but "std". What is not
        named costs neither room nor time.

    Returns
    -------
    model : onnx.ModelProto
        It takes one dense input, "X", of shape (n_samples, n_features), and its outputs have the
        names of the methods whose results they are.

    Notes
    -----
    Numbers agree, to the accuracy of the dtype, with those that the estimator returns for rows of
    that dtype; labels agree except for rows that lie on a decision boundary to within rounding.
    Rows are not validated: results for NaN, infinity and numbers whose squares overflow are
    undefined.

    Sparse rows are not supported, and a graph cannot be trained further.

    Examples
    --------
    >>> from algos import PCA
    >>> from algos.onnx import to_onnx
    >>> pca = PCA(n_components=1).fit([[0.0, 1.0], [2.0, 3.0], [4.0, 4.0]])
    >>> model = to_onnx(pca)  # doctest: +SKIP
    >>> open("pca.onnx", "wb").write(model.SerializeToString())  # doctest: +SKIP
    """
    if not any(dtype == one for one in ("float32", np.float32, "float64", np.float64)):
        raise ValueError(
            f"`dtype`={dtype!r} must be 'float32' or 'float64'; name that of the rows that the "
            f"model will be given"
        )
    *transformers, last = _steps(estimator)
    graph = Graph(dtype)
    X = "X"
    for step in transformers:
        X = _outputs_of(graph, step, X)["transform"].name
    found = _outputs_of(graph, last, X)
    n_features = (transformers or [last])[0].n_features_in_
    return graph.model(_chosen(found, outputs), n_features)


def _steps(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, or the estimator alone."""
    if not isinstance(estimator, Pipeline):
        return [estimator]
    steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
    if not steps:
        raise ValueError("`estimator` must have a step that is not 'passthrough'; add one")
    return [inner for step in steps for inner in _steps(step)]


def _outputs_of(graph: Graph, estimator: Any, X: str) -> dict[str, Output]:
    for kind, add in (_EXPORTED | SCALERS).items():
        # A scaler's subclass may do something else, which the graph would not.
        if isinstance(estimator, kind) and (
            kind not in SCALERS or type(estimator).transform is kind.transform
        ):
            check_is_fitted(estimator)
            return add(graph, estimator, X)
    if hasattr(estimator, "best_estimator_"):
        raise ValueError(
            f"`estimator` must not be a search ({type(estimator).__name__}); export its "
            f"best_estimator_"
        )
    names, scalers = (", ".join(sorted(k.__name__ for k in of)) for of in (_EXPORTED, SCALERS))
    raise ValueError(
        f"`estimator` must be one of {names} of algos, or a pipeline of them and of {scalers} of "
        f"scikit-learn, and not {type(estimator).__name__}; save others with joblib or skops; the "
        f"steps after a transformer can be exported alone, as pipeline[1:]"
    )


def _chosen(found: dict[str, Output], outputs: Sequence[str] | None) -> dict[str, Output]:
    if outputs is None:
        return {name: output for name, output in found.items() if name != _ON_DEMAND}
    wanted = [outputs] if isinstance(outputs, str) else list(outputs)
    if not wanted or any(name not in found for name in wanted):
        raise ValueError(
            f"`outputs`={outputs!r} must be some of {sorted(found)}, which this estimator has; "
            f"leave out the others"
        )
    return {name: found[name] for name in wanted}
