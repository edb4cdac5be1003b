"""Graphs of factorization machines.

The score of a row x is w0 + x·w + (|x V|² - x²·v) / 2, v being the squared lengths of V's rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos.factorization_machine.classifier_model import ClassifierModel
from algos.factorization_machine.links import NOISE_SHARE
from algos.factorization_machine.model import FittedMachine
from algos.factorization_machine.posterior import Draws
from algos.factorization_machine.posterior_mean import PosteriorMean
from algos.factorization_machine.regressor_model import RegressorModel
from algos.onnx.graph import Graph, Output
from algos.onnx.labels import class_output, two_probabilities

_LARGEST = 1e300  # score
_LARGEST_OF_DRAWS = 1e150  # score whose square is a number
_CERTAIN = 9.0  # deviations beyond which a normal distribution has nothing
_N_NODES = 48  # with so many its integral is right to the last digits


def regressor_outputs(graph: Graph, model: RegressorModel, X: str) -> dict[str, Output]:
    """Add the outputs of a regressor."""
    model._check_learned()
    found = {"transform": _embedding(graph, model, X)}
    if model._link == "ordered_probit":
        shares = _level_shares(graph, model, X)
        predicted = graph.add("MatMul", shares, model.levels_.astype(np.float64))
        of_levels = Output(graph.narrowed(shares), graph.dtype, len(model.levels_))
        return {
            "predict": Output(graph.narrowed(predicted), graph.dtype),
            "predict_level_proba": of_levels,
            **found,
        }
    (score,) = _scores(graph, model, X)
    found["predict"] = Output(graph.narrowed(score), graph.dtype)
    if model._draws is not None:
        deviation = graph.add("Sqrt", _variance(graph, model, Draws(**model._draws[0]), X))
        deviation = graph.add("Mul", deviation, np.array(model._unit.spread))
        found["std"] = Output(graph.narrowed(deviation), graph.dtype)
    return found


def classifier_outputs(graph: Graph, model: ClassifierModel, X: str) -> dict[str, Output]:
    """Add the outputs of a classifier."""
    model._check_learned()
    wide, classes = _decisions(graph, model, X), model.classes_
    is_binary = len(classes) == 2
    largest = float(np.finfo(graph.dtype).max)
    decisions = graph.narrowed(graph.clipped(wide, largest))
    if is_binary:
        decisions = graph.column(decisions)
    label = class_output(graph, decisions, classes, is_binary=is_binary)
    if is_binary:
        shares = two_probabilities(graph, wide)
    else:
        logits = wide if model._link == "softmax" else _log_logistic(graph, wide)
        shares = graph.add("Softmax", logits, axis=1)
    return {
        "predict": label,
        "decision_function": Output(decisions, graph.dtype, None if is_binary else len(classes)),
        "predict_proba": Output(graph.narrowed(shares), graph.dtype, len(classes)),
        "transform": _embedding(graph, model, X),
    }


def _embedding(graph: Graph, model: FittedMachine, X: str) -> Output:
    factors = model.factors_ if model.factors_.ndim == 2 else np.concatenate(model.factors_, 1)
    sums = graph.add("MatMul", graph.widened(X), graph.widened(factors))
    return Output(graph.narrowed(sums), graph.dtype, factors.shape[1])


def _decisions(graph: Graph, model: ClassifierModel, X: str) -> str:
    """Return decision values (n_samples, n_outputs) in float64, as `links.decisions` does."""
    each = [graph.clipped(score, _LARGEST) for score in _scores(graph, model, X)]
    if model._draws is None or model._link not in NOISE_SHARE:
        return graph.side_by_side(each)
    share = np.array(NOISE_SHARE[model._link])
    found = []
    for score, draws in zip(each, model._draws, strict=True):
        variance = _variance(graph, model, Draws(**draws), X)
        spread = _spread(graph, graph.add("Mul", variance, share))
        found.append(graph.add("Div", score, spread))
    return graph.side_by_side(found)


def _spread(graph: Graph, variance: str) -> str:
    """Return the deviation of a score whose own noise has variance 1."""
    return graph.add("Sqrt", graph.add("Add", variance, np.array(1.0)))


def _log_logistic(graph: Graph, values: str) -> str:
    """Return log(1 / (1 + exp(-x))): min(x, 0) - log(1 + exp(-|x|))."""
    below = graph.add("Min", values, np.array(0.0))
    tail = graph.add("Exp", graph.add("Neg", graph.add("Abs", values)))
    return graph.add("Sub", below, graph.add("Log", graph.add("Add", tail, np.array(1.0))))


# Scores.


def _scores(graph: Graph, model: FittedMachine, X: str) -> list[str]:
    """Return the scores of each output, each of shape (n_samples,), in float64."""
    rows = graph.widened(X)
    if model._draws is not None:
        return [_mean_score(graph, PosteriorMean(**mean), rows) for mean in model._means]
    factors = model.factors_ if model.factors_.ndim == 3 else model.factors_[np.newaxis]
    each = zip(np.atleast_1d(model.intercept_), np.atleast_2d(model.coef_), factors, strict=True)
    return [_score(graph, rows, *one) for one in each]


def _mean_score(graph: Graph, mean: PosteriorMean, rows: str) -> str:
    linear, factors = mean.linear, mean.factors
    if mean.places is not None:
        known = np.flatnonzero(mean.places)
        rows = graph.add("Gather", rows, known.astype(np.int64), axis=1)
        linear, factors = linear[mean.places[known]], factors[mean.places[known]]
    return _score(graph, rows, mean.intercept, linear, factors)


def _score(
    graph: Graph, rows: str, intercept: float, linear: NDArray[Any], factors: NDArray[Any]
) -> str:
    """Return the score by one machine, of shape (n_samples,)."""
    scores = _scores_of_models(graph, rows, np.array([intercept]), linear[:, np.newaxis], factors)
    return graph.column(scores)


def _scores_of_models(
    graph: Graph,
    rows: str,
    intercepts: NDArray[Any],
    linear: NDArray[Any],
    factors: NDArray[Any],
) -> str:
    """Return the scores by several machines, as `scoring.scores_of_models` takes them."""
    n_models = len(intercepts)
    straight = graph.add("MatMul", rows, graph.widened(linear))
    straight = graph.add("Add", straight, intercepts.astype(np.float64))
    width = factors.shape[1] // n_models
    if width == 0:
        return straight
    sums = graph.add("MatMul", rows, graph.widened(factors))
    squares = graph.add("Mul", sums, sums)
    squares = graph.sums(graph.add("Reshape", squares, np.array([-1, n_models, width])), axis=2)
    by_model = factors.astype(np.float64).reshape(len(factors), n_models, width)
    own = graph.add(
        "MatMul", graph.add("Mul", rows, rows), np.einsum("dmk,dmk->dm", *[by_model] * 2)
    )
    pairs = graph.add("Mul", graph.add("Sub", squares, own), np.array(0.5))
    return graph.add("Add", straight, pairs)


# Draws.


def _known_rows(graph: Graph, model: FittedMachine, X: str) -> str:
    """Return rows of the columns that training saw, in its units."""
    columns, rows = model._columns(), graph.widened(X)
    if columns.places is not None:
        rows = graph.add("Gather", rows, columns.places, axis=1)
    return rows if columns.scale is None else graph.add("Div", rows, columns.scale)


def _variance(graph: Graph, model: FittedMachine, draws: Draws, X: str) -> str:
    """Return the variance over draws of each row's score, as `posterior.predict_variance`."""
    rows = _known_rows(graph, model, X)
    places = draws.intercepts
    if "cuts" in draws.state:
        places = places - draws.state["cuts"][:, 1:-1].mean(axis=1)
    scores = _scores_of_models(graph, rows, places, draws.linear, draws.factors)
    scores = graph.clipped(scores, _LARGEST_OF_DRAWS)
    mean = graph.add("ReduceMean", scores, np.array([1]), keepdims=1)
    away = graph.add("Sub", scores, mean)
    return graph.add("ReduceMean", graph.add("Mul", away, away), np.array([1]), keepdims=0)


