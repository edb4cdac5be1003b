"""Encoding of series and covariates as a panel, and what `fit` stores to repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, Int64Array
from algos._cython import deepar_panel
from algos.deepar.calendar import (
    calendar_table,
    check_steps,
    freq_of_panel,
    n_calendar_features,
    ordinals,
    read_start,
    repeated_features,
)
from algos.deepar.covariates import (
    Dynamic,
    center_and_spread,
    encode_categories,
    measure,
    names_of,
    parts_of,
    read_categories,
    read_dynamic,
    read_static_real,
    standardised,
    warn_of_categories,
)
from algos.deepar.frequency import Frequency
from algos.deepar.likelihoods import LIKELIHOODS
from algos.deepar.panel import Panel
from algos.deepar.scales import (
    medians_of_categories,
    scale_logs,
    typical_logs,
    units_and_scales,
)
from algos.deepar.series import Series, read_series
from algos.deepar.windows import Plan

_NAMES = ("start", "static_categorical", "static_real", "dynamic_real")


@dataclass(frozen=True)
class Given:
    """The checked arguments of a user; `units` are None without a start."""

    series: Series
    units: Int64Array | None
    categories: list[NDArray[Any]]
    static_real: Float64Array
    dynamic: Dynamic


@dataclass(frozen=True)
class Encoding:
    """Scales and covariates as learned by `fit`; plain: `Encoding(**vars(e))` equals e.

    Attributes
    ----------
    likelihood : str
    freq : str or None
        As "15min"; None is unknown.
    has_start : bool
        Whether there are features of the calendar.
    categories : list of ndarray
        The categories of each static categorical feature, ascending.
    static_center, static_spread : ndarray of shape (n_static_real,), dtype float64
    dynamic_center, dynamic_spread : ndarray of shape (n_dynamic,), dtype float64
    log_center, log_spread : float
        Center and spread of the logarithm of the scales of the series.
    typical : float
        The base-2 logarithm of the scale of a series about which nothing is known.
    typical_of : list of ndarray
        The same given a category of the series, feature by feature.
    is_repeated : ndarray of shape (n_calendar,), dtype bool
        Whether a feature of the calendar repeats in training; the others are set to 0.
    names : dict of str to list of str
        Names of the features of covariates that were given as frames.
    """

    likelihood: str
    freq: str | None
    has_start: bool
    categories: list[NDArray[Any]]
    static_center: Float64Array
    static_spread: Float64Array
    dynamic_center: Float64Array
    dynamic_spread: Float64Array
    log_center: float
    log_spread: float
    typical: float
    typical_of: list[Float64Array]
    is_repeated: NDArray[np.bool_]
    names: dict[str, list[str]] = field(default_factory=dict)

    @property
    def cardinalities(self) -> list[int]:
        """Number of categories of each static feature; also the code of unknown ones."""
        return [len(values) for values in self.categories]

    @property
    def is_scaled(self) -> bool:
        """Whether the likelihood is of values divided by their scale."""
        return LIKELIHOODS[self.likelihood].is_scaled

    def plan(self, context_length: int, prediction_length: int, lags: NDArray[np.int32]) -> Plan:
        """Return the plan of windows."""
        n_calendar = 0
        if self.has_start and self.freq is not None:
            n_calendar = n_calendar_features(Frequency.of(self.freq))
        return Plan(
            context_length,
            prediction_length,
            lags,
            n_calendar=n_calendar,
            n_dynamic=len(self.dynamic_center),
            n_static_real=len(self.static_center),
            n_categories=len(self.categories),
            is_scaled=self.is_scaled,
            log_center=self.log_center,
            log_spread=self.log_spread,
        )


def fit_panel(
    X: Any,
    *,
    likelihood: str,
    freq: Any = None,
    start: Any = None,
    static_categorical: Any = None,
    static_real: Any = None,
    dynamic_real: Any = None,
) -> tuple[Panel, Encoding]:
    """Return the panel of the arguments of `fit`, and the encoding to store."""
    if start is not None and freq is None:
        remedy = "write freq=panel.freq" if freq_of_panel(start) else "set freq='h', 'D', '15min' …"
        raise ValueError(
            f"`freq`=None must be the distance between two steps if `start` is given; {remedy}"
        )
    if freq is not None:
        Frequency.of(freq)
        freq = getattr(freq, "freqstr", freq)
    series = read_series(X, likelihood)
    given = _read(series, freq, start, static_categorical, static_real, dynamic_real, 0)
    known = [np.unique(column) for column in given.categories]
    codes = encode_categories(given.categories, known, len(series))
    # Values are sorted before they are summed: the same bits for any order of the series.
    logs = np.sort(scale_logs(series))
    logs = logs[np.isfinite(logs)]
    typical = float(np.median(logs)) if len(logs) else 0.0
    deviation = float(np.std(logs * np.log(2))) if len(logs) else 0.0
    static_center, static_spread = measure(np.sort(given.static_real, axis=0))
    dynamic_center, dynamic_spread = _measure_dynamic(given)
    encoding = Encoding(
        likelihood=likelihood,
        freq=freq,
        has_start=start is not None,
        categories=known,
        static_center=static_center,
        static_spread=static_spread,
        dynamic_center=dynamic_center,
        dynamic_spread=dynamic_spread,
        log_center=float(np.mean(logs * np.log(2))) if len(logs) else 0.0,
        log_spread=max(deviation, 1.0),
        typical=typical,
        typical_of=medians_of_categories(scale_logs(series), codes, known, typical),
        is_repeated=_repeated(given, freq),
        names=names_of(static_categorical, static_real, dynamic_real),
    )
    return _panel(given, encoding, codes, _reach(given)), encoding


def _repeated(given: Given, freq: str | None) -> NDArray[np.bool_]:
    if given.units is None or freq is None:
        return np.zeros(0, dtype=bool)
    return repeated_features(given.units, given.series.lengths, Frequency.of(freq))


def panel_of(
    encoding: Encoding,
    X: Any,
    *,
    horizon: int | None,
    start: Any = None,
    static_categorical: Any = None,
    static_real: Any = None,
    dynamic_real: Any = None,
) -> Panel:
    """Return the panel of other series, with covariates known for `horizon` more steps.

    If `horizon` is None they are used as far as they are given, as in training.

    Raises
    ------
    ValueError
        If the arguments are not of the same kind as in `fit`.
    """
    covariates = start, static_categorical, static_real, dynamic_real
    check_alike(encoding, covariates)
    _check_names(encoding, names_of(static_categorical, static_real, dynamic_real))
    series = read_series(X, encoding.likelihood, may_be_empty=horizon is not None)
    given = _read(series, encoding.freq, *covariates, horizon or 0)
    _check_widths(encoding, given)
    codes = encode_categories(given.categories, encoding.categories, len(series))
    warn_of_categories(given.categories, encoding.categories, codes)
    return _panel(given, encoding, codes, _reach(given) if horizon is None else horizon)


def with_horizon(encoding: Encoding, panel: Panel, horizon: int, dynamic_real: Any = None) -> Panel:
    """Return the panel with calendar and covariates known for `horizon` more steps.

    Parameters
    ----------
    encoding : Encoding
    panel : Panel
    horizon : int
    dynamic_real : array-like of shape (n_series, n_features, n_times), default=None
        Either of the `horizon` alone, or of all times of the series as they were given to `fit`
        and of the horizon.
    """
    if encoding.freq is not None and encoding.has_start:
        frequency = Frequency.of(encoding.freq)
        table, rows = calendar_table(panel.begins, panel.lengths + horizon, frequency)
        table[:, ~encoding.is_repeated] = 0
        panel = replace(panel, calendar=table, calendar_rows=rows)
    n_dynamic = len(encoding.dynamic_center)
    if n_dynamic == 0 and dynamic_real is not None:
        check_alike(encoding, (None, None, None, dynamic_real), ("dynamic_real",))
    if n_dynamic == 0 or (dynamic_real is None and panel.horizon >= horizon):
        return replace(panel, horizon=horizon)
    future = _future(encoding, panel, dynamic_real, horizon)
    return _with_future(panel, encoding, future, horizon)


def _future(encoding: Encoding, panel: Panel, dynamic_real: Any, horizon: int) -> Dynamic:
    """Return the covariates of the steps after the series' ends."""
    n, n_features = len(panel), len(encoding.dynamic_center)
    if dynamic_real is None:
        raise ValueError(
            f"`dynamic_real`=None must have the shape ({n}, {n_features}, {horizon}), since `fit` "
            f"was given only {panel.horizon} steps of the future; give these"
        )
    _check_names(encoding, names_of(dynamic_real=dynamic_real))
    parts = parts_of(dynamic_real) if np.iterable(dynamic_real) else []
    is_future = {np.shape(part)[-1] if np.ndim(part) == 2 else -1 for part in parts} == {horizon}
    ends = panel.delays + panel.lengths
    if is_future and len(parts) == 1 and np.any(ends != ends[0]):
        raise ValueError(
            f"`dynamic_real` of the {horizon} steps to come must be given for each series, in the "
            f"shape ({n}, {n_features}, {horizon}), since series end at different times; or give "
            f"all times of the series and these once, for all series"
        )
    given = np.zeros(n, dtype=np.int64) if is_future else ends
    none = np.zeros(n)
    series = Series(none, none.astype(np.int64), given, given, none, none.astype(np.int32))
    return read_dynamic(dynamic_real, series, horizon, n_features)


