"""Fitting of DeepARForecaster, and its fitted state as plain attributes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float32Array, Float64Array
from algos._common.automatic import automatic, keep_automatic
from algos._common.base import is_same
from algos._common.callbacks import fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.memory import require_memory
from algos._common.params import check_params
from algos._common.random import seed_key
from algos._common.threads import effective_n_threads
from algos._common.verbose import say
from algos._common.warn import warn
from algos.deepar.encoding import fit_panel, panel_of, with_horizon
from algos.deepar.frequency import check_lags
from algos.deepar.model import Model
from algos.deepar.network import initial_weights
from algos.deepar.origin import first_value, origin_of
from algos.deepar.panel import Panel
from algos.deepar.parameters import Settings, checked_count, decay_of, settings_of
from algos.deepar.progress import EpochReporter
from algos.deepar.sampling import Forecaster
from algos.deepar.scales import warn_of_counts, warn_of_fractions
from algos.deepar.series import (
    has_dates_as_columns,
    kinds_of_columns,
    refuse_other_arguments,
)
from algos.deepar.training import TrainSettings, TrainState, train
from algos.deepar.training_batches import (
    PanelWork,
    held_back,
    held_out_check,
    steps_held_back,
    with_spread,
)

_MOST_VISITS = 120  # of a value, beyond which training is as likely to harm
_FEWEST_CONTINUED = 10  # series
_MANY_ROWS = 4  # as many series as steps suggest that rows are times

# Parameters that determine the network; it is useless with other values of them.
OF_THE_NETWORK = (
    "prediction_length",
    "context_length",
    "freq",
    "likelihood",
    "hidden_size",
    "n_layers",
    "lags",
    "embedding_dimension",
    "zoneout",
)


class Fitting:
    """Mixin of DeepARForecaster: fitting, and the state that it leaves."""

    prediction_length: int
    likelihood: str
    freq: Any
    lags: Any
    embedding_dimension: Any
    warm_start: bool
    random_state: Any
    n_jobs: int | None
    n_iter_: int
    best_iter_: int
    early_stopping_: bool
    history_: dict[str, NDArray[Any]]
    _key: NDArray[np.uint64]
    _model: dict[str, Any]
    _weights: Float32Array
    _progress: dict[str, Any]
    _panel: dict[str, Any]
    _float_name: str
    _made_with: dict[str, Any]

    def _fit(self, X: Any, covariates: Mapping[str, Any]) -> None:
        refuse_other_arguments(X, "fit")
        settings = settings_of(self)
        continues = bool(self.warm_start) and "_progress" in self.__dict__
        model, panel = self._read(X, covariates, settings, is_new=not continues)
        resumable = Resumable(self, _content_hash(panel))
        state = resumable.state or self._begun(model, settings, continues)
        self._set_model(X, model, panel, state["key"], is_new=not continues)

        def attributes(train_state: TrainState, history: dict[str, Any]) -> dict[str, Any]:
            left = {**state, "progress": dict(vars(train_state)), "history": history}
            return {
                **self._learned(model, train_state, history),
                "auto_params_": automatic(self, self._used(model, train_settings)),
                **resumable.unfinished(**left),
            }

        train_state = TrainState(**state["progress"])
        train_settings = _train_settings(settings, state["until"], panel, model.plan.origin)
        n_left = state["until"] - train_state.n_epochs
        with fit_tasks(self, n_left, X=X, metadata=_given(covariates)) as task:
            reporter = EpochReporter(
                self,
                task,
                attributes,
                range(train_state.n_epochs, state["until"]),
                state["history"],
            )
            train_state = self._trained(
                train_state, model, panel, settings, train_settings, reporter
            )
        self.__dict__.update(self._learned(model, train_state, reporter.history.arrays()))
        keep_automatic(self, self._used(model, train_settings))

    def _partial_fit(self, X: Any, covariates: Mapping[str, Any]) -> None:
        refuse_other_arguments(X, "partial_fit")
        settings = replace(settings_of(self), early_stopping=False)
        is_first = "_progress" not in self.__dict__
        model, panel = self._read(X, covariates, settings, is_new=is_first)
        state = self._begun(model, settings, not is_first, n_epochs=1)
        self._set_model(X, model, panel, state["key"], is_new=is_first)
        train_state = TrainState(**state["progress"])
        train_settings = replace(
            _train_settings(settings, state["until"], panel, model.plan.origin), schedule="constant"
        )

        def attributes(train_state: TrainState, history: dict[str, Any]) -> dict[str, Any]:
            return self._learned(model, train_state, history)

        with fit_tasks(self, 1, X=X, metadata=_given(covariates)) as task:
            epochs = range(train_state.n_epochs, state["until"])
            reporter = EpochReporter(self, task, attributes, epochs, state["history"])
            train_state = self._trained(
                train_state, model, panel, settings, train_settings, reporter
            )
        self.__dict__.update(self._learned(model, train_state, reporter.history.arrays()))

    def _used(self, model: Model, train_settings: TrainSettings) -> dict[str, Any]:
        """Return the values in use of the parameters that may be "auto"."""
        used = {
            "lags": model.plan.lags,
            "weight_decay": train_settings.weight_decay,
            "early_stopping": self.early_stopping_,
        }
        if len(self.cardinalities_):
            used["embedding_dimension"] = model.layout.embedding_dimensions
        return used

    def _trained(
        self,
        train_state: TrainState,
        model: Model,
        panel: Panel,
        settings: Settings,
        train_settings: TrainSettings,
        reporter: EpochReporter,
    ) -> TrainState:
        """Return the state after the remaining epochs."""
        places = panel.order_of_content()
        ordered = panel.take(places)
        n_threads = self._n_threads()
        check = None
        self.early_stopping_ = self._stops_early(panel, settings)
        if self.early_stopping_:
            n_steps = steps_held_back(ordered, settings.prediction_length)
            ordered, validation = held_back(ordered, n_steps)
            check = held_out_check(validation, model, settings, self._key, n_threads, n_steps)
        work = PanelWork(ordered, model, settings, self._key, n_threads, places)
        train_state = train(train_state, work, train_settings, check=check, watch=reporter)
        return train_state if check is None else with_spread(train_state, model, check)

    def _stops_early(self, panel: Panel, settings: Settings) -> bool:
        """Decide whether to hold steps back and stop early, and print the reason."""
        if settings.early_stopping is not None:
            return settings.early_stopping
        n_values = max(1, panel.n_values)
        steps = settings.max_iter * settings.n_batches * settings.batch_size * settings.n_steps
        stops = steps > _MOST_VISITS * n_values
        say(
            self,
            f"early_stopping {stops}: {settings.max_iter} epochs visit each of {n_values} values "
            f"{steps / n_values:.0f} times, {'above' if stops else 'up to'} {_MOST_VISITS}",
        )
        return stops

    def _read(
        self, X: Any, covariates: Mapping[str, Any], settings: Settings, *, is_new: bool
    ) -> tuple[Model, Panel]:
        """Return the model and the panel of series to learn from."""
        if not is_new:
            model = Model.from_plain(self._model)
            self._check_unchanged(model)
            return model, panel_of(model.encoding, X, horizon=None, **covariates)
        panel, encoding = fit_panel(X, likelihood=self.likelihood, freq=self.freq, **covariates)
        warn_of_counts(panel, self.likelihood)
        warn_of_fractions(panel, self.likelihood)
        lags = check_lags(self.lags, encoding.freq, settings.prediction_length, panel.furthest_lag)
        _warn_of_short_series(panel, lags, settings.prediction_length)
        if covariates["start"] is None and has_dates_as_columns(X):
            warn(
                "the columns of `X` are dates, which are not read, so there are no features of the "
                "calendar; write start=X.columns[0], and `freq`, to have them"
            )
        model = Model.of(encoding, settings, lags, self.embedding_dimension)
        origin, reason = origin_of(panel, model.plan)
        say(self, f"origin {origin}: {reason}")
        first = first_value(panel, model.plan) if origin else 0.0
        return model.beginning_at(origin, first), panel

    def _begun(
        self, model: Model, settings: Settings, continues: bool, n_epochs: int | None = None
    ) -> dict[str, Any]:
        """Return the state before the first epoch of a call."""
        n_epochs = settings.max_iter if n_epochs is None else n_epochs
        if continues:
            train_state, history = _restarted(TrainState(**self._progress)), self.history_
            key = self._key
        else:
            key, history = seed_key(self.random_state), {}
            train_state = TrainState.begin(initial_weights(model.layout, key))
        return {
            "key": key,
            "until": train_state.n_epochs + n_epochs,
            "progress": dict(vars(train_state)),
            "history": history,
        }

    def _set_model(
        self, X: Any, model: Model, panel: Panel, key: NDArray[np.uint64], *, is_new: bool
    ) -> None:
        self._key = key
        self._float_name = dtype_of(X).name
        self._model, self._panel = model.plain(), dict(vars(panel))
        if is_new:
            self._made_with = {name: getattr(self, name) for name in OF_THE_NETWORK}
        self.lags_, self.origin_ = model.plan.lags.copy(), model.plan.origin
        self.cardinalities_ = np.array(model.encoding.cardinalities, dtype=np.int64)
        self.n_parameters_ = int(model.layout.size)

    def _learned(
        self, model: Model, train_state: TrainState, history: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the attributes that training sets."""
        return {
            "_progress": dict(vars(train_state)),
            "_weights": model.with_unknown(model.weights(train_state.learned)),
            "n_iter_": train_state.n_epochs,
            "best_iter_": train_state.learned_epoch,
            "history_": history,
        }

    def _asked(
        self,
        X: Any,
        horizon: int | None,
        covariates: Mapping[str, Any],
        n_ahead: int | None = None,
    ) -> tuple[Forecaster, Panel, np.dtype[Any], int]:
        """Return the forecaster, the panel, the dtype of results and the number of steps.

        Parameters
        ----------
        X, horizon, covariates
            As the user gave them; X is None for the series of `fit`.
        n_ahead : int, default=None
            Number of steps after the series for which covariates are needed; None is the horizon.
        """
        check_is_fitted(self)
        check_params(self)  # parameters may have been set since the fit
        model = Model.from_plain(self._model)
        horizon = checked_count("horizon", horizon, model.plan.prediction_length)
        require_memory(
            4 * horizon * model.plan.n_inputs, f"a forecast of {horizon} steps", "lower `horizon`"
        )
        ahead = horizon if n_ahead is None else n_ahead
        if X is None:
            panel = _continued(model, Panel(**self._panel), ahead, covariates)
            dtype = np.dtype(self._float_name)
        else:
            panel = panel_of(model.encoding, X, horizon=ahead, **covariates)
            dtype = dtype_of(X)
        forecaster = Forecaster(
            model.plan, model.layout, self._weights, model.likelihood, self._made_with["zoneout"]
        )
        return forecaster, panel, dtype, horizon

    def _n_threads(self) -> int:
        return effective_n_threads(self.n_jobs)

    def _check_unchanged(self, model: Model) -> None:
        """Raise ValueError if a parameter that determines the network has changed.

        The value that "auto" or None stood for is accepted as well.
        """
        stood_for: dict[str, Any] = {
            "lags": model.plan.lags,
            "embedding_dimension": model.layout.embedding_dimensions,
            "context_length": model.plan.context_length,
        }
        for name, then in self._made_with.items():
            now = getattr(self, name)
            is_meant = name in stood_for and np.array_equal(now, stood_for[name])
            if not (is_meant or is_same(now, then)):
                raise ValueError(
                    f"`{name}`={now!r} must be {then!r}, as when the network was made; set it "
                    f"back, or call `fit` with warm_start=False to start again"
                )