# Ordered levels.


def _level_shares(graph: Graph, model: RegressorModel, X: str) -> str:
    """Return the probability of each level, of shape (n_samples, n_levels)."""
    if model._draws is None:
        assert model._cuts is not None
        (score,) = _scores(graph, model, X)
        bounded = graph.side_by_side([graph.clipped(score, _LARGEST)])
        return _between(graph, graph.add("Sub", model._cuts, bounded))
    draws = Draws(**model._draws[0])
    machine = draws.mean_intercept, draws.mean_linear, draws.mean_factors
    score = _score(graph, _known_rows(graph, model, X), *machine)
    bounded = graph.side_by_side([graph.clipped(score, _LARGEST_OF_DRAWS)])
    spread = graph.side_by_side([_spread(graph, _variance(graph, model, draws, X))])
    away = graph.add("Sub", draws.mean_state["cuts"], bounded)
    return _between(graph, graph.add("Div", away, spread))


def _between(graph: Graph, ends: str) -> str:
    """Return the normal probabilities between neighbouring columns.

    Φ(z) = 1/2 + z ∫ φ(zt) dt over t from 0 to 1, by Gauss's rule: runtimes have no error
    function of float64.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    ends = graph.clipped(ends, _CERTAIN)
    exponents = graph.add("Unsqueeze", graph.add("Mul", ends, ends), np.array([2]))
    heights = graph.add("Exp", graph.add("Mul", exponents, -((nodes + 1) ** 2) / 8))
    mean_height = graph.add("MatMul", heights, weights / np.sqrt(8 * np.pi))
    halves = graph.add("Mul", ends, mean_height)
    after = graph.add("Slice", halves, *(np.array([at]) for at in (1, 2**31, 1)))
    before = graph.add("Slice", halves, *(np.array([at]) for at in (0, -1, 1)))
    return graph.add("Max", graph.add("Sub", after, before), np.array(0.0))
