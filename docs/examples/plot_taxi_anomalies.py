"""
Unusual days of New York's taxis
================================

The number of taxi passengers in New York in each half hour of seven months follows the same daily
pattern, except for a few days. :class:`algos.RandomCutForest` reads the series once, in order,
scores each half hour before learning it, and explains the highest scores.

The series is read from ``random_cut_forest/nab/realKnownCause/nyc_taxi.csv`` (from the Numenta
Anomaly Benchmark) in the folder named by the environment variable ``ALGOS_DATA``; without it,
a similar series is simulated.
"""

import os
import time
from pathlib import Path

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from algos import RandomCutForest
from algos.plotting import AnomalyDisplay

DAY = 48  # half hours


def simulated():
    """Return a series with a daily and a weekly pattern, and five unusual days."""
    rng = np.random.default_rng(0)
    n = 215 * DAY
    hour, day = np.arange(n) / 2 % 24, np.arange(n) // DAY
    rides = 15000 - 9000 * np.cos((hour - 4) * np.pi / 12) + 3000 * np.sin(hour * np.pi / 6)
    rides *= np.where(day % 7 < 5, 1.0, 0.9)
    for odd, factor in ((123, 1.4), (149, 0.7), (177, 0.5), (184, 0.6), (210, 0.15)):
        rides[day == odd] *= factor
    return rides + rng.normal(scale=500, size=n), np.datetime64("2014-07-01T00:00")


def taxi_rides():
    """Return the passengers in each half hour, the time of the first, and the source."""
    folder = Path(os.environ.get("ALGOS_DATA", ".")) / "random_cut_forest" / "nab"
    file = folder / "realKnownCause" / "nyc_taxi.csv"
    if not file.exists():
        return *simulated(), "simulated (no nyc_taxi.csv in ALGOS_DATA)"
    rides = np.genfromtxt(file, delimiter=",", skip_header=1, usecols=1)
    return rides, np.datetime64("2014-07-01T00:00"), "New York's taxis"


rides, start, source = taxi_rides()
times = start + np.timedelta64(30, "m") * np.arange(len(rides))
rides = rides[:, np.newaxis]
print(f"{len(rides)} half hours: {source}")

# %%
# One pass over the stream
# ------------------------
# With ``shingle_size=48`` each half hour is scored together with the 47 before it, so the forest
# learns what a day looks like. With ``time_decay`` weights fall to a third in two months. Each
# score comes from what was learned before, with its attribution, and a grade above 0 if it is
# unusual for this stream. Attributions requested afterwards would come from a forest that has
# learned the anomalies.

forest = RandomCutForest(
    max_samples=512, shingle_size=DAY, time_decay=1 / (60 * DAY), random_state=0
)
began = time.perf_counter()
scores, grades, reasons = forest.score_partial_fit(
    rides, return_grade=True, return_attribution=True
)
seconds = time.perf_counter() - began
if "ALGOS_DOCS_BUILD" not in os.environ:  # a time holds for one machine and one moment
    print(f"{len(rides)} half hours scored, explained and learned in {seconds:.2f} s")

print(f"{'peak':20}{'score':>7}{'grade':>7}")
left = scores.copy()
for _ in range(5):
    i = left.argmax()
    print(f"{str(times[i]).replace('T', ' '):20}{scores[i]:7.2f}{grades[i]:7.2f}")
    left[max(0, i - 2 * DAY) : i + 2 * DAY] = 0

# %%
# What made the peaks
# -------------------
# In New York's series these are a snow storm that stopped all traffic, the Sunday of the change to
# winter time and of the marathon, Christmas, and two Saturdays in September, each with more
# rides than any day before. The lowest panel shows which half hours of the day before a peak were
# too high or too low: on that Sunday those from one to two in the morning, which occurred twice.
# The date below is that of the half hour with the largest contribution.

AnomalyDisplay.from_estimator(
    forest, rides, scores=scores, grades=grades, attribution=reasons, times=times, n_peaks=5
)
plt.show()

# %%
# Forecasts
# ---------
# ``forecast`` imputes the next half hours, one after another. A forest that was trained up to
# the day before the highest peak expects an ordinary day; the forest of the whole stream continues
# after its end.

peak = int(scores.argmax())
onset = peak - DAY
earlier = clone(forest).partial_fit(rides[:onset])
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
for ax, fitted, end, title in (
    (axes[0], earlier, onset, "a day before the highest peak"),
    (axes[1], forest, len(rides), "at the end of the stream"),
):
    coming, ranges = fitted.forecast(2 * DAY, quantiles=[0.05, 0.95])
    ahead = times[0] + np.timedelta64(30, "m") * np.arange(end, end + 2 * DAY)
    known = slice(end - DAY, min(end + 2 * DAY, len(rides)))
    ax.plot(times[known], rides[known, 0], label="rides")
    ax.plot(ahead, coming[:, 0], label="forecast")
    ax.fill_between(ahead, ranges[0, :, 0], ranges[1, :, 0], color="C1", alpha=0.3, linewidth=0)
    ax.set_title(title)
    ax.xaxis.set_major_locator(mdates.DayLocator())
    ax.xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
axes[0].legend(loc="upper right")
plt.show()
