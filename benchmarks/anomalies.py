"""How well anomalies are found: NAB's score, rankings, and delays.

NAB (Lavin and Ahmad, ICMLA 2015) rewards the first alarm of each labelled window, the more the
earlier it comes, and charges for alarms outside; one threshold for all series is chosen, the
best, for each profile.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

PROFILES = {"standard": (0.11, 1.0), "low FP": (0.22, 1.0), "low FN": (0.11, 2.0)}
PROBATION = 0.15  # of a series, and of at most 5000 rows: alarms do not count there
_STALE = 3.0  # widths behind a window, from where on an alarm is as bad as any


def probation(n):
    """Return how many rows of a series a detector may learn from before it is judged."""
    return int(PROBATION * min(n, 5000))


def worth(position):
    """Return what an alarm is worth: 1 early in a window (-1), 0 at its end (0), then below."""
    value = 2 * expit(-5.0 * np.asarray(position, dtype=np.float64)) - 1
    return np.where(np.asarray(position) > _STALE, -1.0, value)


def alarms_worth(n, windows):
    """Return each row's window (-1: none) and what an alarm there is worth before weights.

    `windows` are first and last rows, in order.
    """
    rows, inside, value = np.arange(n), np.full(n, -1), np.full(n, -1.0)
    for number, (first, last) in enumerate(windows):
        width = last - first + 1
        within, behind = slice(first, last + 1), slice(last + 1, n)
        inside[within] = number
        value[within] = worth(-(last - rows[within] + 1) / width) / worth(-1.0)
        value[behind] = worth((rows[behind] - last) / max(width - 1, 1))
    return inside, value


def nab_scores(scores, lengths, windows):
    """Return NAB's score for each profile: 0 without any alarm, 100 for all at first sight.

    `scores` are those of all series, one behind the other; `windows` (k, 3) are the number of
    the series, the first row and the last row.
    """
    counted, window, value = [], [], []
    for number, n in enumerate(lengths):
        own = windows[windows[:, 0] == number, 1:]
        inside, worths = alarms_worth(n, own)
        before = np.sum(windows[:, 0] < number)
        counted.append(np.arange(n) >= probation(n))
        window.append(np.where(inside >= 0, inside + before, -1))
        value.append(worths)
    keep = np.concatenate(counted)
    parts = scores[keep], np.concatenate(window)[keep], np.concatenate(value)[keep]
    return {name: _swept(*parts, len(windows), *costs) for name, costs in PROFILES.items()}


def _swept(scores, window, value, n_windows, false_alarm, miss):
    """Return the normalised score at the best threshold."""
    order = np.argsort(-scores, kind="stable")
    scores, window, value = scores[order], window[order], value[order]
    gain = np.where(window < 0, false_alarm * value, 0.0)
    for number in range(n_windows):
        rows = np.flatnonzero(window == number)
        if len(rows):  # lowering the threshold can only better the first alarm
            gain[rows] = np.diff(np.maximum.accumulate(value[rows]), prepend=-miss)
    total = np.cumsum(gain)
    last_of_ties = np.append(scores[1:] != scores[:-1], True)
    best = max(0.0, total[last_of_ties].max())
    return 100 * best / (n_windows * (1 + miss))


def ranking(y, scores):
    """Return the area under the ROC curve and the average precision."""
    return {"ROC-AUC": roc_auc_score(y, scores), "AP": average_precision_score(y, scores)}


def with_spread(measured):
    """Return the mean of each number over runs and its deviation."""
    found = {}
    for name in measured[0]:
        values = [one[name] for one in measured]
        found[name] = np.mean(values)
        if len(values) > 1:
            found[f"{name} ±"] = np.std(values, ddof=1)
    return found


def best_threshold(y, scores):
    """Return the threshold of the best F1, at or above which is an alarm."""
    precision, recall, thresholds = precision_recall_curve(y, scores)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return thresholds[np.argmax(f1[:-1])]


def stretches(y):
    """Return the first row of each stretch of ones, and the first behind it."""
    edges = np.diff(np.concatenate([[0], np.asarray(y, dtype=np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True))


def delay(y, alarms):
    """Return the mean rows from a stretch's begin to its first alarm; missed: its length."""
    waits = [
        np.argmax(alarms[begin:end]) if alarms[begin:end].any() else end - begin
        for begin, end in stretches(y)
    ]
    return float(np.mean(waits))
