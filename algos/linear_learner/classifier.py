"""The LinearLearnerClassifier: parameters, documentation, predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, softmax
from sklearn.base import ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if

from algos._common.base import learning
from algos._common.params import POSITIVE_INT, Constraint, Instance, Options
from algos.linear_learner.estimator import POSITIVE, SHARE, SHARED_PARAMETERS, LinearLearner
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import Outcome, Variant
from algos.linear_learner.problem import Doubles
from algos.linear_learner.targets import class_labels, encoded_classes, require_target
from algos.linear_learner.threshold import CRITERIA, Target
from algos.linear_learner.training import Data

LOSSES = ("log_loss", "hinge", "squared_hinge", "perceptron")
_POWERS = (0.0, 0.5, 1.0)  # of the balanced class weights, tried by class_weight="auto"


def _has_probabilities(estimator: LinearLearnerClassifier) -> bool:
    if estimator.loss != "log_loss":
        raise AttributeError(
            f"predict_proba is not available when loss={estimator.loss!r}; "
            f"write loss='log_loss', or wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
    return True


class LinearLearnerClassifier(ClassifierMixin, LinearLearner):
    """TODO"""

    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "loss": [Options(*LOSSES)],
        **SHARED_PARAMETERS,
        "margin": [POSITIVE],
        "class_weight": [Options("balanced", "auto"), Instance(Mapping), None],
        "selection_criterion": [Options(*CRITERIA)],
        "beta": [POSITIVE],
        "target_recall": [SHARE],
        "target_precision": [SHARE],
        "top_k": [POSITIVE_INT],
    }

    classes_: NDArray[Any]
    threshold_: float
    _class_sums: Doubles

    def __init__(
        self,
        loss: str = "log_loss",
        *,
        alpha: Any = "auto",
        l1_ratio: Any = 0.0,
        fit_intercept: bool = True,
        standardize: bool = True,
        margin: float = 1.0,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        n_alphas: int = 32,
        selection_criterion: str = "loss",
        beta: float = 1.0,
        target_recall: float = 0.8,
        target_precision: float = 0.8,
        top_k: int = 3,
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
        self.margin = margin
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_alphas = n_alphas
        self.selection_criterion = selection_criterion
        self.beta = beta
        self.target_recall = target_recall
        self.target_precision = target_precision
        self.top_k = top_k
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
    ) -> LinearLearnerClassifier:
        """Fit the model, or all candidates and the best of them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 and float64 are used as they are; a C-ordered array is not copied, nor a
            CSR matrix.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Rows to choose among candidates and thresholds by, instead of a part of X.

        Returns
        -------
        self : LinearLearnerClassifier
        """
        rows = self._validated_rows(X, reset=True)
        require_target(self, rows, y)
        labels = class_labels(y)
        self._learn_classes(labels)
        self._fit(rows, labels, sample_weight, X_val, y_val, sample_weight_val)
        return self

    @learning
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> LinearLearnerClassifier:
        """Learn further rows by averaged stochastic gradient steps.

        Those that came before need not be kept. With several candidates, the model is the
        one that has done best on rows before it learned them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The order of its rows does not matter.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            Labels to come. None learns classes as they come: one that is met later begins
            then, without what earlier rows would have said of it.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.

        Returns
        -------
        self : LinearLearnerClassifier
        """
        if self.class_weight == "auto":
            raise ValueError(
                "`class_weight`='auto' must be None, 'balanced' or a dict in partial_fit, which "
                "sees each row once; call fit to try several"
            )
        first = not hasattr(self, "n_samples_seen_")
        rows = self._validated_rows(X, reset=first)
        require_target(self, rows, y)
        labels = class_labels(y)
        self._meet_classes(labels, classes)
        data = self._data(rows, labels, sample_weight)
        if len(self.classes_) < 2:
            self.n_samples_seen_ = len(data) + (0 if first else self.n_samples_seen_)
        else:
            self._learn_batch(self._weighted(data))
        return self

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return how far each row is on the side of a class.

        For two classes the distance from the threshold, in units of x·coef_ + intercept_: its
        sign is the prediction. For more, x·coef_ + intercept_ for each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            In the dtype of X.
        """
        decisions = self._decisions(X)
        if len(self.classes_) > 2:
            return decisions
        return decisions[:, 0] - decisions.dtype.type(self._decision_threshold())

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        decisions = self.decision_function(X)
        if decisions.ndim == 1:
            return self.classes_[(decisions > 0).astype(np.intp)]
        return self.classes_[decisions.argmax(axis=1)]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the model's probability of each class; `threshold_` has no part in it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the dtype of X.
        """
        decisions = self._decisions(X)
        if decisions.shape[1] > 1:
            return np.asarray(softmax(decisions, axis=1))
        return np.column_stack([expit(-decisions[:, 0]), expit(decisions[:, 0])])

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithms of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
        """
        decisions = self._decisions(X)
        if decisions.shape[1] == 1:
            decisions = np.column_stack([np.zeros_like(decisions), decisions])
        peak = decisions.max(axis=1, keepdims=True)
        sums = np.exp(decisions - peak).sum(axis=1, keepdims=True)
        return np.asarray(decisions - peak - np.log(sums))

    def _learn_classes(self, labels: NDArray[Any]) -> None:
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(
                f"This solver needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {classes[0]!r}; give rows of another class"
            )
        if len(classes) > 2 and self.selection_criterion not in ("loss", "accuracy", "f_beta"):
            raise ValueError(
                f"`selection_criterion`={self.selection_criterion!r} must be 'loss', 'accuracy' "
                f"or 'f_beta' for {len(classes)} classes; only two have a threshold"
            )
        self.classes_ = classes

    def _meet_classes(self, labels: NDArray[Any], classes: ArrayLike | None) -> None:
        """Bring `classes_`, and a state that hangs on them, up to date."""
        known = getattr(self, "classes_", labels[:0])
        named = labels[:0] if classes is None else np.asarray(classes)
        now = np.unique(np.concatenate([known, named, labels]))
        if len(now) == len(known):
            return
        if self._has_learned():
            places = np.searchsorted(now, known)
            grown = self._state_so_far().with_classes(places, len(now), self._loss().is_joint)
            self._continue(grown)
        if hasattr(self, "_class_sums"):
            sums = np.zeros(len(now))
            sums[np.searchsorted(now, known)] = self._class_sums
            self._class_sums = sums
        self.classes_ = now

    def _weighted(self, data: Data) -> Data:
        """Return a batch with its class weights; "balanced" counts all rows so far."""
        codes = self._codes(data.target)
        sums = np.bincount(codes, data.weight, minlength=len(self.classes_))
        self._class_sums = sums + self.__dict__.get("_class_sums", 0.0)
        if self.class_weight is None:
            return data
        factor = (
            self._named_weights()
            if self.class_weight != "balanced"
            else _balanced(self._class_sums)
        )
        return Data(data.X, data.target, data.weight * factor[codes])

    def _codes(self, target: Doubles) -> NDArray[np.intp]:
        return (target > 0).astype(np.intp) if self._n_outputs() == 1 else target.astype(np.intp)

    def _check_learned_enough(self) -> None:
        if len(self.classes_) < 2:
            raise NotFittedError(
                f"This {type(self).__name__} has met the class {self.classes_[0]!r} alone: 1 more "
                f"class is missing; call partial_fit with rows of another"
            )

    def _loss(self) -> Loss:
        if self.loss == "log_loss":
            return Loss("multinomial" if len(self.classes_) > 2 else "log_loss")
        return Loss(self.loss, float(self.margin))

    def _n_outputs(self) -> int:
        return len(self.classes_) if len(self.classes_) > 2 else 1

    def _encoded(self, y: Any, name: str = "y") -> Doubles:
        labels = class_labels(y)
        return encoded_classes(labels, self.classes_, name)

    def _check_trainable(self, data: Data) -> None:
        if len(np.unique(data.target)) < len(self.classes_):
            raise ValueError(
                "`sample_weight` must leave a row of each class; all rows of some class weigh 0: "
                "leave that class out of y"
            )

    def _variants(self, target: Doubles, weight: Doubles) -> list[Variant]:
        if self.class_weight is None:
            return super()._variants(target, weight)
        codes = self._codes(target)
        if isinstance(self.class_weight, Mapping):
            return [Variant(1.0, self._named_weights()[codes])]
        counts = np.bincount(codes, weight, minlength=len(self.classes_))
        balanced = _balanced(counts)
        powers = _POWERS if self.class_weight == "auto" else (1.0,)
        return [Variant(power, (balanced**power)[codes]) for power in powers]

    def _named_weights(self) -> Doubles:
        unknown = [label for label in self.class_weight if label not in self.classes_]
        if unknown:
            raise ValueError(
                f"`class_weight` names the class {unknown[0]!r}, which must be one of "
                f"{self.classes_.tolist()}; leave it out"
            )
        weights = np.array([self.class_weight.get(label, 1.0) for label in self.classes_])
        if not np.all(np.isfinite(weights) & (weights > 0)):
            raise ValueError(
                f"`class_weight`={self.class_weight!r} must hold positive finite numbers; to "
                f"leave a class out, leave out its rows"
            )
        return weights.astype(np.float64)

    def _must_choose(self) -> bool:
        return super()._must_choose() or self.class_weight == "auto"

    def _target(self) -> Target:
        return Target(
            self.selection_criterion, self.beta, self.target_recall, self.target_precision
        )

    def _top_k(self) -> int:
        return self.top_k

    def _coefficients(self, coef: Doubles, intercept: Doubles) -> dict[str, Any]:
        return {"coef_": coef, "intercept_": intercept, **self._threshold(0.0)}

    def _set_model(self, outcome: Outcome) -> None:
        super()._set_model(outcome)
        self.__dict__.update(self._threshold(outcome.threshold))

    def _threshold(self, decision: float) -> dict[str, float]:
        """Return `threshold_`, a probability where there are any, of a decision value."""
        if len(self.classes_) > 2:
            return {}
        return {"threshold_": float(expit(decision)) if self.loss == "log_loss" else decision}

    def _decision_threshold(self) -> float:
        return float(logit(self.threshold_)) if self.loss == "log_loss" else self.threshold_


def _balanced(sums: NDArray[Any]) -> Doubles:
    """Return weights that give each class the same influence; 1 for one not met yet."""
    return np.where(sums > 0, sums.sum() / (len(sums) * np.maximum(sums, 1e-300)), 1.0)
