"""The base class of both estimators: from data to a fitted model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_consistent_length

from algos._common.automatic import keep_automatic
from algos._common.callbacks import fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.random import Key, seed_key
from algos._common.search import Continuous, Distribution, Integer
from algos._common.split import validation_split
from algos._common.targets import require_target
from algos._common.threads import effective_n_threads
from algos._common.unused import warn_of_unused
from algos._common.validation import (
    check_held_out,
    drop_zero_weight,
    said_of_validation,
)
from algos._common.verbose import say
from algos._common.warn import warn
from algos.factorization_machine.automatic import in_units, values_used
from algos.factorization_machine.choice import (
    OF_INTERCEPT,
    WITHOUT_INTERCEPT,
    choose_solver,
    stops_early,
    unused,
)
from algos.factorization_machine.fields import find_fields
from algos.factorization_machine.identifiers import warn_of_identifiers
from algos.factorization_machine.incremental import IncrementalMachine
from algos.factorization_machine.learners import LEARNERS, fit_constant, is_constant
from algos.factorization_machine.links import link_of
from algos.factorization_machine.machine import Machine, Outcome, Problem, require_room
from algos.factorization_machine.offsets import warn_of_offsets
from algos.factorization_machine.parameters import INITS
from algos.factorization_machine.progress import SweepReporter
from algos.factorization_machine.replicates import split_replicates
from algos.factorization_machine.rows import Columns, Table, training_table
from algos.factorization_machine.settings import far_parameter, quiet_where_far
from algos.factorization_machine.targets import checked_weights

_MIX = np.uint64(0xBF58476D1CE4E5B9)

# SageMaker's ranges extend to rates and deviations of 512, at which nothing is learned.
_RATES = Continuous(1e-4, 1, log=True)
_FIRST_NUMBERS = Continuous(1e-3, 1, log=True)
_PENALTIES = Continuous(1e-8, 512, log=True)
_OF_DESCENT: dict[str, Distribution] = {
    "alpha": _PENALTIES,
    "alpha_linear": _PENALTIES,
    "alpha_intercept": _PENALTIES,
    "max_iter": Integer(1, 1000, log=True),
}


class FactorizationMachine(IncrementalMachine):
    """Base class of both estimators: one model, three solvers."""

    _ranges: ClassVar = {
        "n_factors": Integer(2, 128, log=True),
        "init_scale": _FIRST_NUMBERS,
    }
    _ranges_where: ClassVar = {
        ("solver", "als"): _OF_DESCENT,
        ("solver", "adagrad"): {
            **_OF_DESCENT,
            "learning_rate_init": _RATES,
            "learning_rate_linear": _RATES,
            "learning_rate_intercept": _RATES,
            "batch_size": Integer(100, 10_000, log=True),
        },
        **{("init_linear", init): {"init_linear_scale": _FIRST_NUMBERS} for init in INITS},
    }

    def _unsearched(self) -> tuple[str, ...]:
        return OF_INTERCEPT if self.loss in WITHOUT_INTERCEPT else ()

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
        weight, self._weight_exponent = checked_weights(sample_weight, rows.shape[0])
        kept, own_weight, column, groups = drop_zero_weight(rows, weight, column, groups)
        self._learn_target(column, own_weight)
        names = getattr(self, "feature_names_in_", None)
        warn_of_identifiers(type(self).__name__, kept, names)
        warn_of_offsets(type(self).__name__, kept, names)
        validation = self._explicit_validation(*held_out)
        resumable = Resumable(self, rows, y, sample_weight, held_out=validation)
        state = resumable.state or {"key": seed_key(self.random_state), "n_reported": 0}
        table = self._training_table(kept, column, own_weight, groups)
        solver = self._chosen_solver(table)
        problem = self._problem(table, validation, solver, state["key"], kept.dtype)
        require_room(table.rows.n_columns, self.n_factors, problem.n_outputs)
        start = self._start_of_model(table, problem, solver)
        self.__dict__.pop("_is_stale", None)

        def attributes(machines: list[Machine], n_reported: int) -> dict[str, Any]:
            unfinished = resumable.unfinished(key=state["key"], n_reported=n_reported)
            model = self._attributes(machines, table.columns, self._unit, kept.dtype, solver)
            reported_so_far = {"_is_sure": False, "n_iter_": n_reported}
            return {**start, **model, **reported_so_far, **unfinished}

        with fit_tasks(self, None, X=kept, y=column) as task:
            reporter = SweepReporter(self, task, attributes, state["n_reported"])
            outcome = self._outcome(solver, problem, reporter)
            reporter.report_last(outcome.machines)
        self.__dict__.update(start)
        self._set_outcome(outcome, table.columns, kept.dtype)
        self._begin_stream(outcome, table, len(column), state["key"])
        used = values_used(problem, solver, outcome, table.columns)
        keep_automatic(self, in_units(used, self._unit.spread))
        if outcome.fall > 0 and self.tol > 0 and not reporter.is_stopped:
            self._warn_of(outcome)
        if outcome.is_lost:
            warn(
                f"{type(self).__name__} learned next to nothing: no epoch of solver 'adagrad' "
                f"improved on the first; standardise the columns of X, lower "
                f"`learning_rate_init`, or set solver='mcmc'",
                ConvergenceWarning,
            )
        if outcome.constant is not None and not outcome.objective < outcome.constant:
            self._warn_of_constant(outcome)

    def _outcome(self, solver: str, problem: Problem, reporter: SweepReporter) -> Outcome:
        """Return the solver's outcome, or raise an error naming a parameter that overflows."""
        learn = fit_constant if is_constant(problem) else LEARNERS[solver]
        try:
            with quiet_where_far(problem.settings, solver):
                outcome: Outcome = learn(problem, reporter)
        except (OverflowError, np.linalg.LinAlgError) as error:
            if far_parameter(problem.settings, solver) is None:
                raise
            raise self._overflow_error(problem.settings, solver) from error
        return outcome

    def _training_table(self, X: Any, y: Any, weight: Any, groups: Any) -> Table:
        """Return the rows of positive weight, in the order of solvers."""
        target = self._encoded(y)
        return training_table(
            X,
            target,
            self._weighted(target, weight),
            groups=None if groups is None else np.unique(groups, return_inverse=True)[1],
            n_threads=effective_n_threads(self.n_jobs),
        )

    def _chosen_solver(self, table: Table) -> str:
        """Return the solver; report it if `verbose`, and warn of parameters it does not use."""
        solver, reason = choose_solver(self, table, self._loss_name(), self._n_classes())
        say(self, f"solver {solver}: {reason}")
        chosen = " of 'auto'" if self.solver == "auto" else ""
        fit = f"with loss={self.loss!r} and solver={solver!r}{chosen}"
        warn_of_unused(self, fit, unused(self, solver))
        return solver

    def _start_of_model(self, table: Table, problem: Problem, solver: str) -> dict[str, Any]:
        """Return the attributes that are known before the model is learned."""
        of_scores = solver if table.rows.stored else "adagrad"
        return {
            "solver_": solver,
            "_fields": problem.fields,
            "_loss_of_fit": problem.loss,
            "_frame_of_fit": asdict(table.columns),
            "_link": link_of(of_scores, problem.loss, problem.n_classes),
        }

    def _problem(self, table: Table, validation: Any, solver: str, key: Key, dtype: Any) -> Problem:
        held_out = whole = None
        fields, columns = find_fields(table.rows), table.columns
        if validation is not None:
            held_out = self._validation_table(validation, columns)
        elif stops_early(self.early_stopping, solver, table):
            whole = table
            table, held_out = self._split(table, key)
        is_weighted = getattr(self, "class_weight", None) is not None
        return Problem(
            table,
            held_out,
            self._loss_name(),
            self._n_classes(),
            self._settings(columns),
            key,
            start=self._start(columns) if self.warm_start else None,
            dtype=dtype,
            n_threads=effective_n_threads(self.n_jobs),
            is_of_item=self._item_columns(columns),
            rounds_weights=is_weighted and not table.has_whole_weights,
            whole=whole,
            fields=fields,
            only_records=not self.early_stopping,
        )

    def _item_columns(self, columns: Columns) -> NDArray[np.bool_] | None:
        """Return a mask of the columns that describe an item, if `item_features` is given."""
        return None

    def _split(self, table: Table, key: Key) -> tuple[Table, Table]:
        """Return training rows and validation rows, chosen by their content."""
        keys = (table.keys ^ key[0]) * _MIX
        keys = (keys ^ (keys >> np.uint64(31)) ^ key[1]) * _MIX
        classes = table.target if self._n_classes() else None
        keys = keys ^ (keys >> np.uint64(29))
        fraction, n_threads = self.validation_fraction, effective_n_threads(self.n_jobs)
        parts = split_replicates(table, keys, fraction, key, classes, n_threads)
        if parts is not None:
            return parts
        train, validate = validation_split(keys, fraction, classes=classes, weight=table.weight)
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
            weight, _ = checked_weights(sample_weight, X.shape[0])
        X, weight, y = drop_zero_weight(X, weight, y)
        target = self._encoded(y, "y_val")
        weight = self._weighted(target, weight)
        return Table(
            columns.rows(X),
            target,
            np.ones(X.shape[0]) if weight is None else weight,
            np.ones(X.shape[0], dtype=np.int64),
            np.zeros(X.shape[0], dtype=np.uint64),
            columns,
        )

    def _set_outcome(self, outcome: Outcome, columns: Columns, dtype: Any) -> None:
        self.__dict__.update(
            self._attributes(outcome.machines, columns, self._unit, dtype, self.solver_)
        )
        self.n_iter_ = outcome.n_iter
        self.objective_ = outcome.objective
        self.history_ = {name: np.asarray(value) for name, value in outcome.history.items()}
        self._is_sure = self.solver_ == "mcmc" and self._draws is None
        self.__dict__.pop("hyper_", None)
        if outcome.hyper:
            self.hyper_ = {name: np.asarray(value) for name, value in outcome.hyper.items()}

    def _warn_of(self, outcome: Outcome) -> None:
        """Warn that the loss was still falling."""
        warn(
            f"{type(self).__name__} stopped after {outcome.n_iter} iterations of solver "
            f"{self.solver_!r}, while an iteration still lowered the loss by a relative "
            f"{outcome.fall:.3g}, above tol={self.tol!r}; raise `max_iter` or `tol`, or set tol=0 "
            f"to accept `max_iter` iterations",
            ConvergenceWarning,
        )

    def _warn_of_constant(self, outcome: Outcome) -> None:
        """Warn that a constant predicts the validation rows as well."""
        warn(
            f"{type(self).__name__} predicts the validation rows no better than a constant: its "
            f"best loss there is {outcome.objective:.4g}, and that of a constant "
            f"{outcome.constant:.4g}; try solver='mcmc', a larger `init_scale` or "
            f"`n_iter_no_change`, or other columns",
            ConvergenceWarning,
        )