def covariates_of(
    start: Any = None,
    static_categorical: Any = None,
    static_real: Any = None,
    dynamic_real: Any = None,
) -> dict[str, Any]:
    """Return covariates by their names in `fit`."""
    return {
        "start": start,
        "static_categorical": static_categorical,
        "static_real": static_real,
        "dynamic_real": dynamic_real,
    }


def dtype_of(X: Any) -> np.dtype[Any]:
    """Return the dtype of results: float32 if all of X is float32, else float64."""
    if hasattr(X, "dtype"):
        found = {str(X.dtype)}
    else:
        of_columns = kinds_of_columns(X)
        found = set(of_columns or [str(getattr(series, "dtype", None)) for series in X])
    is_single = found == {"float32"}
    return np.dtype(np.float32 if is_single else np.float64)


def _continued(model: Model, panel: Panel, n_ahead: int, covariates: Mapping[str, Any]) -> Panel:
    """Return the series of `fit` with covariates for the steps that follow them."""
    for name, value in covariates.items():
        if value is not None and name != "dynamic_real":
            raise ValueError(
                f"`{name}` must be None without `X`, since that of `fit` is used; leave it out, "
                f"or pass X too"
            )
    return with_horizon(model.encoding, panel, n_ahead, covariates["dynamic_real"])


