"""Methods of a fitted KMeans: labels, distances and a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from algos._common.scale import exponent_of, scaled, unscaled, weights_in_range
from algos._common.threads import threads_for
from algos._common.validation import check_sample_weight, drop_zero_weight, validate_dense_or_csr
from algos.kmeans.metric import distances_to, inertia_of, label_rows


class Fitted(TransformerMixin, ClassNamePrefixFeaturesOutMixin):
    """Mixin of KMeans: the methods that need only the centres.

    It derives from TransformerMixin itself, since `set_output` wraps `transform` only if the
    class that defines it is a transformer.
    """

    cluster_centers_: NDArray[Any]
    metric: str
    n_jobs: int | None
    _exponent: int
    _check_has_centers: Callable[[], None]

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Return the label of the nearest centre for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
        """
        X, centers, _ = self._checked(X)
        return label_rows(X, centers, self._threads_for(X), self.metric)

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the distance of each row to each centre.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        distances : ndarray of shape (n_samples, n_clusters)
            In the dtype of X: Euclidean distances, or 1 - cos.
        """
        X, centers, exponent = self._checked(X)
        with np.errstate(over="ignore"):  # infinite where the distance overflows
            distances = distances_to(X, centers, self._threads_for(X), self.metric)
            return scaled(distances, -exponent)  # type: ignore[no-any-return]

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return minus the inertia of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
        """
        X, centers, exponent = self._checked(X)
        X, weight = drop_zero_weight(X, check_sample_weight(sample_weight, X.shape[0]))
        weight, weight_exponent = weights_in_range(weight)
        inertia, unit = inertia_of(X, weight, centers, self._threads_for(X), self.metric)
        return -unscaled(inertia, unit + 2 * exponent + weight_exponent)

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def _checked(self, X: Any) -> tuple[Any, NDArray[Any], int]:
        """Return rows and centres in the rows' dtype, both divided by 2**exponent."""
        self._check_has_centers()
        X = validate_dense_or_csr(self, X, reset=False)
        exponent = self._exponent_for(X.dtype)
        centers = scaled(self.cluster_centers_, exponent)
        centers = np.ascontiguousarray(centers, dtype=X.dtype)
        return scaled(X, exponent), centers, exponent

    def _exponent_for(self, dtype: Any) -> int:
        """Return e such that the squares of the centres / 2**e do not overflow in `dtype`."""
        if dtype == self.cluster_centers_.dtype:
            return self._exponent
        exponent = exponent_of(self.cluster_centers_)
        return exponent if abs(exponent) > np.finfo(dtype).maxexp // 4 else 0

    def _threads_for(self, X: Any) -> int:
        return threads_for(self.n_jobs, X.size * self._n_features_out)
