"""The loss, the targets and the predictions of the linear regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._common.validation import MANY_VALUES
from algos.linear_learner.data import Data
from algos.linear_learner.estimator import LinearLearner
from algos.linear_learner.losses import Loss
from algos.linear_learner.penalties import is_pack
from algos.linear_learner.squared_fit import sums_show_finite
from algos.linear_learner.targets import check_has_optimum, regression_target

# Losses with a parameter, and its name.
_PARAMETERS = {
    "quantile": "quantile",
    "epsilon_insensitive": "epsilon",
    "squared_epsilon_insensitive": "epsilon",
    "huber": "delta",
}


class RegressorModel(LinearLearner):
    """Mixin of the linear regressor: losses, targets and predictions."""

    _is_single: bool
    _outputs: int

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predicted targets, exp(decision values) for poisson, gamma and tweedie.

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

    def _is_summed_first(self, X: Any, X_val: Any) -> bool:
        """Tell whether a fit starts with sums over all of X, which detect NaN and infinity."""
        if type(X) is not np.ndarray or X.ndim != 2 or X.size < MANY_VALUES:
            return False
        if X_val is None and self._must_choose():  # some rows may be held out
            return False
        return sums_show_finite(self._loss(), *X.shape)

    def _learn_outputs(self, target: Float64Array) -> None:
        self._is_single = target.ndim == 1
        self._outputs = 1 if self._is_single else target.shape[1]

    def _loss(self) -> Loss:
        loss = str(self._learned("loss"))  # numpy strings would look odd in messages
        if loss == "tweedie":
            # The powers with a closed form of their own.
            named = {0.0: "squared_error", 1.0: "poisson", 2.0: "gamma"}
            power = float(self._learned("power"))
            return Loss(named[power]) if power in named else Loss("tweedie", power)
        name = _PARAMETERS.get(loss)
        return Loss(loss, float(self._learned(name)) if name else 0.0)

    def _n_outputs(self) -> int:
        return self._outputs

    def _encoded(self, y: Any, name: str = "y") -> Float64Array:
        target = regression_target(y, self._loss(), name)
        n_outputs = 1 if target.ndim == 1 else target.shape[1]
        if n_outputs != self._outputs:
            raise ValueError(
                f"`{name}` has {n_outputs} outputs; it must have {self._outputs}, like y"
            )
        return target

    def _check_trainable(self, data: Data) -> None:
        check_has_optimum(data.target, self._loss())

    def _must_choose(self) -> bool:
        return is_pack(self.alpha, self.l1_ratio)

    def _coefficients(self, coef: Float64Array, intercept: Float64Array) -> dict[str, Any]:
        if self._is_single:
            return {"coef_": coef[0], "intercept_": float(intercept[0])}
        return {"coef_": coef, "intercept_": intercept}