def _restarted(train_state: TrainState) -> TrainState:
    """Return the state for a warm start: it continues from the weights that predict."""
    none = np.empty(0, dtype=np.float32)
    weights = np.array(train_state.learned)
    restarted = replace(train_state, weights=weights, average=weights.copy(), best=none)
    return replace(restarted, best_loss=np.inf, n_waited=0, n_falls=0)


def _warn_of_short_series(panel: Panel, lags: NDArray[np.int32], prediction_length: int) -> None:
    """Warn if no series is long enough for the horizon or for the lags."""
    longest = panel.longest
    if prediction_length > longest:
        is_turned = len(panel) > _MANY_ROWS * longest
        warn(
            f"`prediction_length`={prediction_length} should be at most the {longest} steps of the "
            f"longest series of `X`: later steps of a forecast cannot be learned; lower it, or "
            f"give longer series{' (rows are series: did you mean X.T?)' if is_turned else ''}"
        )
    elif lags[-1] >= longest:
        warn(
            f"`lags` of up to {lags[-1]} should be less than the {longest} steps of the longest "
            f"series of `X`: longer lags are always missing; leave them out"
        )


def _train_settings(settings: Settings, until: int, panel: Panel, origin: int) -> TrainSettings:
    return TrainSettings(
        max_iter=until,
        n_batches=settings.n_batches,
        learning_rate=settings.learning_rate_init,
        weight_decay=decay_of(settings, panel.n_values, origin),
        clip=settings.clip_gradient,
        tol=settings.tol,
        # At full rates weights move away from an origin, and return to it as the rates fall.
        n_iter_no_change=until if origin else settings.n_iter_no_change,
        # With few series small steps overfit both the training and the held-back steps.
        continues=bool(np.count_nonzero(panel.lengths) >= _FEWEST_CONTINUED),
    )


def _given(covariates: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in covariates.items() if value is not None}


def _content_hash(panel: Panel) -> Float64Array:
    """Return a hash of the panel's content, as one row of numbers."""
    digest = hashlib.blake2b(digest_size=32)
    for name, value in sorted(vars(panel).items()):
        array = np.ascontiguousarray(value)
        digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
        digest.update(array.tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8).astype(np.float64)[None]
