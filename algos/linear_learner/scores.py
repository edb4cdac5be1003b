"""Losses and metrics of candidates on validation rows, and the best candidate."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos.linear_learner.decisions import mean_losses
from algos.linear_learner.losses import Loss
from algos.linear_learner.targets import in_unit, one_against_rest, score_unit
from algos.linear_learner.threshold import Criterion, ThresholdCurve, share_of_recall

_CHEAP_TO_SORT = 200_000  # decision values of all candidates


class Scores(NamedTuple):
    """The candidates on the validation rows.

    Attributes
    ----------
    columns : dict of str to ndarray of shape (n_candidates,)
        Losses and metrics.
    criterion : ndarray of shape (n_candidates,)
        Higher is better; losses and errors are in a unit in which they do not overflow.
    thresholds : ndarray of shape (n_candidates,)
        On decision values; zeros unless there are two classes.
    """

    columns: dict[str, NDArray[Any]]
    criterion: Float64Array
    thresholds: Float64Array

    @property
    def best(self) -> int:
        """Index of the best candidate; ties go to the least loss, then the strongest penalty."""
        scores = np.where(np.isnan(self.criterion), -np.inf, self.criterion)
        loss = np.nan_to_num(self.columns["validation_loss"], nan=np.inf)
        return int(np.lexsort((loss, -scores))[0])


class DecisionScorer:
    """Scores candidates by their decision values on validation rows.

    Parameters
    ----------
    target : ndarray of shape (n,) or (n, n_outputs)
        The targets, as losses take them.
    weight : ndarray of shape (n,)
        Weights of the metrics, without class weights.
    loss_weight : ndarray of shape (n,)
        Weights of the loss, with class weights.
    loss : Loss
    criterion : Criterion
    n_outputs : int
    top_k : int
        For the top-k accuracy of more than two classes.
    """

    def __init__(
        self,
        target: Float64Array,
        weight: Float64Array,
        loss_weight: Float64Array,
        loss: Loss,
        criterion: Criterion,
        n_outputs: int,
        top_k: int,
    ) -> None:
        self.criterion, self._unit = criterion, score_unit(target, loss)
        self.target, self.loss = target, loss = in_unit(target, loss, self._unit)
        is_separate = loss.is_of_classes and not loss.is_joint and n_outputs > 1
        self._columns = one_against_rest(target, n_outputs) if is_separate else target
        self.weight = weight / weight.sum()
        self.loss_weight = loss_weight / loss_weight.sum()
        self.n_outputs, self.top_k = n_outputs, top_k

    def score(self, decisions: list[Float64Array]) -> Scores:
        """Return the scores of candidates from their decision values, (n, n_outputs) each."""
        rows = [self._score_one(self._in_unit(one)) for one in decisions]
        columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        criterion, thresholds = columns.pop("criterion"), columns.pop("decision_threshold")
        self._leave_unit(columns)
        scores = Scores(columns, criterion, thresholds)
        if "roc_auc" in columns and self.criterion.name == "loss":
            self._add_areas(columns["roc_auc"], decisions, scores.best)
        return scores

    def _add_areas(self, areas: Float64Array, decisions: list[Float64Array], best: int) -> None:
        """Fill in the areas under the ROC curve of all candidates, or of the best one only.

        Each needs a sort of all rows, which may take longer than training the candidate.
        """
        are_cheap = len(decisions) * len(self.target) <= _CHEAP_TO_SORT
        for i in range(len(decisions)) if are_cheap else (best,):
            values = np.asarray(decisions[i][:, 0], dtype=np.float64)
            areas[i] = ThresholdCurve(values, self.target, self.weight).roc_auc()

    def mean_loss(self, decision: Float64Array) -> float:
        """Return the weighted mean loss, in a common unit."""
        return self._mean_loss(self._in_unit(decision))

    def _mean_loss(self, decision: Float64Array) -> float:
        return mean_losses(decision, self._columns, self.loss_weight, self.loss)

    def _in_unit(self, decision: Any) -> Float64Array:
        """Return decision values in the unit of the target, in float64."""
        values = np.asarray(decision, dtype=np.float64)
        is_scaled = self._unit.exponent and not self.loss.is_of_classes
        return np.ldexp(values, -self._unit.exponent) if is_scaled else values

    def _leave_unit(self, columns: dict[str, NDArray[Any]]) -> None:
        """Convert losses and errors to the user's units."""
        exponents = {"validation_loss": self._unit.of_loss}
        if not self.loss.is_of_classes:
            exponents.update(_exponents_of_errors(self._unit.exponent))
        if self._unit.exponent:
            with np.errstate(over="ignore"):
                for name, exponent in exponents.items():
                    columns[name] = np.ldexp(columns[name], exponent)

    def _score_one(self, decision: Float64Array) -> dict[str, Any]:
        loss = self._mean_loss(decision)
        if not self.loss.is_of_classes:
            found = _regression_scores(decision, self.target, self.weight, self.loss)
        elif self.n_outputs == 1:
            return {"validation_loss": loss, **self._two_classes(decision[:, 0], loss)}
        else:
            found = _class_scores(
                decision, self.target, self.weight, self.criterion.beta, self.top_k
            )
        name = self.criterion.name
        better = -found[name] if name.endswith("_error") else found.get(name, np.nan)
        return {
            "validation_loss": loss,
            **found,
            "criterion": -loss if name == "loss" else better,
            "decision_threshold": 0.0,
        }

    def _two_classes(self, decision: Float64Array, loss: float) -> dict[str, Any]:
        if self.criterion.name == "loss":
            return self._above_zero(decision, loss)
        curve = ThresholdCurve(decision, self.target, self.weight)
        place, score = curve.best(self.criterion)
        threshold = float(curve.thresholds[place])
        return {
            "accuracy": curve.accuracy[place],
            "f_beta": curve.f_beta(self.criterion.beta)[place],
            "precision": curve.precision[place],
            "recall": curve.recall[place],
            "roc_auc": curve.roc_auc(),
            "criterion": score,
            "decision_threshold": threshold,
        }

    def _above_zero(self, decision: Float64Array, loss: float) -> dict[str, Any]:
        """Return the metrics at the threshold 0, which need no sort."""
        claimed = self.weight * (decision > 0)
        positive = self.target > 0
        hits, all_claimed = float(claimed @ positive), float(claimed.sum())
        actual = float(self.weight @ positive)
        share = share_of_recall(self.criterion.beta)
        tiny = np.finfo(np.float64).tiny
        return {
            "accuracy": 1 - (actual - hits) - (all_claimed - hits),
            "f_beta": hits / max(share * actual + (1 - share) * all_claimed, tiny),
            "precision": hits / max(all_claimed, tiny),
            "recall": hits / max(actual, tiny),
            "roc_auc": np.nan,
            "criterion": -loss,
            "decision_threshold": 0.0,
        }


