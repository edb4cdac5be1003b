"""Predictions of a fitted regressor: numbers, their uncertainty, and level probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float64Array
from algos._common.scale import exponent_of, scaled, unscaled
from algos._cython.fm_latent import add_level_probabilities
from algos.factorization_machine.model import FittedMachine
from algos.factorization_machine.posterior import Draws, predict_levels
from algos.factorization_machine.sampler import ALPHA_INTERCEPT
from algos.factorization_machine.scoring import in_dtype
from algos.factorization_machine.target_scaling import TargetMoments

_LARGEST = 1e300  # score


class RegressorModel(FittedMachine):
    """Predictions of a regressor."""

    loss: str
    solver_: str
    levels_: NDArray[Any]
    _link: str
    _targets_seen: tuple[float, ...]

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the prediction of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to return the standard deviation of each prediction over the posterior as well:
            the uncertainty that more data would reduce, without the noise of y. With
            "ordered_probit" it is that of the level, including the noise. Only with "mcmc".

        Returns
        -------
        y : ndarray of shape (n_samples,)
            In the dtype of X; infinite where a prediction overflows it.
        std : ndarray of shape (n_samples,)
            Only with `return_std`.
        """
        check_is_fitted(self, "solver_")
        rows = self._validated_rows(X, reset=False)
        if return_std and self._draws is None and not self._is_sure:
            raise ValueError(
                "`return_std`=True needs the draws of solver='mcmc', without `merge` or "
                "`partial_fit` after the fit; fit with solver='mcmc'"
            )
        if self._link == "ordered_probit":
            return self._predicted_levels(rows, return_std)
        predicted = in_dtype(self._scores(rows)[:, 0], rows.dtype)
        if not return_std:
            return predicted
        if self._draws is None:
            spread = np.full(len(predicted), self._spread_of_constant())
            return predicted, in_dtype(spread, rows.dtype)
        variance = self._variance(rows)
        assert variance is not None
        return predicted, in_dtype(np.sqrt(variance[:, 0]) * self._unit.spread, rows.dtype)

    def _spread_of_constant(self) -> float:
        """Return the posterior standard deviation of the intercept of a constant model."""
        seen = TargetMoments(*self._targets_seen)
        return seen.deviation / float(np.sqrt(seen.weight + ALPHA_INTERCEPT))

    def predict_level_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each level, for `loss="ordered_probit"`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_levels)
            Levels as in `levels_`.
        """
        check_is_fitted(self, "solver_")
        if self._link != "ordered_probit":
            raise ValueError(
                f"`loss`={self.loss!r} must be 'ordered_probit' for `predict_level_proba`; "
                f"fit with it"
            )
        rows = self._validated_rows(X, reset=False)
        return self._level_probabilities(rows).astype(rows.dtype, copy=False)

    def _level_probabilities(self, rows: Any) -> Float64Array:
        threads = self._threads(rows, self.n_factors)
        if self._draws is not None:
            return predict_levels(self._columns().rows(rows), Draws(**self._draws[0]), threads)
        assert self._cuts is not None
        scores = np.clip(self._scores(rows)[:, 0], -_LARGEST, _LARGEST)
        shares = np.zeros((len(scores), len(self._cuts) - 1))
        add_level_probabilities(scores, self._cuts, shares, threads)
        return np.clip(shares, 0.0, 1.0)

    def _predicted_levels(self, rows: Any, return_std: bool) -> Any:
        shares = self._level_probabilities(rows)
        exponent = exponent_of(self.levels_)  # near 1, squares do not overflow
        levels = scaled(self.levels_, exponent)
        predicted = _weighted_sum(shares, levels)
        expected = in_dtype(unscaled(predicted, exponent), rows.dtype)
        if not return_std:
            return expected
        square = _weighted_sum(shares, (levels - levels.mean()) ** 2)
        spread = np.sqrt(np.maximum(square - (predicted - levels.mean()) ** 2, 0.0))
        return expected, in_dtype(unscaled(spread, exponent), rows.dtype)


def _weighted_sum(shares: Float64Array, values: Float64Array) -> Float64Array:
    """Return `shares @ values`, with the same bits for a row alone and in a batch."""
    return np.asarray((shares * values).sum(axis=1))
