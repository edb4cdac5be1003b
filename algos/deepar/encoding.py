"""From what a user gives to a panel, and what a fit keeps to do so again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos.deepar.panel import Panel
from algos.deepar.windows import Plan

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Encoding:
    """What a fit learnt of scales and covariates: plain, so that `Encoding(**vars(e))` is it.

    Attributes
    ----------
    likelihood : str
    freq : str or None
        As "15min"; None is unknown.
    has_calendar : bool
        Whether the series have a start.
    categories : list of ndarray
        The values of each static categorical feature, ascending.
    static_center, static_spread : ndarray of shape (n_static_real,), dtype float64
    dynamic_center, dynamic_spread : ndarray of shape (n_dynamic,), dtype float64
    log_center, log_spread : float
        Of the logarithm of the scales of the series.
    typical_scale : float
        Of a series of which nothing is known.
    """

    likelihood: str
    freq: str | None
    has_calendar: bool
    categories: list[NDArray[Any]]
    static_center: Doubles
    static_spread: Doubles
    dynamic_center: Doubles
    dynamic_spread: Doubles
    log_center: float
    log_spread: float
    typical_scale: float

    @property
    def cardinalities(self) -> list[int]:
        """How many values each static categorical feature has; the code of an unknown one."""
        return [len(values) for values in self.categories]

    def plan(self, context_length: int, prediction_length: int, lags: NDArray[np.int32]) -> Plan:
        """Return what a window is made of."""
        raise NotImplementedError


def fit_panel(
    X: Any,
    *,
    likelihood: str,
    freq: str | None = None,
    start: Any = None,
    static_categorical: Any = None,
    static_real: Any = None,
    dynamic_real: Any = None,
) -> tuple[Panel, Encoding]:
    """Return the panel of what `fit` was given, and what is to be kept of it."""
    raise NotImplementedError


def panel_of(
    encoding: Encoding,
    X: Any,
    *,
    horizon: int,
    start: Any = None,
    static_categorical: Any = None,
    static_real: Any = None,
    dynamic_real: Any = None,
) -> Panel:
    """Return the panel of other series, with covariates known for `horizon` more steps."""
    raise NotImplementedError
