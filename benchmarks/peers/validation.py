"""scikit-learn's check of the input alone: what a call on one row cannot go below."""

from __future__ import annotations


class Adapter:
    """validate_data, as every estimator calls it first."""

    title = "validation alone"

    def version(self) -> str:
        import sklearn

        return sklearn.__version__

    def kmeans_predict(self, X, rows, n_jobs, accept_sparse=False, **others):
        """The check of a few rows."""
        import numpy as np
        from sklearn.base import BaseEstimator
        from sklearn.utils.validation import validate_data

        model = BaseEstimator()
        options = {"accept_sparse": accept_sparse, "dtype": [np.float64, np.float32]}
        validate_data(model, X, **options)
        return lambda: {"checked": validate_data(model, rows, reset=False, **options)}

    kmeans_transform = kmeans_predict
    pca_transform = kmeans_predict
    linear_predict = kmeans_predict

    def fm_row(self, X, rows, n_jobs, **others):
        """The check of a CSR row."""
        return self.kmeans_predict(X, rows, n_jobs, accept_sparse="csr")
