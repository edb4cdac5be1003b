"""The LinearLearnerRegressor: parameters, documentation, predictions."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MultiOutputMixin, RegressorMixin

from algos._common.base import learning
from algos._common.params import Constraint, Interval, Options
from algos.linear_learner.estimator import POSITIVE, SHARE, SHARED_PARAMETERS, LinearLearner
from algos.linear_learner.losses import Loss
from algos.linear_learner.penalties import is_pack
from algos.linear_learner.problem import Doubles
from algos.linear_learner.targets import regression_target, require_target

LOSSES = (
    "squared_error",
    "absolute_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "quantile",
    "poisson",
    "gamma",
    "tweedie",
)


class LinearLearnerRegressor(MultiOutputMixin, RegressorMixin, LinearLearner):
    """TODO"""

    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "loss": [Options(*LOSSES)],
        **SHARED_PARAMETERS,
        "quantile": [SHARE],
        "epsilon": [Interval(float, 0, None)],
        "delta": [POSITIVE],
        "power": [Interval(float, 1, None), Options(0, 0.0)],
        "selection_criterion": [Options("loss", "squared_error", "absolute_error")],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        alpha: Any = "auto",
        l1_ratio: Any = 0.0,
        fit_intercept: bool = True,
        standardize: bool = True,
        quantile: float = 0.5,
        epsilon: float = 0.01,
        delta: float = 1.0,
        power: float = 1.5,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        n_alphas: int = 32,
        selection_criterion: str = "loss",
        validation_fraction: float = 0.1,
        early_stopping: bool = True,
        refit: bool = True,
        warm_start: bool = False,
        optimizer: str = "adam",
        learning_rate_init: Any = "auto",
        momentum: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        intercept_learning_rate: float = 10.0,
        intercept_alpha: float = 0.0,
        learning_rate_step: int = 100,
        learning_rate_factor: float = 0.99,
        learning_rate_min: float = 1e-5,
        batch_size: int = 1000,
        n_iter_no_change: int = 3,
        min_improvement: float = 1e-3,
        init: str = "zeros",
        init_scale: float | None = None,
        init_intercept: float | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.quantile = quantile
        self.epsilon = epsilon
        self.delta = delta
        self.power = power
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_alphas = n_alphas
        self.selection_criterion = selection_criterion
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.refit = refit
        self.warm_start = warm_start
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.intercept_learning_rate = intercept_learning_rate
        self.intercept_alpha = intercept_alpha
        self.learning_rate_step = learning_rate_step
        self.learning_rate_factor = learning_rate_factor
        self.learning_rate_min = learning_rate_min
        self.batch_size = batch_size
        self.n_iter_no_change = n_iter_no_change
        self.min_improvement = min_improvement
        self.init = init
        self.init_scale = init_scale
        self.init_intercept = init_intercept
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @learning
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> LinearLearnerRegressor:
        """Fit the model, or all candidates and the best of them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 and float64 are used as they are; a C-ordered array is not copied, nor a
            CSR matrix.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Rows to choose among candidates by, instead of a part of X.

        Returns
        -------
        self : LinearLearnerRegressor
        """
        rows = self._validated_rows(X, reset=True)
        require_target(self, rows, y)
        target = regression_target(y, self._loss())
        self._learn_outputs(target)
        self._fit(rows, target, sample_weight, X_val, y_val, sample_weight_val)
        return self

    @learning
    def partial_fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> LinearLearnerRegressor:
        """Learn further rows; those that came before need not be kept.

        Squared loss: exactly, from the rows' inner products; the model is made of them when
        it is first read. Other losses: by averaged stochastic gradient steps.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The order of its rows does not matter.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.

        Returns
        -------
        self : LinearLearnerRegressor
        """
        first = not self._has_learned()
        rows = self._validated_rows(X, reset=first)
        require_target(self, rows, y)
        if first:
            self._learn_outputs(regression_target(y, self._loss()))
        self._learn_batch(self._data(rows, y, sample_weight))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predictions: exp of the decision values for poisson, gamma and tweedie.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the dtype of X.
        """
        decisions = self._decisions(X)
        if self._loss().has_log_link:
            with np.errstate(over="ignore"):
                np.exp(decisions, out=decisions)
        return decisions[:, 0] if np.ndim(self.coef_) == 1 else decisions

    def _learn_outputs(self, target: Doubles) -> None:
        self._is_single = target.ndim == 1
        self._outputs = 1 if self._is_single else target.shape[1]

    def _loss(self) -> Loss:
        if self.loss == "tweedie":
            # The powers with a closed form of their own.
            named = {0.0: "squared_error", 1.0: "poisson", 2.0: "gamma"}
            power = float(self.power)
            return Loss(named[power]) if power in named else Loss("tweedie", power)
        parameter = {
            "quantile": self.quantile,
            "epsilon_insensitive": self.epsilon,
            "squared_epsilon_insensitive": self.epsilon,
            "huber": self.delta,
        }.get(self.loss, 0.0)
        return Loss(self.loss, float(parameter))

    def _n_outputs(self) -> int:
        return self._outputs

    def _encoded(self, y: Any, name: str = "y") -> Doubles:
        target = regression_target(y, self._loss(), name)
        n_outputs = 1 if target.ndim == 1 else target.shape[1]
        if n_outputs != self._outputs:
            raise ValueError(
                f"`{name}` has {n_outputs} outputs; it must have {self._outputs}, as y has"
            )
        return target

    def _must_choose(self) -> bool:
        return is_pack(self.alpha, self.l1_ratio)

    def _coefficients(self, coef: Doubles, intercept: Doubles) -> dict[str, Any]:
        if self._is_single:
            return {"coef_": coef[0], "intercept_": float(intercept[0])}
        return {"coef_": coef, "intercept_": intercept}
