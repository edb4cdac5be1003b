"""Base class of both linear learners: parameters, checks and fitting."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float64Array
from algos._common.automatic import keep_automatic
from algos._common.base import Estimator
from algos._common.callbacks import fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.params import Constraint
from algos._common.random import Key, seed_key
from algos._common.search import Categorical, Continuous, Integer
from algos._common.targets import require_target
from algos._common.threads import effective_n_threads, one_thread_blas, threads_for
from algos._common.unused import warn_of_unused
from algos._common.validation import (
    check_held_out,
    check_sample_weight,
    drop_zero_weight,
    said_of_validation,
    validate_dense_or_csr,
)
from algos.linear_learner.data import Data
from algos.linear_learner.decisions import decision_values
from algos.linear_learner.incremental import Incremental
from algos.linear_learner.losses import Loss
from algos.linear_learner.model_selection import ModelSelection
from algos.linear_learner.pack import FitResult, fit_one
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.progress import CallbackReporter
from algos.linear_learner.rare_columns import warn_of_rare_columns
from algos.linear_learner.report import (
    history_of,
    tell,
    warn_of_missed_target,
    warn_unless_converged,
)
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.schedule import Schedule
from algos.linear_learner.targets import unit_exponent, weight_in, weight_unit
from algos.linear_learner.threshold_rows import sampled_rows
from algos.linear_learner.trained import Model
from algos.linear_learner.unused import unused


class LinearLearner(ModelSelection, Incremental, Estimator):
    """Base class of both linear learners."""

    _ranges: ClassVar = {
        "alpha": Continuous(1e-7, 1, log=True),
        "l1_ratio": Continuous(0, 1),
        "fit_intercept": Categorical((True, False)),
    }
    _ranges_where: ClassVar = {
        ("solver", "sgd"): {
            "learning_rate_init": Continuous(1e-5, 1, log=True),
            "batch_size": Integer(100, 5000, log=True),
        }
    }
    _parameters: ClassVar[dict[str, list[Constraint | None]]]

    alpha: Any
    l1_ratio: Any
    loss: str
    fit_intercept: bool
    standardize: bool
    solver: str
    tol: float
    max_iter: int
    n_alphas: int
    selection_criterion: str
    validation_fraction: Any
    early_stopping: bool
    refit: bool
    warm_start: bool
    store_candidate_coef: bool
    optimizer: str
    learning_rate_init: Any
    momentum: float
    beta_1: float
    beta_2: float
    intercept_learning_rate_factor: float
    alpha_intercept: float
    learning_rate_step: int
    learning_rate_factor: float
    learning_rate_min: float
    batch_size: Any
    n_iter_no_change: int
    min_improvement: float
    init: str
    init_scale: float | None
    init_intercept: float | None
    random_state: Any
    n_jobs: int | None
    verbose: int

    coef_: Float64Array
    intercept_: Any
    _weight_unit: int

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # Implemented by the classifier and the regressor.

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss with its parameter."""

    @abstractmethod
    def _n_outputs(self) -> int:
        """Return how many decision values a row has."""

    @abstractmethod
    def _encoded(self, y: Any, name: str = "y") -> Float64Array:
        """Return y as losses take it."""

    def _check_trainable(self, data: Data) -> None:
        """Raise ValueError if the rows of positive weight cannot train a model."""

    def _check_validation_rows(self, data: Data) -> None:
        """Warn if the selection criterion cannot be computed from these validation rows."""

    def _check_learned_enough(self) -> None:
        """Raise NotFittedError if too little was learned for a model."""

    def _validated_rows(self, X: Any, *, reset: bool, ensure_all_finite: bool = True) -> Any:
        return validate_dense_or_csr(self, X, reset=reset, ensure_all_finite=ensure_all_finite)

    def _data(
        self, X: Any, y: Any, sample_weight: Any, name: str = "y", *, begins: bool | None = None
    ) -> Data:
        """Return checked rows of positive weight; X is validated already.

        Extreme weights are divided by a power of two: that of the first rows, with which
        learning `begins`, or their own for rows that are independent of these (None).
        """
        weight = check_sample_weight(sample_weight, X.shape[0])
        X, weight, y = drop_zero_weight(X, weight, np.asarray(y))
        target = self._encoded(y, name)
        own = weight_unit(weight)
        if begins:
            self._weight_unit = own
        unit = own if begins is None else self._weight_unit
        weight = np.ones(X.shape[0]) if weight is None else weight
        return Data(X, target, weight if unit == own == 0 else weight_in(weight, unit))

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> None:
        held_out = self._explicit_validation(X_val, y_val, sample_weight_val)
        chosen_by = None if held_out is None else held_out.arrays
        resumable = Resumable(self, X, y, sample_weight, held_out=chosen_by)
        state = resumable.state or {"key": seed_key(self.random_state), "n_reported": 0}
        data = self._data(X, y, sample_weight, begins=True)
        self._check_trainable(data)
        warn_of_rare_columns(self, data.X)
        settings = self._settings(state["key"])
        earlier = self._earlier(settings)
        self._forget()

        def attributes(
            coef: Float64Array, intercept: Float64Array, n_reported: int
        ) -> dict[str, Any]:
            unfinished = resumable.unfinished(key=state["key"], n_reported=n_reported)
            return {**self._coefficients(coef, intercept), "n_iter_": n_reported, **unfinished}

        # Outside solvers too, since products of wide models would differ in their last bits.
        with one_thread_blas(), fit_tasks(self, None, X=data.X, y=data.target) as task:
            reporter = CallbackReporter(task, attributes, state["n_reported"])
            if held_out is None and not self._must_choose():
                result = self._fit_one(data, settings, earlier, reporter)
            else:
                result = self._fit_pack(data, held_out, settings, reporter)
            reporter.report_last(result.model.coef, result.model.intercept)
        self._set_model(result)
        tell(self, result)
        keep_automatic(self, {**self._chosen(result, data), **reporter.used})
        self._warn_of_unused()
        warn_unless_converged(self, result.model, is_stopped=reporter.is_stopped)
        warn_of_missed_target(self, result)
        self._begin_stream(result, state["key"], data)

    def _settings(self, key: Key | None = None) -> Settings:
        return Settings(
            loss=self._loss(),
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            n_alphas=self.n_alphas,
            fit_intercept=self.fit_intercept,
            standardize=self.standardize,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            n_threads=effective_n_threads(self.n_jobs),
            n_outputs=self._n_outputs(),
            verbose=self.verbose,
            schedule=self._schedule(),
            key=key,
            estimator_name=type(self).__name__,
        )

    def _schedule(self) -> Schedule:
        scale = {"uniform": 0.07, "normal": 0.01}.get(self.init, 0.0)
        return Schedule(
            optimizer=self.optimizer,
            rate=None if self.learning_rate_init == "auto" else self.learning_rate_init,
            momentum=self.momentum,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            intercept_factor=self.intercept_learning_rate_factor,
            intercept_l2=self.alpha_intercept,
            every=self.learning_rate_step,
            factor=self.learning_rate_factor,
            least=self.learning_rate_min,
            batch_size=None if self.batch_size == "auto" else self.batch_size,
            patience=self.n_iter_no_change,
            improvement=self.min_improvement,
            init=self.init,
            init_scale=scale if self.init_scale is None else self.init_scale,
            init_intercept=self.init_intercept,
        )

    def _chosen(self, result: FitResult, data: Data) -> dict[str, Any]:
        """Return the values that a fit to these rows has used for parameters given as "auto"."""
        return self._used(result.choice.name)

    def _used(self, solver: str) -> dict[str, Any]:
        """Return the values that a solver has used for such parameters."""
        used = {"alpha": float(self.alpha_), "solver": solver}
        if solver == "sgd":
            schedule = self._schedule()
            used["learning_rate_init"] = schedule.first_rate
            used["batch_size"] = schedule.size_of_epochs()
            if self.init != "zeros":
                used["init_scale"] = schedule.init_scale
        return used

    def _warn_of_unused(self) -> None:
        chosen = " of 'auto'" if self.solver == "auto" else ""
        warn_of_unused(self, f"with solver={self.solver_!r}{chosen}", unused(self, self.solver_))

    def _explicit_validation(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Data | None:
        if not check_held_out(X_val, y_val, sample_weight_val):
            return None
        with said_of_validation():
            rows = self._validated_rows(X_val, reset=False)
            require_target(self, rows, y_val)
            data = self._data(rows, y_val, sample_weight_val, "y_val")
        self._check_validation_rows(data)
        return data

    def _fit_one(
        self, data: Data, settings: Settings, earlier: Model | None, reporter: CallbackReporter
    ) -> FitResult:
        (variant,) = self._variants(data.target, data.weight)
        return fit_one(data.weighted(variant.factor), settings, earlier, reporter.listener)

    def _earlier(self, settings: Settings) -> Model | None:
        """Return the fitted model if the next fit is to start from it."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        coef = np.atleast_2d(self.coef_)
        if coef.shape != (settings.n_outputs, self.n_features_in_):
            return None
        intercept = np.atleast_1d(self.intercept_).astype(np.float64)
        params = PenaltyParams(float(self.alpha_), float(self.l1_ratio_))
        return Model(
            params,
            coef,
            intercept,
            objective=np.inf,
            certificate=np.inf,
            criterion="",
            n_iter=0,
            converged=False,
        )

    def _set_model(self, result: FitResult) -> None:
        model = result.model
        self.__dict__.update(self._coefficients(model.coef, model.intercept))
        self.alpha_, self.l1_ratio_ = model.params
        self.objective_ = model.objective
        self.certificate_ = model.certificate
        self.certificate_kind_ = model.criterion
        self.n_iter_ = model.n_iter
        self.solver_ = result.choice.name
        self.best_index_ = result.best
        self.history_ = history_of(result)
        columns = dict(result.candidates)
        coef, intercept = columns.pop("coef"), columns.pop("intercept")
        self.candidates_ = columns
        if self.store_candidate_coef:
            self.candidate_coef_, self.candidate_intercept_ = coef, intercept

    def _begin_stream(self, result: FitResult, key: Key, data: Data) -> None:
        """Keep the state from which `partial_fit` and `merge` continue."""
        self.n_samples_seen_ = len(data)
        unit = unit_exponent(result.moments["target_square"], self._loss())
        threshold_rows = sampled_rows(result.threshold_rows)
        self._after_fit = {
            **result.moments,
            "key": key,
            "unit": unit,
            "threshold_rows": threshold_rows,
        }

    @abstractmethod
    def _coefficients(self, coef: Float64Array, intercept: Float64Array) -> dict[str, Any]:
        """Return the attributes that predictions need."""

    def _decisions(self, X: Any) -> NDArray[Any]:
        """Return x·coef_ + intercept_, of shape (n, n_outputs), in the dtype of X."""
        check_is_fitted(self)
        self._check_learned_enough()
        X = self._validated_rows(X, reset=False)
        coef = np.atleast_2d(self.coef_)
        threads = threads_for(self.n_jobs, X.shape[0] * coef.size)
        return decision_values(X, coef, np.atleast_1d(self.intercept_), threads)
