"""The tasks of k-means and PCA for any library with scikit-learn's classes."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches

Run = Callable[[], dict[str, Any]]


def quietly(fit: Callable[[], Any]) -> Any:
    """Call `fit`; that it stops before convergence is told by its outcome instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit()


class Estimators:
    """Tasks by a KMeans and a PCA class.

    Subclasses give `kmeans(**parameters)`, `pca(**parameters)`, of which `n_jobs` is one.
    """

    def kmeans_iterations(self, X, init, max_iter, n_jobs, **others) -> Run:
        """Lloyd's iterations, their number fixed, from given centres."""
        model = self.kmeans(
            n_clusters=len(init), init=init, n_init=1, max_iter=max_iter, tol=0, n_jobs=n_jobs
        )
        return self._clustering(model, X)

    def kmeans_fit(self, X, n_clusters, n_jobs, **others) -> Run:
        """Fits with defaults, to convergence, each with another seed."""
        model = self.kmeans(n_clusters=n_clusters, random_state=0, n_jobs=n_jobs)
        fit = self._clustering(model, X, max_iter=model.max_iter)
        seeds = itertools.count()

        def run():
            model.random_state = next(seeds)
            return fit()

        return run

    def kmeans_cosine(self, X, init, max_iter, n_jobs, **others) -> Run:
        """Iterations by cosine distance, which Euclidean ones of normalised rows stand for."""
        model = self.kmeans(
            n_clusters=len(init),
            init=normalize(init),
            n_init=1,
            max_iter=max_iter,
            tol=0,
            n_jobs=n_jobs,
        )

        def run():
            quietly(lambda: model.fit(normalize(X)))
            return {"centers": model.cluster_centers_, "iterations": model.n_iter_}

        return run

    def kmeans_seed(self, X, n_clusters, n_jobs, **others) -> Run:
        """Greedy k-means++ alone."""
        return lambda: {"centers": self.seed(X, n_clusters, n_jobs)}

    def kmeans_predict(self, X, init, rows, n_jobs, **others) -> Run:
        """The labels of a few rows."""
        model = self.kmeans(n_clusters=len(init), init=init, n_init=1, max_iter=2, n_jobs=n_jobs)
        quietly(lambda: model.fit(X))
        return lambda: {"labels": model.predict(rows), "centers": model.cluster_centers_}

    def kmeans_transform(self, X, init, rows, n_jobs, **others) -> Run:
        """The distances of a few rows."""
        model = self.kmeans(n_clusters=len(init), init=init, n_init=1, max_iter=2, n_jobs=n_jobs)
        quietly(lambda: model.fit(X))
        return lambda: {"distances": model.transform(rows), "centers": model.cluster_centers_}

    def pca_fit(self, X, n_components, n_jobs, **others) -> Run:
        """A fit with defaults."""
        model = self.pca(n_components=n_components, random_state=0, n_jobs=n_jobs)
        return self._decomposition(model, lambda: model.fit(X))

    def pca_transform(self, X, n_components, rows, n_jobs, **others) -> Run:
        """The projections of a few rows."""
        model = self.pca(n_components=n_components, random_state=0, n_jobs=n_jobs).fit(X)
        return lambda: {
            "projections": model.transform(rows),
            "mean": model.mean_,
            "components": model.components_,
        }

    @staticmethod
    def streamed(model, X, batch_size):
        """Learn all rows of X, batch by batch."""
        for batch in gen_batches(len(X), batch_size):
            model.partial_fit(X[batch])

    @staticmethod
    def _decomposition(model, fit) -> Run:
        def run():
            fit()
            return {"variances": model.explained_variance_, "components": model.components_}

        return run

    @staticmethod
    def _clustering(model, X, max_iter=None) -> Run:
        def run():
            quietly(lambda: model.fit(X))
            outcome = {
                "centers": np.asarray(model.cluster_centers_),
                "inertia": model.inertia_,
                "iterations": model.n_iter_,
            }
            if max_iter is not None:
                outcome["converged"] = model.n_iter_ < max_iter
            return outcome

        return run
