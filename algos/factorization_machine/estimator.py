"""What both factorization machines share: checks, and the way from data to model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_consistent_length

from algos._common.base import check_mergeable, is_same
from algos._common.callbacks import Task, fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.history import History
from algos._common.random import Key, seed_key
from algos._common.split import validation_split
from algos._common.targets import require_target
from algos._common.threads import effective_n_threads
from algos._common.validation import (
    check_held_out,
    check_sample_weight,
    drop_zero_weight,
    said_of_validation,
)
from algos._common.verbose import say
from algos._common.warn import warn
from algos.factorization_machine.choice import choose_solver, ignored, stops_early
from algos.factorization_machine.fields import find_fields
from algos.factorization_machine.following import Turn
from algos.factorization_machine.incremental import (
    State,
    averaged,
    begin_stream,
    columns_of_stream,
    known_scale,
    learn_batch,
    machines_of_stream,
    state_after_fit,
    write_back,
)
from algos.factorization_machine.learners import (
    LEARNERS,
    learned_nothing,
    stochastic_settings,
    tells_nothing,
)
from algos.factorization_machine.links import link_of
from algos.factorization_machine.machine import (
    Machine,
    Outcome,
    Problem,
    Settings,
    require_room,
)
from algos.factorization_machine.model import FittedMachine
from algos.factorization_machine.rows import Columns, Rows, Table, training_table
from algos.factorization_machine.targets import Doubles

_MIX = np.uint64(0xBF58476D1CE4E5B9)


class FactorizationMachine(FittedMachine):
    """Base of both kinds: one model, three ways to learn it."""

    solver: str
    max_iter: Any
    tol: float
    burn_in: Any
    n_draws: int
    feature_groups: Any
    alpha: Any
    alpha_linear: Any
    alpha_intercept: float
    learning_rate_init: Any
    learning_rate_linear: Any
    learning_rate_intercept: Any
    batch_size: Any
    clip_gradient: float | None
    epsilon: Any
    init: str
    init_scale: Any
    init_linear: str
    init_linear_scale: float
    init_intercept: float | None
    early_stopping: Any
    validation_fraction: float
    n_iter_no_change: int
    warm_start: bool
    random_state: Any
    verbose: int

    _key: Key
    _link: str
    _stream: State
    _after_fit: State | None
    _weight_seen: float
    _loss_of_fit: str
    solver_: str
    levels_: NDArray[Any]
    history_: dict[str, NDArray[Any]]

    # What the two kinds answer for themselves.

    @abstractmethod
    def _learn_target(self, y: NDArray[Any], weight: Doubles | None) -> None:
        """Learn classes, levels or the unit of numbers."""

    @abstractmethod
    def _encoded(self, y: NDArray[Any], name: str = "y") -> Doubles:
        """Return y as solvers take it."""

    @abstractmethod
    def _checked_target(self, y: Any, name: str = "y") -> NDArray[Any]:
        """Return y as a checked column."""

    def _follow_target(self, y: NDArray[Any], weight: Doubles | None) -> Turn | None:
        """Have the unit of numbers follow a batch; return how a learner comes into it."""
        return None

    @abstractmethod
    def _loss_name(self) -> str:
        """Return the loss of the solvers."""

    @abstractmethod
    def _n_classes(self) -> int:
        """Return the number of classes or levels, 0 for numbers."""

    def _weighted(self, target: Doubles, weight: Doubles | None) -> Doubles | None:
        """Return weights with those of the classes."""
        return weight

    # Fitting.

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        held_out: tuple[Any, Any, Any],
        groups: Any = None,
    ) -> None:
        rows = self._validated_rows(X, reset=True)
        require_target(self, rows, y)
        if groups is not None:
            check_consistent_length(rows, groups)
        column = self._checked_target(y)
        weight = check_sample_weight(sample_weight, rows.shape[0])
        kept, own_weight, column, groups = drop_zero_weight(rows, weight, column, groups)
        self._learn_target(column, own_weight)
        validation = self._explicit_validation(*held_out)
        resumable = Resumable(self, rows, y, sample_weight, held_out=validation)
        state = resumable.state or {"key": seed_key(self.random_state), "n_told": 0}
        target = self._encoded(column)
        table = training_table(
            kept,
            target,
            self._weighted(target, own_weight),
            groups=None if groups is None else np.unique(groups, return_inverse=True)[1],
            n_threads=effective_n_threads(self.n_jobs),
        )
        solver, reason = choose_solver(self, table, self._loss_name(), self._n_classes())
        say(self, f"solver {solver}: {reason}")
        for name in ignored(self, solver) if self.verbose else ():
            say(self, f"solver {solver} does not use `{name}`")
        problem = self._problem(table, validation, solver, state["key"], kept.dtype)
        require_room(table.rows.n_columns, self.n_factors, problem.n_outputs)
        start = {
            "solver_": solver,
            "_fields": problem.fields,
            "_loss_of_fit": self._loss_name(),
            "_frame_of_fit": asdict(table.columns),
            "_link": link_of(
                solver if table.rows.stored else "adagrad", self._loss_name(), self._n_classes()
            ),
        }
        self.__dict__.pop("_is_stale", None)

        def attributes(machines: list[Machine], n_told: int) -> dict[str, Any]:
            unfinished = resumable.unfinished(key=state["key"], n_told=n_told)
            model = self._attributes(machines, table.columns, self._unit, kept.dtype, solver)
            return {**start, **model, "n_iter_": n_told, **unfinished}

        with fit_tasks(self, None, X=kept, y=column) as task:
            told = Told(self, task, attributes, state["n_told"])
            learn = learned_nothing if tells_nothing(problem) else LEARNERS[solver]
            outcome = learn(problem, told)
            told.tell_last(outcome.machines)
        self.__dict__.update(start)
        self._set_outcome(outcome, table.columns, kept.dtype)
        self._begin_stream(outcome, table, state["key"])
        if outcome.fall > 0 and self.tol > 0 and not told.is_stopped:
            self._warn_of(outcome)

    def _warn_of(self, outcome: Outcome) -> None:
        """Warn of a loss that would have fallen on."""
        warn(
            f"{type(self).__name__} stopped after {outcome.n_iter} iterations of solver "
            f"{self.solver_!r}, when one still lowered the loss by {outcome.fall:.3g} of it, above "
            f"tol={self.tol!r}; raise `max_iter` or `tol`, or write tol=0 to make just so many",
            ConvergenceWarning,
        )

    def _problem(self, table: Table, validation: Any, solver: str, key: Key, dtype: Any) -> Problem:
        held_out = whole = None
        fields = find_fields(table.rows)
        if validation is not None:
            held_out = self._validation_table(validation, table.columns)
        elif stops_early(self.early_stopping, solver, table):
            whole = table
            table, held_out = self._split(table, key)
        loss = self._loss_name()
        return Problem(
            table,
            held_out,
            loss,
            self._n_classes(),
            self._settings(table.columns),
            key,
            self._start(table.columns) if self.warm_start else None,
            dtype,
            effective_n_threads(self.n_jobs),
            self._item_columns(table.columns),
            getattr(self, "class_weight", None) is not None and not table.has_whole_weights,
            whole,
            fields,
        )

    def _item_columns(self, columns: Columns) -> NDArray[np.bool_] | None:
        """Return which columns describe an item, if any were named."""
        return None

    def _split(self, table: Table, key: Key) -> tuple[Table, Table]:
        """Return rows to train on and rows to stop by, chosen by their content."""
        keys = (table.keys ^ key[0]) * _MIX
        keys = (keys ^ (keys >> np.uint64(31)) ^ key[1]) * _MIX
        classes = table.target if self._n_classes() else None
        train, validate = validation_split(
            keys ^ (keys >> np.uint64(29)),
            self.validation_fraction,
            classes=classes,
            weight=table.weight,
        )
        return table.take(train), table.take(validate)

    def _explicit_validation(
        self, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> tuple[Any, Any, Any] | None:
        if not check_held_out(X_val, y_val, sample_weight_val):
            return None
        with said_of_validation():
            rows = self._validated_rows(X_val, reset=False)
            require_target(self, rows, y_val)
            return rows, self._checked_target(y_val, "y_val"), sample_weight_val

    def _validation_table(self, validation: tuple[Any, Any, Any], columns: Columns) -> Table:
        X, y, sample_weight = validation
        with said_of_validation():
            weight = check_sample_weight(sample_weight, X.shape[0])
        X, weight, y = drop_zero_weight(X, weight, y)
        target = self._encoded(y, "y_val")
        weight = self._weighted(target, weight)
        return Table(
            columns.rows(X),
            target,
            np.ones(X.shape[0]) if weight is None else weight,
            np.zeros(X.shape[0], dtype=np.uint64),
            columns,
        )

    def _settings(self, columns: Columns) -> Settings:
        def given(value: Any, factor: float = 1.0) -> Any:
            return None if isinstance(value, str) else value * factor

        spread = self._unit.spread
        groups = self.feature_groups
        if not (groups is None or isinstance(groups, str)):
            groups = columns.gathered(self._checked_groups(groups))
        return Settings(
            n_factors=self.n_factors,
            max_iter=given(self.max_iter, 1),
            tol=self.tol,
            burn_in=given(self.burn_in, 1),
            n_draws=self.n_draws,
            feature_groups=groups,
            # The factors' square has the targets' unit.
            alpha=given(self.alpha, 1 / spread),
            alpha_linear=given(self.alpha_linear),
            alpha_intercept=self.alpha_intercept,
            learning_rate=given(self.learning_rate_init),
            learning_rate_linear=given(self.learning_rate_linear),
            learning_rate_intercept=given(self.learning_rate_intercept),
            batch_size=given(self.batch_size, 1),
            clip_gradient=self.clip_gradient,
            epsilon=given(self.epsilon),
            init=self.init,
            init_scale=given(self.init_scale, 1 / np.sqrt(spread)),
            init_linear=self.init_linear,
            init_linear_scale=self.init_linear_scale / spread,
            init_intercept=self._initial_intercept(),
            n_iter_no_change=self.n_iter_no_change,
        )

    def _initial_intercept(self) -> float | None:
        if self.init_intercept is None:
            return None
        return float((self.init_intercept - self._unit.centre) / self._unit.spread)

    def _checked_groups(self, groups: Any) -> NDArray[Any]:
        labels = np.asarray(groups)
        if labels.shape != (self.n_features_in_,):
            raise ValueError(
                f"`feature_groups` of shape {labels.shape} must be of shape "
                f"({self.n_features_in_},), one label for each column; or write 'auto'"
            )
        return np.unique(labels, return_inverse=True)[1].astype(np.int32)

    def _start(self, columns: Columns) -> list[Machine] | None:
        """Return the fitted machines, if a next fit can begin at them."""
        if not hasattr(self, "factors_"):
            return None
        shape = (self.n_features_in_, self.n_factors)
        n_outputs = self._n_classes() if self._n_classes() > 2 else 1
        factors = np.reshape(self.factors_, (-1, *self.factors_.shape[-2:]))
        if factors.shape != (n_outputs, *shape):
            return None
        each = zip(np.atleast_1d(self.intercept_), np.atleast_2d(self.coef_), factors, strict=True)
        return [Machine.from_units(*one, columns, self._unit) for one in each]

    def _set_outcome(self, outcome: Outcome, columns: Columns, dtype: Any) -> None:
        self.__dict__.update(
            self._attributes(outcome.machines, columns, self._unit, dtype, self.solver_)
        )
        self.n_iter_ = outcome.n_iter
        self.objective_ = outcome.objective
        self.history_ = {name: np.asarray(value) for name, value in outcome.history.items()}
        self.__dict__.pop("hyper_", None)
        if outcome.hyper:
            self.hyper_ = {name: np.asarray(value) for name, value in outcome.hyper.items()}

    # Streaming.

    def _begin_stream(self, outcome: Outcome, table: Table, key: Key) -> None:
        """Keep what `partial_fit` and `merge` go on from."""
        self.n_samples_seen_ = table.rows.n
        self._weight_seen = float(table.weight.sum())
        self._key = key
        # Over the columns that occurred; it is spread when a batch comes.
        self._after_fit = None if outcome.state is None else dict(outcome.state)
        self.__dict__.pop("_stream", None)

    def _partial_fit(self, X: Any, y: NDArray[Any], sample_weight: Any, *, first: bool) -> None:
        """Learn a batch of validated rows."""
        loss_name = self._loss_name()
        weight = check_sample_weight(sample_weight, X.shape[0])
        X, weight, y = drop_zero_weight(X, weight, y)
        turn = None
        if first:
            self._learn_target(y, weight)
            self._key = seed_key(self.random_state)
            self._weight_seen, self.n_samples_seen_ = 0.0, 0
        else:
            self._require_same_kind()
            turn = self._follow_target(y, weight)
        if "_stream" not in self.__dict__ and self.__dict__.get("_after_fit") is None:
            turn = None  # what is made of `coef_` and `factors_` is in the new unit at once
        target = self._encoded(y)
        n_threads = effective_n_threads(self.n_jobs)
        table = training_table(
            X, target, self._weighted(target, weight), scales=False, n_threads=n_threads
        )
        columns = Columns(self.n_features_in_)
        problem = Problem(
            table,
            None,
            loss_name,
            self._n_classes(),
            self._settings(columns),
            self._key,
            n_threads=n_threads,
        )
        stream = self._state_of_stream(problem, columns, first=first)
        places = table.columns.places
        places = np.arange(columns.d) if places is None else places
        loss, learned = learn_batch(stream, problem, places, self._key, turn)
        self._tell_batch(loss, continues="_stream" in self.__dict__)
        self._after_fit = None
        self._weight_seen += float(table.weight.sum())
        self.n_samples_seen_ += table.rows.n
        self._frame_of_fit = {"d": columns.d, "places": None, "scale": None}
        self._draws, self._means = None, []
        self._link = link_of("adagrad", loss_name, self._n_classes())
        self._loss_of_fit, self._fields = loss_name, None
        self._stream = write_back(
            stream, learned, places, turn, stochastic_settings(problem).accumulator
        )
        self._defer_model()

    def _require_same_kind(self) -> None:
        """Raise ValueError if what was learned is no model of the parameters as they are now."""
        if "_stream" in self.__dict__:
            n_factors = self._stream["n_factors"]
        else:
            n_factors = self.factors_.shape[-1]
        learned = {"n_factors": n_factors, "loss": self._loss_of_fit}
        for name, value in learned.items():
            now = getattr(self, name)
            if now != value:
                raise ValueError(
                    f"`{name}`={now!r} must be {value!r}, as when the model was learned; set it "
                    f"back, or call `fit`, which begins anew"
                )

    def _state_of_stream(self, problem: Problem, columns: Columns, *, first: bool) -> State:
        if "_stream" in self.__dict__:
            return self._stream
        no_rows = Rows(np.zeros(1, np.int64), np.zeros(0, np.int32), None, columns.d)
        whole = replace(problem, table=replace(problem.table, rows=no_rows))
        if first:
            return begin_stream(whole, columns, None)
        if self._after_fit is not None:
            return state_after_fit(self._after_fit, self._columns(), whole)
        scale = self._known_scale()
        start = self._start(replace(columns, scale=np.where(scale == 0, 1.0, scale)))
        return begin_stream(whole, replace(columns, scale=scale), start)

    def _known_scale(self) -> Doubles:
        """Return what the values of each column are divided by; 0 where none has come."""
        if "_stream" in self.__dict__:
            scale: Doubles = self._stream["scale"]
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
                f"on rows that hold every level"
            )
        share = other._weight_seen / (self._weight_seen + other._weight_seen)
        mine, its = _parameters_of(self), _parameters_of(other)
        merged = [averaged(a, b, share) for a, b in zip(mine, its, strict=True)]
        is_one = len(merged) == 1
        intercepts, linear, factors = zip(*merged, strict=True)
        self.intercept_ = intercepts[0] if is_one else np.array(intercepts)
        self.coef_ = linear[0] if is_one else np.stack(linear)
        self.factors_ = factors[0] if is_one else np.stack(factors)
        scale = self._known_scale()
        scale = np.where(scale == 0, other._known_scale(), scale)
        self._frame_of_fit = asdict(Columns(self.n_features_in_, None, scale))
        if self._cuts is not None:
            self._cuts = self._cuts.copy()
            self._cuts[1:-1] += share * (other._cuts[1:-1] - self._cuts[1:-1])
        self._draws, self._means, self._after_fit, self._fields = None, [], None, None
        for name in ("_stream", "_is_stale"):  # the sums of squares are of other directions
            self.__dict__.pop(name, None)
        self._weight_seen += other._weight_seen
        self.n_samples_seen_ += other.n_samples_seen_

    def _tell_batch(self, loss: float, *, continues: bool) -> None:
        history = History(self.history_ if continues else None)
        history.record(loss, validation=np.nan)
        self.history_ = history.arrays()
        self.n_iter_ = len(history)
        self.objective_ = loss
        self.solver_ = "adagrad"
        say(self, f"batch {self.n_iter_}", loss=loss)

    def _make_model(self) -> None:
        columns = columns_of_stream(self._stream)
        machines = machines_of_stream(self._stream)
        self.__dict__.update(self._attributes(machines, columns, self._unit, np.float32, "adagrad"))


def learns_batches(estimator: Any) -> bool:
    """Tell whether there is a `partial_fit`, and why not."""
    loss = str(estimator.loss)
    if loss not in ("squared_error", "log_loss"):
        raise AttributeError(
            f"loss={loss!r} has no `partial_fit`: batches are learned by 'squared_error' and "
            f"'log_loss'; call `fit` with all rows"
        )
    return True


def _parameters_of(estimator: Any) -> list[tuple[float, Any, Any]]:
    """Return intercept, coefficients and factors of each output, in the units of X and y."""
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


class Told:
    """Tells callbacks, and `verbose`, of each sweep or epoch.

    A fit that goes on from a checkpoint retraces what was told before, in silence and to the
    same bits.

    Parameters
    ----------
    estimator : estimator
    task : Task
        The fit's.
    attributes : callable
        Of (machines, how many were told): what a copy needs to predict.
    n_told : int
        How many were told before.

    Attributes
    ----------
    is_stopped : bool
        Whether a callback wants the fit to stop.
    """

    def __init__(
        self,
        estimator: Any,
        task: Task,
        attributes: Callable[[list[Machine], int], dict[str, Any]],
        n_told: int,
    ) -> None:
        self._estimator, self._attributes, self._n_told = estimator, attributes, n_told
        self._subtasks = task.loop("iteration", range(n_told, 1 << 62))
        self._n_done = 0
        self.is_stopped = False

    def __call__(
        self,
        machines: Callable[[], list[Machine]],
        objective: float,
        validation: float = np.nan,
    ) -> bool:
        """Tell of a sweep; return whether a callback wants the fit to stop."""
        self._n_done += 1
        number = self._n_done
        if number <= self._n_told:
            return False
        if np.isnan(validation):
            say(self._estimator, f"iteration {number}", objective=objective)
        else:
            say(self._estimator, f"iteration {number}", objective=objective, validation=validation)
        step = next(self._subtasks)
        self.is_stopped = step.finish(lambda: self._attributes(machines(), number))
        return self.is_stopped

    def tell_last(self, machines: list[Machine]) -> None:
        """Tell of the model if nothing was told: a fit without sweeps is one iteration."""
        if self._n_done == 0:
            self(lambda: machines, np.nan)
