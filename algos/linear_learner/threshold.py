"""Two classes: what each threshold on the decision values would give, and which is best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos.linear_learner.problem import Doubles

CRITERIA = (
    "loss",
    "accuracy",
    "f_beta",
    "precision_at_target_recall",
    "recall_at_target_precision",
)
_ROUNDING = 1e-12  # a recall of 0.8 by sums of weights is one of 0.8


class Target(NamedTuple):
    """What is asked of a threshold.

    Attributes
    ----------
    criterion : str
        One of `CRITERIA`.
    beta : float
        Of f_beta: recall counts beta times as much as precision.
    recall, precision : float
        The targets of the last two criteria.
    """

    criterion: str
    beta: float
    recall: float
    precision: float


def share_of_recall(beta: float) -> float:
    """Return b² / (1 + b²), also where b² is no number."""
    return 1 / (1 + 1 / beta / beta) if beta > 1 else beta * beta / (1 + beta * beta)


class Outcomes:
    """Counts of the rows above each threshold, by weight.

    Attributes
    ----------
    thresholds : ndarray of shape (m,)
        Descending, halfway between decision values, the first above and the last below all.
    hits, false_alarms : ndarray of shape (m,)
        Weight of the positive and of the negative rows above.
    positive, negative : float
        Weight of all of them.
    """

    def __init__(self, decision: Doubles, target: Doubles, weight: Doubles) -> None:
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
    def recall(self) -> Doubles:
        return self.hits / max(self.positive, np.finfo(np.float64).tiny)

    @property
    def precision(self) -> Doubles:
        """0 where no row is above."""
        return self.hits / np.maximum(self.hits + self.false_alarms, np.finfo(np.float64).tiny)

    @property
    def accuracy(self) -> Doubles:
        right = self.hits + self.negative - self.false_alarms
        return np.asarray(right / (self.positive + self.negative))

    def f_beta(self, beta: float) -> Doubles:
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

    def best(self, target: Target) -> tuple[int, float]:
        """Return the place of the best threshold, and how good it is by the criterion.

        Among equals the one of the highest F score is taken. Where none reaches the target
        precision, the most precise one is best, and its score is its precision less the
        target: negative.
        """
        if target.criterion == "accuracy":
            scores = self.accuracy
        elif target.criterion == "f_beta":
            scores = self.f_beta(target.beta)
        elif target.criterion == "precision_at_target_recall":
            reached = self.recall >= target.recall - _ROUNDING
            scores = np.where(reached, self.precision, self.recall - 2)
        else:
            reached = self.precision >= target.precision - _ROUNDING
            short = self.precision - target.precision
            scores = np.where(reached, self.recall, np.minimum(short, -_ROUNDING))
        place = int(np.lexsort((-self.f_beta(target.beta), -scores))[0])
        return place, float(scores[place])
