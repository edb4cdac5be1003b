"""Predictions of a fitted classifier: scores, classes and probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from algos._common.arrays import Float64Array
from algos._common.labels import class_decided
from algos.factorization_machine.links import decisions, log_probabilities, probabilities
from algos.factorization_machine.model import FittedMachine
from algos.factorization_machine.scoring import in_dtype

_LARGEST = 1e300  # score


class ClassifierModel(FittedMachine):
    """Predictions of a classifier."""

    classes_: NDArray[Any]
    _labels_seen: NDArray[Any]
    _link: str

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the score of each row, for each class if there are more than two.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            In the dtype of X. For "mcmc" the mean score, shrunk to allow for the spread of the
            draws, so that the logistic function of it is the mean probability.
        """
        found, dtype = self._decisions(X)
        largest = np.finfo(dtype).max
        found = np.clip(found, -largest, largest).astype(dtype, copy=False)
        return found[:, 0] if found.shape[1] == 1 else found

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

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the dtype of X. With "bpr" they are only a ranking.
        """
        found, dtype = self._decisions(X)
        return probabilities(found, self._link).astype(dtype, copy=False)

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithms of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
        """
        found, dtype = self._decisions(X)
        logs = in_dtype(log_probabilities(found, self._link), dtype)
        # Probabilities that round to 1 have a logarithm of 0.
        logs[probabilities(found, self._link).astype(dtype, copy=False) == 1] = 0
        return logs

    def _check_learned(self) -> None:
        if "_labels_seen" in self.__dict__:
            raise NotFittedError(
                f"This {type(self).__name__} has seen only class "
                f"{self._labels_seen.tolist()[0]!r}; call partial_fit with rows of a second class"
            )
        super()._check_learned()

    def _decisions(self, X: Any) -> tuple[Float64Array, Any]:
        self._check_learned()
        rows = self._validated_rows(X, reset=False)
        mean = np.clip(self._scores(rows), -_LARGEST, _LARGEST)
        found = decisions(mean, self._variance(rows), self._link)
        return found, rows.dtype