def _with_future(panel: Panel, encoding: Encoding, future: Dynamic, horizon: int) -> Panel:
    """Return the panel with the given covariates after the series' ends."""
    n_steps = panel.lengths + horizon
    rows = np.cumsum(n_steps) - n_steps
    both = np.empty((int(n_steps.sum()), future.n_features), dtype=np.float32)
    values = standardised(future.values, encoding.dynamic_center, encoding.dynamic_spread)
    deepar_panel.splice(
        panel.dynamic, panel.dynamic_rows, panel.lengths, values, future.rows, rows, both, horizon
    )
    return replace(panel, dynamic=both, dynamic_rows=rows, horizon=horizon)


def _read(
    series: Series,
    freq: str | None,
    start: Any,
    static_categorical: Any,
    static_real: Any,
    dynamic_real: Any,
    horizon: int,
) -> Given:
    n = len(series)
    units = None
    if start is not None and freq is not None:
        check_steps(start, freq)
        frequency = Frequency.of(freq)
        units = ordinals(read_start(start, n), frequency) + series.delays * frequency.n_units
    return Given(
        series,
        units,
        [] if static_categorical is None else read_categories(static_categorical, n),
        np.zeros((n, 0)) if static_real is None else read_static_real(static_real, n),
        Dynamic.none(n) if dynamic_real is None else read_dynamic(dynamic_real, series, horizon),
    )


