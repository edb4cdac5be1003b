"""The rows of forecasts: how long learning and sampling take, and how good forecasts are."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import ndtri

from benchmarks import forecasts
from benchmarks.cases import forecast_data
from benchmarks.workload import Workload


def of_epochs(outcome, arrays):
    return {"ms a step": 1e3 * outcome["seconds"] / outcome["steps"]}


def of_paths(outcome, arrays):
    """How many values are drawn a second, by the wall's clock."""
    return {"M draws/s": np.prod(outcome["shape"]) / outcome["seconds"] / 1e6}


def of_process(outcome, arrays):
    names = {"import": "import s", "fit": "fit s", "draw": "draw s", "peak": "process MB"}
    return {title: outcome[name] for name, title in names.items()}


def of_value(outcome, arrays):
    """Means over seeds, and where the law is known, the loss of its own quantiles."""
    X, truth, season = (arrays[name] for name in ("X", "truth", "season"))
    X = np.tile(X, (len(truth) // len(X), 1))  # of all windows
    found = [forecasts.judged(X, truth, one, season) for one in outcome["quantiles"]]
    measured = forecasts.over_seeds(found)
    if "mean" in arrays:
        spread = ndtri(forecasts.QUANTILES)[:, None] * arrays["deviation"][:, None]
        best = forecasts.weighted_quantile_loss(truth, arrays["mean"][:, None] + spread)
        measured["wQL / law's"] = measured["wQL"] / best
    return measured | {"CPU s a fit": outcome["seconds"]}


M4 = "M4 Hourly, 414 series of 700 to 960 hours"
NETWORK = "two layers of 40 cells, 96 steps"

EPOCHS = [
    Workload(
        "epochs",
        f"{M4}, {NETWORK}: five epochs of 50 batches of 32 windows",
        "forecast_epochs",
        forecast_data.hours,
        of_epochs,
        {"n_epochs": 5},
        repeat=3,
        memory=False,
        user=True,
    ),
    Workload(
        "short-epochs",
        "speed at 207 places every 5 minutes, two layers of 40 cells, 48 steps: five epochs of 50 "
        "batches of 32 windows",
        "forecast_epochs",
        partial(forecast_data.panel, name="los-speed"),
        of_epochs,
        {"n_epochs": 5},
        repeat=3,
        memory=False,
        quick=False,
    ),
]

PATHS = [
    Workload(
        name,
        f"{M4}: {n_samples} sample paths of 48 hours for each",
        "forecast_paths",
        forecast_data.hours,
        of_paths,
        {"n_samples": n_samples},
        repeat=3 if n_samples == 100 else 1,
        memory=False,
        user=n_samples == 100,
        quick=n_samples == 100,
    )
    for name, n_samples in (("paths", 100), ("more-paths", 1000))
]

PROCESS = Workload(
    "process",
    f"{M4}: a fresh process that imports, learns two epochs and draws 100 paths",
    "forecast_process",
    forecast_data.hours,
    of_process,
    repeat=1,
    memory=False,
    quick=False,
)

VALUES = [
    Workload(
        f"value-{name}",
        f"{words}: defaults, up to five seeds",
        "forecast_value",
        partial(forecast_data.panel, name=name),
        of_value,
        {"n_seeds": 5, "seconds": 400.0},
        repeat=1,
        memory=False,
        quick=name == "planted",
    )
    for name, words in (
        ("m4-hourly", f"{M4}, 48 ahead"),
        ("los-speed", "speed at 207 places of Los Angeles, 1992 × 5 minutes, 24 ahead"),
        ("exchange-rate", "eight exchange rates, 7558 days, 30 ahead"),
        ("m3-monthly", "M3, 1428 monthly series, 18 ahead"),
        ("m3-quarterly", "M3, 756 quarterly series, 8 ahead"),
        ("tourism", "trips in Australia, 304 × 72 quarters with three categories, 8 ahead"),
        ("prices", "electricity's price in four markets, 1656 hours with two covariates, 24 ahead"),
        ("sales", "sales of eight foods, 1941 days with five covariates, 28 ahead, counts"),
        ("planted", "generated, 200 × 700 hours with gaps and a category, 24 ahead"),
    )
]

WINDOWS = [
    Workload(
        f"windows-{name}",
        f"{words}: learned once with defaults, up to five seeds",
        "forecast_value",
        partial(forecast_data.windows, name=name, n_windows=n_windows),
        of_value,
        {"n_seeds": 5, "seconds": 400.0},
        repeat=1,
        memory=False,
        quick=False,
    )
    for name, n_windows, words in (
        ("exchange-rate", 10, "eight exchange rates, 7288 days, ten times the next 30"),
        ("prices", 7, "electricity's price in four markets, seven days one after the other"),
        ("los-speed", 12, "speed at 207 places of Los Angeles, a day in twelve times two hours"),
    )
]

WORKLOADS = [*EPOCHS, *PATHS, PROCESS, *VALUES, *WINDOWS]
