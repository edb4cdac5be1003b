"""Incremental learning of both linear learners: `partial_fit` and `merge`."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float64Array
from algos._common.automatic import keep_automatic
from algos._common.base import check_mergeable, is_same, learning
from algos._common.deferred import Deferred
from algos._common.params import check_params
from algos._common.random import seed_key
from algos._common.threads import effective_n_threads, one_thread_blas
from algos._common.unused import warn_of_unused
from algos.linear_learner.data import Data
from algos.linear_learner.extremes import noticing
from algos.linear_learner.model_selection import TENTH
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.report import tell_batch
from algos.linear_learner.squared_stream import SquaredStream
from algos.linear_learner.stream import Stream
from algos.linear_learner.stream_state import State, StreamSettings, stream_grid
from algos.linear_learner.unused import unused_of_losses

# Parameters that define the objective; a fitted model keeps the values that it was learned with.
_OF_THE_OBJECTIVE = (
    "loss",
    "alpha",
    "l1_ratio",
    "n_alphas",
    "fit_intercept",
    "standardize",
    "margin",
    "quantile",
    "epsilon",
    "delta",
    "power",
)

Self = TypeVar("Self", bound="Incremental")


class Incremental(Deferred):
    """Mixin of the linear learners: incremental learning.

    The state is `_stream`, the parts of a `Stream`, or of a `SquaredStream` for the squared
    loss, which is learned exactly. After a fit it is made from `_after_fit` when it is first
    needed. The model is computed from the state when an attribute is first read.
    """

    _follows_parameters: ClassVar[bool] = True
    _deferred: ClassVar[tuple[str, ...]] = (
        "coef_",
        "intercept_",
        "alpha_",
        "l1_ratio_",
        "objective_",
        "certificate_",
        "certificate_kind_",
        "n_iter_",
        "solver_",
        "candidates_",
        "candidate_coef_",
        "candidate_intercept_",
        "best_index_",
        "history_",
        "auto_params_",
        "threshold_",
        "_cut",
    )

    random_state: Any
    warm_start: bool
    alpha: Any
    l1_ratio: Any
    n_alphas: int
    fit_intercept: bool
    standardize: bool
    selection_criterion: str
    n_features_in_: int
    n_samples_seen_: int
    loss: str
    validation_fraction: Any
    n_jobs: int | None
    verbose: int
    coef_: Float64Array
    intercept_: Any
    alpha_: float
    l1_ratio_: float
    _objective: dict[str, Any]
    _weight_unit: int
    _stream: dict[str, Any]
    _after_fit: dict[str, Any]

    @learning
    def merge(self: Self, other: Any) -> Self:
        """Merge another estimator, which was fitted on other rows, into this one.

        With the squared loss the result is exactly that of learning all rows. With other losses
        coefficients are averaged, weighted by the rows that each estimator has seen.

        The candidates are those of this estimator: after `fit` only its `alpha_` and `l1_ratio_`;
        after `partial_fit` all of them, among which the best is chosen again. The candidates of
        the other estimator are matched by position, whatever their penalties.

        Parameters
        ----------
        other : estimator
            Estimator of the same class, fitted on the same columns (and classes) with the same
            parameters; it is not changed.

        Returns
        -------
        self : estimator
        """
        check_mergeable(self, other)
        self._check_learned_enough()  # holds for the other one too, which has the same classes
        self._check_objective()
        if self._weight_unit != other._weight_unit:
            raise ValueError(
                "`other` must have sample weights of a similar magnitude: one of the two "
                "estimators has learned from weights above 1e90 or below 1e-90; rescale these"
            )
        mine, its = self._state_so_far(), other._state_so_far()
        mine.check_criterion(self.selection_criterion)
        with one_thread_blas(), noticing() as noticed:
            joined = mine.joined(its, self._stream_settings(mine))
        if noticed:
            joined.check()
        self._continue(joined)
        self._take_counts(other)
        return self

    def _begin_objective(self) -> None:
        """Record the parameters of the objective with which learning begins."""
        names = [name for name in _OF_THE_OBJECTIVE if hasattr(self, name)]
        self._objective = {name: getattr(self, name) for name in names}

    def _check_objective(self) -> None:
        """Raise ValueError if parameters of the objective were changed since learning began."""
        for name, before in self._objective.items():
            now = getattr(self, name)
            if not is_same(now, before):
                raise ValueError(
                    f"`{name}`={_plain(now)!r} must be {_plain(before)!r}, with which this "
                    f"{type(self).__name__} has learned so far; set it back, or call fit"
                )

    def _learned(self, name: str) -> Any:
        """Return a parameter of the objective as it was when learning began."""
        return self.__dict__.get("_objective", {}).get(name, getattr(self, name))

    def _take_counts(self, other: Any) -> None:
        """Add the counts of another estimator."""
        self.n_samples_seen_ += other.n_samples_seen_

    def _learn_batch(self, data: Data) -> None:
        """Learn rows of positive weight."""
        if not self._has_learned():
            warn_of_unused(self, f"with loss={self.loss!r}", unused_of_losses(self.loss))
        with one_thread_blas(), noticing() as noticed:
            state = self._state_so_far() if self._has_learned() else self._empty_state(data)
            state.check_criterion(self.selection_criterion)
            settings = self._stream_settings(state)
            after = state.received(data, settings)
        if noticed:
            after.check()
        self.n_samples_seen_ = self.__dict__.get("n_samples_seen_", 0) + len(data)
        if self.verbose:
            loss = after.loss_of_batch(state, data, settings)
            tell_batch(self, self.n_samples_seen_, loss)
        self._continue(after)

    def _has_learned(self) -> bool:
        return "_stream" in self.__dict__ or "_after_fit" in self.__dict__

    def _forget(self) -> None:
        """Delete everything that was learned."""
        names = (
            "_stream", "_after_fit", "_is_stale", "_class_sums", "_all_classes",
            "n_samples_seen_",
        )  # fmt: skip
        for name in (*names, *self._deferred):
            self.__dict__.pop(name, None)

    def _continue(self, state: State) -> None:
        self._stream = state.parts()
        self.__dict__.pop("_after_fit", None)
        self._defer_model()

    def _kind_of_state(self) -> type[State]:
        return SquaredStream if self._loss().name == "squared_error" else Stream

    def _empty_state(self, data: Data) -> State:
        grid = stream_grid(self._settings(), data)
        kind = self._kind_of_state()
        return kind.empty(seed_key(self.random_state), data.X.shape[1], grid, self._n_outputs())

    def _state_so_far(self) -> State:
        """Return the state of a stream, or the state after a fit."""
        check_is_fitted(self, "n_samples_seen_")
        kind = self._kind_of_state()
        parts = self.__dict__.get("_stream")
        if parts is None:
            return kind.after_fit(self._after_fit, *self._fitted_model())
        return kind.restored(parts)

    def _fitted_model(self) -> tuple[Float64Array, Float64Array, PenaltyParams]:
        params = PenaltyParams(float(self.alpha_), float(self.l1_ratio_))
        return np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_), params

    def _stream_settings(self, state: State) -> StreamSettings:
        fraction = TENTH if self.validation_fraction == "auto" else self.validation_fraction
        return StreamSettings(
            loss=self._loss(),
            grid=state.grid,
            fit_intercept=self._learned("fit_intercept"),
            standardize=self._learned("standardize"),
            schedule=self._schedule(),
            n_outputs=self._n_outputs(),
            n_threads=effective_n_threads(self.n_jobs),
            keeps_decisions=self.selection_criterion != "loss",
            validation_fraction=fraction,
        )

    def _make_model(self) -> None:
        check_params(self)
        state = self._state_so_far()
        settings = self._stream_settings(state)
        with one_thread_blas(), noticing():  # coefficients stay finite whatever overflows
            result = state.result(settings, self._criterion(), self._top_k())
        self._set_model(result)
        used = self._used(result.choice.name)
        used.pop("batch_size", None)  # it grows in a stream
        keep_automatic(self, used, tells=False)


def _plain(value: Any) -> Any:
    """Return a parameter for messages: numpy numbers and arrays as Python's."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