def _reach(given: Given) -> int:
    """Return the number of steps after its end for which every series has all covariates."""
    if given.dynamic.n_features == 0:
        return 0
    return int((given.dynamic.n_known - given.series.lengths).min())


def check_alike(
    encoding: Encoding,
    given: tuple[Any, ...],
    names: tuple[str, ...] = _NAMES,
    remedy: str = "",
) -> None:
    """Raise ValueError if a covariate is missing, or was not given to `fit`.

    `remedy` is added to the message about a missing one; "{0}" in it becomes all covariates of
    `fit`, each as "start=True".
    """
    had = (
        encoding.has_start,
        bool(encoding.categories),
        len(encoding.static_center) > 0,
        len(encoding.dynamic_center) > 0,
    )
    all_had = ", ".join(f"{name}=True" for name, was in zip(_NAMES, had, strict=True) if was)
    for name, value, was_there in zip(_NAMES, given, had, strict=True):
        if name in names and (value is not None) != was_there:
            raise ValueError(
                f"`{name}` must be given for these series, as it was to `fit`"
                f"{remedy.format(all_had)}"
                if was_there
                else f"`{name}` must be None, as it was in `fit`; fit again with it"
            )


def _check_names(encoding: Encoding, names: dict[str, list[str]]) -> None:
    """Raise ValueError if features are not those of `fit`, in the same order."""
    for name, given in names.items():
        wanted = encoding.names.get(name, given)
        if given != wanted:
            raise ValueError(
                f"`{name}` must have the features {wanted}, as in `fit`, and has {given}"
            )


