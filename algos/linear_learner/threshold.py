"""Metrics of two classes at every threshold on the decision values, and the best threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array

CRITERIA = (
    "loss",
    "accuracy",
    "f_beta",
    "precision_at_target_recall",
    "recall_at_target_precision",
)
_ROUNDING = 1e-12  # of recall and precision, which are quotients of sums of weights


class Criterion(NamedTuple):
    """A selection criterion, which a threshold is to maximise.

    Attributes
    ----------
    name : str
        One of `CRITERIA`.
    beta : float, default=1.0
        Weight of recall relative to precision in f_beta.
    recall, precision : float, default=0.0
        The targets of the last two criteria.
    """

    name: str
    beta: float = 1.0
    recall: float = 0.0
    precision: float = 0.0


def share_of_recall(beta: float) -> float:
    """Return b² / (1 + b²), also where b² overflows."""
    return 1 / (1 + 1 / beta / beta) if beta > 1 else beta * beta / (1 + beta * beta)


class ThresholdCurve:
    """Weights of the rows above each threshold.

    Attributes
    ----------
    thresholds : ndarray of shape (m,)
        Descending, halfway between decision values; the first above, the last below all of them.
    hits, false_alarms : ndarray of shape (m,)
        Weight of the positive and of the negative rows above each threshold.
    positive, negative : float
        Weight of all positive and of all negative rows.
    """

    def __init__(self, decision: Float64Array, target: Float64Array, weight: Float64Array) -> None:
        order = np.argsort(-decision, kind="stable")
        values = decision[order]
        is_last = np.flatnonzero(np.append(values[1:] != values[:-1], True))
        positive = np.where(target[order] > 0, weight[order], 0.0)
        self.hits = np.append(0.0, np.cumsum(positive)[is_last])
        self.false_alarms = np.append(0.0, np.cumsum(weight[order] - positive)[is_last])
        distinct = values[is_last]
        between = np.maximum(distinct[:-1] / 2 + distinct[1:] / 2, distinct[1:])
        between = np.minimum(between, np.nextafter(distinct[:-1], -np.inf))
        below = min(distinct[-1] - 1, np.nextafter(distinct[-1], -np.inf))
        self.thresholds = np.concatenate([[distinct[0] + 1], between, [below]])
        self.positive, self.negative = self.hits[-1], self.false_alarms[-1]

    @property
    def recall(self) -> Float64Array:
        return self.hits / max(self.positive, np.finfo(np.float64).tiny)

    @property
    def precision(self) -> Float64Array:
        """Precision at each threshold; 0 if no row is above it."""
        return self.hits / np.maximum(self.hits + self.false_alarms, np.finfo(np.float64).tiny)

    @property
    def accuracy(self) -> Float64Array:
        right = self.hits + self.negative - self.false_alarms
        return np.asarray(right / (self.positive + self.negative))

    def f_beta(self, beta: float) -> Float64Array:
        """Return (1 + b²) TP / ((1 + b²) TP + b² FN + FP)."""
        share = share_of_recall(beta)
        missed = share * (self.positive - self.hits) + (1 - share) * self.false_alarms
        return self.hits / np.maximum(self.hits + missed, np.finfo(np.float64).tiny)

    def roc_auc(self) -> float:
        """Return the area under the ROC curve; NaN if a class is missing."""
        if self.positive == 0 or self.negative == 0:
            return float("nan")
        area = np.trapezoid(self.hits, self.false_alarms)
        return float(area / (self.positive * self.negative))

    def best(self, criterion: Criterion) -> tuple[int, float]:
        """Return the index of the best threshold and its score.

        Ties are broken by the F score. If no threshold reaches the target precision, the most
        precise one is best, with the negative score precision - target.
        """
        if criterion.name == "accuracy":
            scores = self.accuracy
        elif criterion.name == "f_beta":
            scores = self.f_beta(criterion.beta)
        elif criterion.name == "precision_at_target_recall":
            reached = self.recall >= criterion.recall - _ROUNDING
            scores = np.where(reached, self.precision, self.recall - 2)
        else:
            reached = self.precision >= criterion.precision - _ROUNDING
            short = self.precision - criterion.precision
            scores = np.where(reached, self.recall, np.minimum(short, -_ROUNDING))
        place = int(np.lexsort((-self.f_beta(criterion.beta), -scores))[0])
        return place, float(scores[place])
