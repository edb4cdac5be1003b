"""From scores to decisions: the offset of a batch, and the grades of a stream."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array
from algos._cython.cut_threshold import grade_scores, threshold_of
from algos.random_cut_forest.forest import SAMPLED, SEEN, Forest

QUARTILE = 0.6745  # of the standard normal distribution
MOST_DECAY = 1e-4  # of the score statistics: shorter memories find less
RULE_ROWS = 2048  # maximum number of sampled rows whose scores determine the offset


def score_limit(scores: Float64Array, contamination: str | float, borderline: float = 1.0) -> float:
    """Return the score above which rows are anomalies.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        If empty, since no row could be learned, the limit is `borderline`.
    contamination : {"auto", "three_sigma"} or float
        A float is the share of rows above the limit.
    borderline : float, default=1.0
        A score that may still be usual, for "auto".
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


def held_rows(forest: Forest) -> Float32Array:
    """Return about `RULE_ROWS` rows from the samples of the first trees, or all if fewer.

    If every tree holds every row that was seen, those of one tree suffice.
    """
    inner, rows = forest.size - 1, forest.clock[:, SAMPLED]
    if np.all(rows == forest.clock[:, SEEN]):
        n_trees = 1
    else:
        n_trees = min(int(np.searchsorted(rows.cumsum(), RULE_ROWS)) + 1, len(rows))
    found = [forest.own_points[t, forest.leaves[t, : rows[t]] - inner] for t in range(n_trees)]
    return np.concatenate(found)[:RULE_ROWS]


class Grading(NamedTuple):
    """The computation of grades.

    The threshold is `z_factor` standard deviations above the mean for normally distributed
    scores, and higher for positively skewed ones: 5.7 for exponential ones. So the share of
    graded rows is similarly small for both. Scores of a small forest are high and vary much, so
    they count little.
    """

    decay: float
    z_factor: float = 3.0
    most_skew: float = 2.0  # that of exponential scores; larger skews are due to anomalies
    least: float = 0.8  # no lower score is an anomaly; AWS's value, as the next
    n_initial: int = 10  # scores without a grade
    n_young: int = 256  # scores: the weight of score i of these is (i / n_young)**2
    narrowest: float = 0.05  # from the threshold to grade 1, if all scores have been equal

    def graded(
        self, scores: Float64Array, usual: Float64Array | None
    ) -> tuple[Float64Array, Float64Array]:
        """Return the grades of consecutive scores, and the updated score statistics.

        Before the first score `usual` is None.
        """
        grades = np.empty_like(scores)
        usual = np.zeros(5) if usual is None else usual.copy()
        grade_scores(scores, usual, grades, *self)
        return grades, usual

    def threshold(self, usual: Float64Array) -> float:
        """Return the score above which the next row gets a grade above 0."""
        found: float = threshold_of(usual, *self[1:])
        return found


def grading_of(method: str, decay: float, size: int) -> Grading:
    """Return the grading for a score method; displacements have no fixed scale."""
    decay = min(decay, MOST_DECAY)
    if "displacement" in method:
        return Grading(decay, least=0.0, n_initial=32, n_young=size, narrowest=1.0)
    return Grading(decay, n_young=size)


def as_labels(decision: Float64Array) -> NDArray[Any]:
    """Return -1 where a decision is below 0, else 1."""
    return np.where(decision < 0, -1, 1)
