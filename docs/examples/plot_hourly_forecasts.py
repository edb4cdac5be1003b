"""
Forecasting the next two days of 414 hourly series
==================================================

The M4 competition asked for the next 48 hours of 414 series, given little more than their
last month: some have values around ten, some around ten thousand. :class:`algos.DeepARForecaster`
learns one network from all of them, and draws possible futures of each series.

The series are read from ``deepar/m4_hourly_train.csv.gz`` and ``m4_hourly_test.csv.gz`` beside it
(published by the competition) in the folder given by the environment variable ``ALGOS_DATA``;
without these, sixty similar series are generated.
"""

import csv
import gzip
import os
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from algos import DeepARForecaster
from algos.metrics import mean_absolute_scaled_error, weighted_quantile_loss
from algos.plotting import ForecastDisplay

HORIZON = 48
NEW = 4  # series held out from training
LEVELS = np.arange(1, 10) / 10


def generated():
    """Return hourly series with days and weeks of four kinds, and their last two days."""
    rng = np.random.default_rng(0)
    hours = np.arange(700)
    kind = rng.integers(4, size=(60, 1))
    day = 1 + 0.6 * np.sin(2 * np.pi * (hours / 24 - kind / 4))
    week = np.where(hours // 24 % 7 < 5, 1.0, 0.7)
    level = rng.lognormal(3, 1, size=(60, 1))
    series = level * (day * week + rng.normal(scale=0.1, size=(60, len(hours))))
    return list(series[:, :-HORIZON]), series[:, -HORIZON:]


def rows_of(file):
    """Return the numbers of each row, without its name."""
    with gzip.open(file, "rt", newline="") as lines:
        _, *rows = csv.reader(lines)
    return [np.array([float(cell) for cell in row[1:] if cell]) for row in rows]


folder = Path(os.environ.get("ALGOS_DATA", ".")) / "deepar"
is_real = (folder / "m4_hourly_train.csv.gz").exists()
if is_real:
    series, future = (rows_of(folder / f"m4_hourly_{part}.csv.gz") for part in ("train", "test"))
    future, source = np.array(future), "M4 Hourly"
else:
    series, future = generated()
    source = "generated (no m4_hourly_train.csv.gz in ALGOS_DATA)"
print(f"{len(series)} series of {min(map(len, series))} to {max(map(len, series))} hours: {source}")

# %%
# One network for all of them
# ---------------------------
# X may be a list of arrays, or a matrix whose short rows end in NaN. With ``freq="h"`` the
# inputs of an hour are the last few values, and those of the same hour on earlier days and weeks;
# ``start`` adds the hour of the day and the day of the week. The true start of M4's series is not
# known here, but any date will do, since the network learns what each hour means.

model = DeepARForecaster(HORIZON, freq="h", max_iter=50 if is_real else 8, random_state=0)
began = time.perf_counter()
model.fit(series[NEW:], start="2015-01-01")
if "ALGOS_DOCS_BUILD" not in os.environ:  # times differ between machines
    print(f"{model.n_iter_} epochs in {time.perf_counter() - began:.1f} s")

plt.figure(figsize=(6, 2.8), layout="constrained")
plt.plot(np.arange(1, model.n_iter_ + 1), model.history_["objective"])
plt.xlabel("epoch")
plt.ylabel("negative log-likelihood")
plt.show()

# %%
# Fans
# ----
# The distribution of the paths up to the end of the second day: their median, and the ranges that
# contain half of them and four fifths of them. The true values are black.

paths = model.sample(series, n_samples=200, start="2015-01-01")
quantiles = np.moveaxis(np.quantile(paths, LEVELS, axis=1), 0, 1)

figure, axes = plt.subplots(2, 2, figsize=(9, 5), layout="constrained")
for ax, number in zip(axes.ravel(), (10, 20, 40, 55), strict=True):
    known = series[number][-3 * 24 :]
    ForecastDisplay.from_samples(paths[number], history=known, truth=future[number], ax=ax)
    ax.set_title(f"series {number + 1}")
    if number > 10:
        ax.get_legend().remove()
plt.show()

# %%
# Evaluation
# ----------
# The weighted quantile loss evaluates the whole distribution of each hour, the scaled error its
# median. The baseline is the forecast that repeats the last day.

naive = np.array([known[-24:] for known in series])[:, np.arange(HORIZON) % 24]
print(f"{'':12}{'quantile loss':>15}{'scaled error':>14}")
repeated = np.stack([naive] * len(LEVELS), axis=1)
for name, forecast in (("network", quantiles), ("last day", repeated)):
    loss = weighted_quantile_loss(future, forecast, LEVELS)
    error = mean_absolute_scaled_error(future, forecast[:, 4], series, season=24)
    print(f"{name:12}{loss:15.4f}{error:14.3f}")
inside = (quantiles[:, 0] <= future) & (future <= quantiles[:, -1])
print(f"within the 80 % range: {inside.mean():.0%}")

# %%
# A sum of hours
# --------------
# A path is a whole future, so its sum is a possible sum. The range of the sum is much narrower than
# the sum of the hours' ranges, since errors of hours partly cancel.

daily = paths[:, :, :24].sum(axis=2)
low, high = np.quantile(daily, [0.1, 0.9], axis=1)
summed = (quantiles[:, -1] - quantiles[:, 0])[:, :24].sum(axis=1)
share = np.median((high - low) / summed)
print(f"80 % range of the first day's sum: {share:.0%} of the sum of the hours' ranges")

# %%
# New series
# ----------
# The first four series were held out: the same weights forecast them too, from their own past, and
# further ahead than was learned.

paths = model.sample(series[:NEW], horizon=72, start="2015-01-01")

figure, axes = plt.subplots(2, 2, figsize=(9, 5), layout="constrained")
for i, ax in enumerate(axes.ravel()):
    truth = np.pad(future[i], (0, 72 - HORIZON), constant_values=np.nan)  # no data for the last day
    known = series[i][-3 * 24 :]
    ForecastDisplay.from_samples(paths[i], history=known, truth=truth, ax=ax)
    ax.set_title(f"series {i + 1}")
    if i:
        ax.get_legend().remove()
plt.show()
