"""Methods of PCA as a probabilistic model: covariance, precision and likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from algos._common.arrays import FloatArray
from algos._common.validation import validate_dense_or_csr
from algos.pca.model import Model

SCORE_ROWS = 4096  # scored at a time, in double


class Probabilistic:
    """Mixin of PCA: the covariance of its model, and the likelihood of rows."""

    components_: FloatArray
    mean_: FloatArray
    _check_has_components: Callable[[], None]
    _model: Callable[[], Model]
    _n_threads: Callable[[], int]

    def get_covariance(self) -> FloatArray:
        """Return the covariance of the model: the components plus isotropic noise.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            ``components_.T @ diag(v) @ components_ + noise_variance_ * eye``, where v is
            the excess of the explained variances over the noise.
        """
        self._check_has_components()
        return self._model().covariance().astype(self.components_.dtype)

    def get_precision(self) -> FloatArray:
        """Return the inverse of the model's covariance.

        Variances are floored at the rounding of the largest, so the inverse always exists.

        Returns
        -------
        precision : ndarray of shape (n_features, n_features)
        """
        self._check_has_components()
        return self._model().precision().astype(self.components_.dtype)

    def score_samples(self, X: Any) -> FloatArray:
        """Return the log-likelihood of each row under the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
        """
        self._check_has_components()
        X = validate_dense_or_csr(self, X, reset=False)
        model, n_threads = self._model(), self._n_threads()
        blocks = (X[start : start + SCORE_ROWS] for start in range(0, X.shape[0], SCORE_ROWS))
        with np.errstate(over="ignore"):  # -inf for rows far from all training rows
            scores = [model.log_likelihood(block, self.mean_, n_threads) for block in blocks]
            return np.concatenate(scores).astype(X.dtype)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of the rows under the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        log_likelihood : float
        """
        return float(np.mean(self.score_samples(X), dtype=np.float64))