def _check_widths(encoding: Encoding, given: Given) -> None:
    for name, n_given, n_wanted in (
        ("static_categorical", len(given.categories), len(encoding.categories)),
        ("static_real", given.static_real.shape[1], len(encoding.static_center)),
        ("dynamic_real", given.dynamic.n_features, len(encoding.dynamic_center)),
    ):
        if n_given != n_wanted:
            raise ValueError(
                f"`{name}` must have {n_wanted} features, as in `fit`, and has {n_given}"
            )


def _measure_dynamic(given: Given) -> tuple[Float64Array, Float64Array]:
    """Return center and spread of the numbers over time."""
    dynamic, lengths = given.dynamic, given.series.lengths
    total, squares, peak = np.zeros((3, len(lengths), dynamic.n_features))
    sums, count = np.zeros(dynamic.n_features), float(lengths.sum())

    def add_up(center: Float64Array) -> None:
        deepar_panel.range_sums(dynamic.values, dynamic.rows, lengths, center, total, squares, peak)

    add_up(sums)
    sums = np.sort(total, axis=0).sum(axis=0)
    add_up(sums / max(count, 1))
    return center_and_spread(
        sums, np.sort(squares, axis=0).sum(axis=0), peak.max(axis=0, initial=0), count
    )


def _panel(
    given: Given,
    encoding: Encoding,
    codes: NDArray[np.int32],
    horizon: int,
) -> Panel:
    series, dynamic, n = given.series, given.dynamic, len(given.series)
    logs = typical_logs(codes, encoding.typical, encoding.typical_of)
    exponent, scale, typical = units_and_scales(series, logs, encoding.is_scaled)
    lengths = series.lengths
    offsets = np.cumsum(lengths) - lengths
    filled = np.empty(int(lengths.sum()), dtype=np.float32)
    observed = np.empty(len(filled), dtype=np.uint8)
    deepar_panel.fill(series.values, series.starts, offsets, lengths, exponent, filled, observed)
    calendar, calendar_rows = np.zeros((0, 0), dtype=np.float32), np.zeros(n, dtype=np.int64)
    if given.units is not None and encoding.freq is not None:
        frequency = Frequency.of(encoding.freq)
        calendar, calendar_rows = calendar_table(given.units, lengths + horizon, frequency)
        calendar[:, ~encoding.is_repeated] = 0
    panel = Panel(
        filled=filled,
        observed=observed,
        offsets=offsets,
        lengths=lengths,
        unit=np.ldexp(1.0, exponent),
        scale=scale,
        typical=typical,
        calendar=calendar,
        calendar_rows=calendar_rows,
        dynamic=standardised(dynamic.values, encoding.dynamic_center, encoding.dynamic_spread),
        dynamic_rows=dynamic.rows,
        categories=codes,
        static_real=standardised(given.static_real, encoding.static_center, encoding.static_spread),
        keys=np.zeros((n, 2), dtype=np.uint64),
        begins=np.zeros(n, dtype=np.int64) if given.units is None else given.units,
        delays=series.delays,
        horizon=horizon,
    )
    return panel.keyed()
