"""The fitted linear classifier: decision values, classes and probabilities."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax
from sklearn.exceptions import NotFittedError

from algos._common.arrays import Float64Array
from algos._common.labels import class_decided
from algos._common.method_names import renamed
from algos.linear_learner.estimator import LinearLearner
from algos.linear_learner.pack import FitResult


class _OfProbabilities:
    """A method that is available with loss="log_loss" only.

    Like scikit-learn's `available_if`, but with an error that gives the reason.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        update_wrapper(self, method)  # type: ignore[arg-type]

    def __get__(self, estimator: ClassifierModel | None, owner: type) -> Callable[..., Any]:
        if estimator is not None:
            loss, name = estimator._learned("loss"), self._method.__name__
            if loss != "log_loss":
                raise AttributeError(
                    f"This {owner.__name__!r} has no attribute {name!r}: probabilities need "
                    f"loss='log_loss', not {loss!r}; change the loss, or wrap the estimator in "
                    f"sklearn.calibration.CalibratedClassifierCV"
                )
        method: Callable[..., Any] = self._method.__get__(estimator, owner)
        return method

    def renamed(self, kind: type) -> _OfProbabilities:
        return _OfProbabilities(renamed(self._method, kind))


class ClassifierModel(LinearLearner):
    """Mixin of the linear classifier: predictions of the fitted model.

    The threshold is also kept as a decision value, `_cut`: a probability near 1 cannot resolve
    large decision values.
    """

    classes_: NDArray[Any]
    threshold_: float
    _cut: float

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the decision value of each row.

        For two classes, x·coef_ + intercept_ measured from the threshold, so that its sign is
        the prediction. For more classes, x·coef_ + intercept_ for each class.

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
        return decisions[:, 0] - self._threshold_in(decisions.dtype)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        return class_decided(self.decision_function(X), self.classes_)

    @_OfProbabilities
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class, which does not depend on `threshold_`.

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

    @_OfProbabilities
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

    def _check_learned_enough(self) -> None:
        if len(self.classes_) < 2:
            met = self.classes_.tolist()[0]
            raise NotFittedError(
                f"This {type(self).__name__} has seen only class {met!r}; call partial_fit with "
                f"rows of a second class"
            )

    def _coefficients(self, coef: Float64Array, intercept: Float64Array) -> dict[str, Any]:
        return {"coef_": coef, "intercept_": intercept, **self._threshold(0.0)}

    def _set_model(self, result: FitResult) -> None:
        super()._set_model(result)
        self.__dict__.update(self._threshold(result.threshold))

    def _threshold(self, cut: float) -> dict[str, float]:
        """Return the attributes of a threshold that is given as a decision value."""
        if len(self.classes_) > 2:
            return {}
        return {"_cut": cut, "threshold_": self._as_threshold(cut)}

    def _as_threshold(self, cut: float) -> float:
        return float(expit(cut)) if self._learned("loss") == "log_loss" else float(cut)

    def _threshold_in(self, dtype: Any) -> Any:
        """Return the decision value of the threshold, rounded down to a dtype."""
        limits = np.finfo(dtype)  # finite: infinite decision values are measured from it
        cut = min(max(self._decision_threshold(), float(limits.min)), float(limits.max))
        threshold = dtype.type(cut)
        if float(threshold) > cut:  # values above it in float64 must be so in float32 too
            threshold = np.nextafter(threshold, -dtype.type(np.inf))
        return threshold

    def _decision_threshold(self) -> float:
        if self.threshold_ == self._as_threshold(self._cut):
            return self._cut
        # It was set.
        threshold = float(self.threshold_)
        if self._learned("loss") != "log_loss":
            return threshold
        if not 0 < threshold < 1:
            raise ValueError(
                f"`threshold_`={threshold!r} must be a probability between 0 and 1 for "
                f"loss='log_loss'; set it to such a value, for example 0.5"
            )
        return float(logit(threshold))
