"""From scores to decisions: the offset of a batch, and the grades of a stream."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._cython.cut_threshold import grade_scores, threshold_of
from algos.random_cut_forest.forest import SAMPLED, SEEN, Forest

Doubles = NDArray[np.float64]

QUARTILE = 0.6745  # of the standard normal distribution
MOST_DECAY = 1e-4  # of what is usual: shorter memories find less
RULE_ROWS = 2048  # sampled rows, at most, on whose scores the offset rests


def score_limit(scores: Doubles, contamination: str | float, borderline: float = 1.0) -> float:
    """Return the score above which rows are anomalies.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Without any, where no row could be learned, the limit is `borderline`.
    contamination : {"auto", "three_sigma"} or float
        A float is the share of the rows above the limit.
    borderline : float, default=1.0
        A score that may well be usual, for "auto".
    """
    if not len(scores):
        return borderline
    if contamination == "three_sigma":
        return float(scores.mean() + 3 * scores.std())
    if contamination == "auto":
        middle, high = np.percentile(scores, [50, 75])
        limit = float(middle + 3 * (high - middle) / QUARTILE)
        return max(limit, min(score_limit(scores, "three_sigma"), borderline))
    return -float(np.percentile(-scores, 100 * float(contamination)))


def held_rows(forest: Forest) -> NDArray[np.float32]:
    """Return rows in the samples of the first trees: in all about `RULE_ROWS`, or all there are.

    Where every tree holds every row that was seen, those of one tree are all.
    """
    inner, rows = forest.size - 1, forest.clock[:, SAMPLED]
    if np.all(rows == forest.clock[:, SEEN]):
        n_trees = 1
    else:
        n_trees = min(int(np.searchsorted(rows.cumsum(), RULE_ROWS)) + 1, len(rows))
    found = [forest.own_points[t, forest.leaves[t, : rows[t]] - inner] for t in range(n_trees)]
    return np.concatenate(found)[:RULE_ROWS]


class Grading(NamedTuple):
    """How grades are made.

    The threshold is `z_factor` deviations above the mean for scores that are normally
    distributed, and higher the more they lean to high ones: 5.7 for exponential ones. So the
    share of graded rows is about as small for either. Scores of a small forest are high, and
    its steps large: they count little.
    """

    decay: float
    z_factor: float = 3.0
    most_skew: float = 2.0  # that of exponential scores: beyond it are anomalies
    least: float = 0.8  # no lower score is an anomaly; AWS's number, as the next
    n_initial: int = 10  # scores without a grade
    n_young: int = 256  # scores: the weight of score i of these is (i / n_young)**2
    narrowest: float = 0.05  # from the threshold to grade 1, where all scores have been alike

    def graded(self, scores: Doubles, usual: Doubles | None) -> tuple[Doubles, Doubles]:
        """Return the grades of scores that follow each other, and what is usual after them.

        Before the first score `usual` is None.
        """
        grades = np.empty_like(scores)
        usual = np.zeros(5) if usual is None else usual.copy()
        grade_scores(scores, usual, grades, *self)
        return grades, usual

    def threshold(self, usual: Doubles) -> float:
        """Return the score above which the next row has a grade above 0."""
        found: float = threshold_of(usual, *self[1:])
        return found


def grading_of(method: str, decay: float, size: int) -> Grading:
    """Return the grading that suits a score: a displacement has no fixed scale."""
    decay = min(decay, MOST_DECAY)
    if "displacement" in method:
        return Grading(decay, least=0.0, n_initial=32, n_young=size, narrowest=1.0)
    return Grading(decay, n_young=size)


def as_labels(decision: Doubles) -> NDArray[Any]:
    """Return -1 where a decision is below 0, else 1."""
    return np.where(decision < 0, -1, 1)
