"""The parameters of DeepARForecaster: their constraints, and the resolved settings."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from algos._common.params import (
    N_JOBS,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INT,
    VERBOSE,
    ArrayLike as IsArrayLike,
    Boolean,
    Constraint,
    Interval,
    InvalidParameterError,
    Options,
    RandomState,
)
from algos._cython.deepar_network import MOST_LAYERS
from algos.deepar.likelihoods import LIKELIHOODS

WINDOW_SAMPLING = ("scale", "uniform")

# Chosen on held-back steps of panels of 7 000 to 400 000 values.
_LEAST_DECAY, _MOST_DECAY, _DECAYED = 0.1, 1.0, 20_000

_RATE = Interval(Real, 0, 1, closed="left")


class _Spacing:
    """Constraint of a distance between steps."""

    def accepts(self, value: Any) -> bool:
        return isinstance(getattr(value, "freqstr", value), str)

    def __str__(self) -> str:
        return "a str or a pandas offset"


PARAMETERS: dict[str, list[Constraint | None]] = {
    "prediction_length": [POSITIVE_INT],
    "context_length": [POSITIVE_INT, None],
    "context_weight": [Interval(Real, 0, 1, closed="both")],
    "freq": [_Spacing(), None],
    "likelihood": [
        Options(
            *LIKELIHOODS,
            aliases={
                "student-t": "student_t",
                "studentt": "student_t",
                "normal": "gaussian",
                "negative-binomial": "negative_binomial",
                "negbin": "negative_binomial",
                "deterministic-l1": "deterministic_l1",
            },
        )
    ],
    "hidden_size": [POSITIVE_INT],
    "n_layers": [Interval(Integral, 1, MOST_LAYERS, closed="both")],
    "dropout": [_RATE],
    "zoneout": [_RATE],
    "lags": [Options("auto"), IsArrayLike()],
    "embedding_dimension": [Options("auto"), POSITIVE_INT, IsArrayLike()],
    "window_sampling": [Options(*WINDOW_SAMPLING)],
    "max_iter": [POSITIVE_INT],
    "n_batches": [POSITIVE_INT],
    "batch_size": [POSITIVE_INT],
    "learning_rate_init": [POSITIVE],
    "weight_decay": [Options("auto"), NON_NEGATIVE],
    "clip_gradient": [POSITIVE, None],
    "early_stopping": [Options("auto"), Boolean()],
    "n_iter_no_change": [POSITIVE_INT],
    "tol": [NON_NEGATIVE],
    "n_samples": [POSITIVE_INT],
    "quantiles": [IsArrayLike()],
    "warm_start": [Boolean()],
    "n_jobs": N_JOBS,
    "random_state": [RandomState()],
    "verbose": VERBOSE,
}


@dataclass(frozen=True)
class Settings:
    """The parameters, resolved.

    Attributes
    ----------
    prediction_length, context_length : int
        Steps of a window: `context_length` before the forecast begins, then the others.
    likelihood : int
        The code of the likelihood.
    weight_decay : float or None
        None depends on the panel: see `decay_of`.
    clip_gradient : float
        Infinity for no clipping.
    quantiles : tuple of float
        Levels of the validation loss, and of `predict_quantiles`.
    """

    prediction_length: int
    context_length: int
    context_weight: float
    likelihood: int
    hidden_size: int
    n_layers: int
    dropout: float
    zoneout: float
    window_sampling: str
    max_iter: int
    n_batches: int
    batch_size: int
    learning_rate_init: float
    weight_decay: float | None
    clip_gradient: float
    early_stopping: bool | None  # None: only if series are few or short
    n_iter_no_change: int
    tol: float
    n_samples: int
    quantiles: tuple[float, ...]

    @property
    def n_steps(self) -> int:
        """Steps of a window."""
        return self.context_length + self.prediction_length


def settings_of(estimator: Any) -> Settings:
    """Return the settings of an estimator, whose parameters are checked."""
    context, clip = estimator.context_length, estimator.clip_gradient
    early, decay = estimator.early_stopping, estimator.weight_decay
    return Settings(
        prediction_length=int(estimator.prediction_length),
        context_length=int(estimator.prediction_length if context is None else context),
        context_weight=float(estimator.context_weight),
        likelihood=LIKELIHOODS[estimator.likelihood].code,
        hidden_size=int(estimator.hidden_size),
        n_layers=int(estimator.n_layers),
        dropout=float(estimator.dropout),
        zoneout=float(estimator.zoneout),
        window_sampling=str(estimator.window_sampling),
        max_iter=int(estimator.max_iter),
        n_batches=int(estimator.n_batches),
        batch_size=int(estimator.batch_size),
        learning_rate_init=float(estimator.learning_rate_init),
        weight_decay=None if isinstance(decay, str) else float(decay),
        clip_gradient=np.inf if clip is None else float(clip),
        early_stopping=None if early == "auto" else bool(early),
        n_iter_no_change=int(estimator.n_iter_no_change),
        tol=float(estimator.tol),
        n_samples=int(estimator.n_samples),
        quantiles=checked_quantiles(estimator.quantiles),
    )


def decay_of(settings: Settings, n_values: int, origin: int) -> float:
    """Return the weight decay for a number of observed values.

    By default it is larger for fewer values, and largest with an origin to shrink to.
    """
    if settings.weight_decay is not None:
        return settings.weight_decay
    if origin:
        return _MOST_DECAY
    return min(_MOST_DECAY, max(_LEAST_DECAY, _DECAYED / max(n_values, 1)))


def checked_quantiles(quantiles: Any) -> tuple[float, ...]:
    """Return levels of quantiles as floats; raise unless they are in (0, 1)."""
    levels = np.atleast_1d(np.asarray(quantiles))
    is_number = levels.dtype.kind in "fiu" and levels.ndim == 1 and levels.size > 0
    if not is_number or not np.all((levels > 0) & (levels < 1)):
        raise InvalidParameterError(
            f"`quantiles`={quantiles!r} must be floats in (0, 1); write quantiles=(0.1, 0.5, 0.9)"
        )
    return tuple(float(level) for level in levels)


def checked_count(name: str, value: Any, default: int) -> int:
    """Return a positive int argument, or the default for None."""
    if value is None:
        return default
    if not isinstance(value, Integral) or isinstance(value, (bool, np.bool_)) or value < 1:
        raise InvalidParameterError(
            f"`{name}`={value!r} must be an int in [1, inf) or None; write {name}={default}"
        )
    return int(value)
