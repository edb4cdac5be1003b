"""The mixin of both estimators for `partial_fit` and `merge`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._common.automatic import keep_automatic
from algos._common.base import check_mergeable, is_same
from algos._common.random import Key, seed_key
from algos._common.threads import effective_n_threads
from algos._common.validation import drop_zero_weight
from algos._common.verbose import say
from algos.factorization_machine.automatic import in_units, values_of_stream
from algos.factorization_machine.learners import stochastic_settings
from algos.factorization_machine.links import link_of
from algos.factorization_machine.machine import Outcome, Problem
from algos.factorization_machine.rows import Columns, Rows, Table, training_table
from algos.factorization_machine.settings import ConfiguredMachine, quiet_where_far
from algos.factorization_machine.stream_record import StreamRecord, begin_record, is_of, with_entry
from algos.factorization_machine.stream_state import State, release, with_pending
from algos.factorization_machine.streaming import (
    Batch,
    averaged,
    begin_stream,
    columns_of_stream,
    is_finite,
    known_scale,
    learn_batch,
    machines_of_stream,
    require_finite_model,
    state_after,
    state_after_fit,
)
from algos.factorization_machine.targets import checked_weights


class IncrementalMachine(ConfiguredMachine):
    """Learning in batches and merging, for both estimators.

    The state is `_stream`; after a fit, the first batch creates it from `_after_fit`, or from the
    model. The model is computed from the state when an attribute of it is first read.
    """

    _key: Key
    _stream: State
    _after_fit: State | None
    _weight_seen: float
    _n_distinct_seen: int  # equal rows of a fit or a batch count once
    _weight_exponent: int = 0  # all weights are divided by 2 to this power
    _loss_of_fit: str
    _link: str
    solver_: str
    levels_: NDArray[Any]
    history_: dict[str, NDArray[Any]]
    _record: StreamRecord  # of the arrays in `history_`; neither copied nor pickled

    def __getstate__(self) -> dict[str, Any]:
        if "_stream" in self.__dict__:
            release(self._stream)
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_record"}

    def _begin_stream(self, outcome: Outcome, table: Table, n_rows: int, key: Key) -> None:
        """Keep what `partial_fit` and `merge` continue from."""
        self.n_samples_seen_, self._n_distinct_seen = n_rows, table.rows.n
        self._weight_seen = float(table.weight.sum())
        self._key = key
        # Over the columns that occurred; the first batch spreads it over all.
        self._after_fit = None if outcome.state is None else dict(outcome.state)
        for name in ("_stream", "_record"):
            self.__dict__.pop(name, None)

    def _partial_fit(self, X: Any, y: NDArray[Any], sample_weight: Any, *, first: bool) -> None:
        """Learn a batch of validated rows."""
        exponent = 0 if first else self._weight_exponent
        weight, exponent = checked_weights(sample_weight, X.shape[0], exponent)
        X, weight, y = drop_zero_weight(X, weight, y)
        unit_change = None
        if first:
            self._weight_exponent = exponent
            self._learn_target(y, weight)
            self._key = seed_key(self.random_state)
            self._weight_seen, self.n_samples_seen_, self._n_distinct_seen = 0.0, 0, 0
        else:
            self._require_same_parameters()
            self._weigh_over(exponent)
            unit_change = self._follow_target(y, weight)
        if "_stream" not in self.__dict__ and self.__dict__.get("_after_fit") is None:
            unit_change = None  # a state made from `coef_` and `factors_` has the new unit already
        problem = self._problem_of_batch(X, y, weight)
        columns, places = Columns(self.n_features_in_), problem.table.columns.places
        places = np.arange(columns.d) if places is None else places
        batch = Batch(problem, stochastic_settings(problem), places, unit_change)
        continues = "_stream" in self.__dict__
        with quiet_where_far(problem.settings, "adagrad"):
            stream = self._state_of_stream(problem, columns, first=first)
            loss, learned = learn_batch(stream, batch, self._key)
            new = state_after(stream, learned, batch)
        if not (is_finite(new) and (continues or is_finite(stream))):
            raise self._overflow_error(problem.settings, "adagrad")
        require_finite_model(new, self._unit)
        self._tell_batch(loss, continues=continues)
        if not continues:
            beginning = _without_rows(problem, columns) if first else None
            used = values_of_stream(problem, beginning)
            keep_automatic(self, in_units(used, self._unit.spread), tells=False)
        self._count_batch(problem, len(y))
        # Nothing may read the model before the learning call ends: reading it writes `new`'s
        # last batch into arrays that the old state shares.
        self._stream = new
        self._defer_model()

    def _problem_of_batch(self, X: Any, y: NDArray[Any], weight: Float64Array | None) -> Problem:
        target, n_threads = self._encoded(y), effective_n_threads(self.n_jobs)
        table = training_table(
            X, target, self._weighted(target, weight), scales=False, n_threads=n_threads
        )
        settings = self._settings(Columns(self.n_features_in_))
        of_loss = self._loss_name(), self._n_classes()
        return Problem(table, None, *of_loss, settings, self._key, n_threads=n_threads)

    def _count_batch(self, problem: Problem, n_rows: int) -> None:
        """Update the attributes that are not part of the state."""
        self._after_fit = None
        self._weight_seen += float(problem.table.weight.sum())
        self.n_samples_seen_ += n_rows
        self._n_distinct_seen += problem.table.rows.n
        self._frame_of_fit = asdict(Columns(self.n_features_in_))
        self._forget_draws()
        self._link = link_of("adagrad", problem.loss, problem.n_classes)
        self._loss_of_fit, self._fields = problem.loss, None

    def _forget_draws(self) -> None:
        """Drop the draws of a sampler, whose mean the model no longer is."""
        self._draws, self._means, self._is_sure = None, [], False
        self.__dict__.pop("hyper_", None)

    def _require_same_parameters(self) -> None:
        """Raise ValueError if parameters were changed in a way that the model cannot follow."""
        if "_stream" in self.__dict__:
            n_factors = self._stream["n_factors"]
        else:
            n_factors = self.factors_.shape[-1]
        learned = {"n_factors": n_factors, "loss": self._loss_of_fit}
        for name, value in learned.items():
            now = getattr(self, name)
            if now != value:
                raise ValueError(
                    f"`{name}`={now!r} must be {value!r}, as when the model was fitted; set it "
                    f"back, or call `fit` to start afresh"
                )

    def _state_of_stream(self, problem: Problem, columns: Columns, *, first: bool) -> State:
        if "_stream" in self.__dict__:
            return with_pending(self._stream)
        whole = _without_rows(problem, columns)
        if first:
            return begin_stream(whole, columns, None)
        if self._after_fit is not None:
            return state_after_fit(self._after_fit, self._columns(), whole)
        scale = self._known_scale()
        start = self._start(replace(columns, scale=np.where(scale == 0, 1.0, scale)))
        return begin_stream(whole, replace(columns, scale=scale), start)

    def _known_scale(self) -> Float64Array:
        """Return the scale that divides each column; 0 for columns without a value so far."""
        if "_stream" in self.__dict__:
            scale: Float64Array = with_pending(self._stream)["scale"]
            return scale
        return known_scale(self._columns())

    def _has_learned(self) -> bool:
        return "_key" in self.__dict__

    def _merge(self, other: Any) -> None:
        check_mergeable(self, other)
        mine, its = getattr(self, "levels_", None), getattr(other, "levels_", None)
        if not is_same(mine, its):
            raise ValueError(
                f"`levels_`={its!r} of the other {type(self).__name__} must be {mine!r}; fit both "
                f"on rows with all levels"
            )
        self._check_learned()  # then the other has too, having the same classes
        for one in (self, other):
            one._require_same_parameters()
        if self._link != other._link:
            raise ValueError(
                f"`solver_`={other.solver_!r} of the other {type(self).__name__} must be one whose "
                f"scores mean the same as those of {self.solver_!r} ({self._link}, not "
                f"{other._link}); fit both with the same `solver`"
            )
        self._weigh_over(max(self._weight_exponent, other._weight_exponent))
        weight = self._weight_of(other, other._weight_seen)
        share = weight / (self._weight_seen + weight)
        mine, its = _parameters_of(self), _parameters_of(other)
        scale, its_scale = self._known_scale(), other._known_scale()
        sizes = np.maximum(scale, its_scale)
        sizes[sizes == 0] = 1.0
        merged = [averaged(a, b, share, sizes) for a, b in zip(mine, its, strict=True)]
        is_one = len(merged) == 1
        intercepts, linear, factors = zip(*merged, strict=True)
        self.intercept_ = intercepts[0] if is_one else np.array(intercepts)
        self.coef_ = linear[0] if is_one else np.stack(linear)
        self.factors_ = factors[0] if is_one else np.stack(factors)
        scale = np.where(scale == 0, its_scale, scale)
        self._frame_of_fit = asdict(Columns(self.n_features_in_, None, scale))
        if self._cuts is not None:
            self._cuts = self._cuts.copy()
            self._cuts[1:-1] += share * (other._cuts[1:-1] - self._cuts[1:-1])
        self._forget_draws()
        self._after_fit = self._fields = None
        # Sums of squared gradients belong to other factors, and the history to one part's rows.
        for name in ("_stream", "_is_stale", "n_iter_", "objective_", "history_", "_record"):
            self.__dict__.pop(name, None)
        self._weight_seen += weight
        self.n_samples_seen_ += other.n_samples_seen_
        self._n_distinct_seen += other._n_distinct_seen

    def _weigh_over(self, exponent: int) -> None:
        """Divide all weights seen so far by 2**exponent, which is no less than before."""
        fall = self._weight_exponent - exponent
        if not fall:
            return
        self._weight_seen = float(np.ldexp(self._weight_seen, fall))
        if "_stream" in self.__dict__:
            weight = float(np.ldexp(self._stream["weight"], fall))
            self._stream = {**self._stream, "weight": weight}
        self._weight_exponent = exponent

    def _weight_of(self, other: IncrementalMachine, weight: float) -> float:
        """Return a weight seen by the other, divided by the power of two used here."""
        return float(np.ldexp(weight, other._weight_exponent - self._weight_exponent))

    def _tell_batch(self, loss: float, *, continues: bool) -> None:
        record = self.__dict__.get("_record")
        if not (continues and record is not None and is_of(record, self.history_)):
            record = begin_record(self.history_ if continues else None)
        self._record, self.history_ = with_entry(record, loss)
        self.n_iter_ = self._record["size"]
        self.objective_ = loss
        self.solver_ = "adagrad"
        say(self, f"batch {self.n_iter_}", loss=loss)

    def _make_model(self) -> None:
        stream = with_pending(self._stream)
        columns, machines = columns_of_stream(stream), machines_of_stream(stream)
        self.__dict__.update(self._attributes(machines, columns, self._unit, np.float32, "adagrad"))


def _without_rows(problem: Problem, columns: Columns) -> Problem:
    no_rows = Rows(np.zeros(1, np.int64), np.zeros(0, np.int32), None, columns.d)
    return replace(problem, table=replace(problem.table, rows=no_rows))


def learns_batches(estimator: Any) -> bool:
    """Tell whether the loss supports `partial_fit`; the error says why not."""
    loss = str(estimator.loss)
    if loss not in ("squared_error", "log_loss"):
        raise AttributeError(
            f"loss={loss!r} has no `partial_fit`, which needs loss='squared_error' or 'log_loss'; "
            f"call `fit` with all rows"
        )
    return True


def _parameters_of(estimator: Any) -> list[tuple[float, Any, Any]]:
    """Return (intercept, coefficients, factors) of each output, in the units of X and y."""
    factors = estimator.factors_
    factors = factors if factors.ndim == 3 else factors[np.newaxis]
    return list(
        zip(
            np.atleast_1d(estimator.intercept_).tolist(),
            np.atleast_2d(estimator.coef_),
            factors,
            strict=True,
        )
    )
