"""Graphs of linear learners."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos.linear_learner.classifier_model import ClassifierModel
from algos.linear_learner.estimator import LinearLearner
from algos.linear_learner.regressor_model import RegressorModel
from algos.onnx.graph import Graph, Output
from algos.onnx.labels import class_output, two_probabilities


def regressor_outputs(graph: Graph, model: RegressorModel, X: str) -> dict[str, Output]:
    """Add the outputs of a linear regressor."""
    decisions = _decisions(graph, model, X)
    if model._loss().has_log_link:
        decisions = graph.add("Exp", decisions)
    if np.ndim(model.coef_) == 1:
        return {"predict": Output(graph.column(decisions), graph.dtype)}
    return {"predict": Output(decisions, graph.dtype, len(model.coef_))}


def classifier_outputs(graph: Graph, model: ClassifierModel, X: str) -> dict[str, Output]:
    """Add the outputs of a linear classifier."""
    model._check_learned_enough()
    decisions, classes = _decisions(graph, model, X), model.classes_
    is_binary = len(classes) == 2
    if is_binary:
        away = graph.add("Sub", graph.column(decisions), model._threshold_in(graph.dtype))
        of_decisions = Output(away, graph.dtype)
    else:
        of_decisions = Output(decisions, graph.dtype, len(classes))
    found = {
        "predict": class_output(graph, of_decisions.name, classes, is_binary=is_binary),
        "decision_function": of_decisions,
    }
    if model._learned("loss") == "log_loss":
        shares = _probabilities(graph, decisions, is_binary=is_binary)
        found["predict_proba"] = Output(shares, graph.dtype, len(classes))
    return found


def _decisions(graph: Graph, model: LinearLearner, X: str) -> str:
    """Return decision values (n_samples, n_outputs), summed in float64, in the graph's dtype."""
    coef: Any = np.atleast_2d(model.coef_).astype(np.float64)
    intercept: Any = np.atleast_1d(model.intercept_).astype(np.float64)
    products = graph.add("MatMul", graph.widened(X), coef.T)
    return graph.narrowed(graph.add("Add", products, intercept))


def _probabilities(graph: Graph, decisions: str, *, is_binary: bool) -> str:
    wide = graph.widened(decisions)
    if is_binary:
        return graph.narrowed(two_probabilities(graph, wide))
    return graph.narrowed(graph.add("Softmax", wide, axis=1))
