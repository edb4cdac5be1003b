"""The naive forecasts: the season before once more, or the last value."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from benchmarks.forecasts import QUANTILES
from benchmarks.peers.forecasters import PointOrLaw


class Adapter(PointOrLaw):
    """What came a season before comes again, give or take what such forecasts have missed.

    Errors of k seasons ahead are taken for sums of k independent ones, and Gaussian. The variants
    are "point", which tells one number for all quantiles, and "last", whose season is one step.
    """

    seeded = False

    def __init__(self, variant: str = "") -> None:
        self.variant = variant
        self.title = {
            "": "seasonal naive",
            "point": "seasonal naive, a point",
            "last": "last value",
        }[variant]

    def version(self) -> str:
        return np.__version__

    def forecast(self, panel, seed, n_jobs, **settings):
        season = 1 if self.variant == "last" else panel.season
        ahead = np.arange(panel.horizon)
        found = np.empty((len(panel.X), len(QUANTILES), panel.horizon))
        for told, row in zip(found, panel.X, strict=True):
            series = filled(row)
            period = min(season, len(series) - 1)
            errors = series[period:] - series[:-period]
            center = series[len(series) - period + ahead % period]
            width = np.sqrt(np.mean(errors**2) * (1 + ahead // period))
            told[:] = center + ndtri(QUANTILES)[:, None] * width * (self.variant != "point")
        return found


def filled(row):
    """Return a series up to its last value, with gaps filled by the value before."""
    known = np.flatnonzero(np.isfinite(row))
    last = np.searchsorted(known, np.arange(known[0], known[-1] + 1), side="right") - 1
    return row[known[last]]