def _exponents_of_errors(exponent: int) -> dict[str, int]:
    """Return the powers of 2 by which errors scale with the unit of the target."""
    return {
        "squared_error": 2 * exponent,
        "root_squared_error": exponent,
        "absolute_error": exponent,
    }


def _regression_scores(
    decision: Float64Array, target: Float64Array, weight: Float64Array, loss: Loss
) -> dict[str, Any]:
    """Return errors of the predictions, means over rows and outputs."""
    target = target.reshape(len(decision), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        residual = target - (np.exp(decision) if loss.has_log_link else decision)
        squared = float((weight @ residual**2).mean())
        spread = float((weight @ (target - weight @ target) ** 2).mean())
    return {
        "squared_error": squared,
        "root_squared_error": float(np.sqrt(squared)),
        "absolute_error": float((weight @ np.abs(residual)).mean()),
        "r2": 1 - squared / spread if spread > 0 else float("nan"),
    }


def _class_scores(
    decision: Float64Array, target: Float64Array, weight: Float64Array, beta: float, top_k: int
) -> dict[str, Any]:
    """Return the metrics of more than two classes, from decision values (n, n_classes)."""
    n, n_classes = decision.shape
    classes = target.astype(np.intp)
    predicted = decision.argmax(axis=1)
    own = decision[np.arange(n), classes]
    rank = (decision > own[:, None]).sum(axis=1)  # 0 for the highest
    is_right = predicted == classes
    hits = np.bincount(classes[is_right], weight[is_right], minlength=n_classes)
    actual = np.bincount(classes, weight, minlength=n_classes)
    claimed = np.bincount(predicted, weight, minlength=n_classes)
    tiny = np.finfo(np.float64).tiny
    present = actual > 0
    recall = hits / np.maximum(actual, tiny)
    precision = hits / np.maximum(claimed, tiny)
    share = share_of_recall(beta)
    f_beta = hits / np.maximum(share * actual + (1 - share) * claimed, tiny)
    return {
        "accuracy": float(weight @ is_right),
        "balanced_accuracy": float(recall[present].mean()),
        "top_k_accuracy": float(weight @ (rank < top_k)),
        "dcg": float(weight @ (1 / np.log2(2 + rank))),
        "macro_recall": float(recall[present].mean()),
        "macro_precision": float(precision[present].mean()),
        "f_beta": float(f_beta[present].mean()),
    }
