"""scikit-learn-intelex, its classes taken as they are: scikit-learn itself stays unpatched."""

from __future__ import annotations

from benchmarks.linear import Way
from benchmarks.peers.estimators import Estimators
from benchmarks.peers.linear_models import ITERATIONS, LinearModels, fit_of, with_defaults


class Adapter(LinearModels, Estimators):
    """scikit-learn-intelex."""

    title = "intelex"

    def version(self) -> str:
        from importlib.metadata import version

        import sklearnex  # noqa: F401

        return version("scikit-learn-intelex")

    def kmeans(self, **parameters):
        from sklearnex.cluster import KMeans

        return KMeans(**parameters)

    def pca(self, **parameters):
        from sklearnex.decomposition import PCA

        return PCA(**parameters)

    def ways(self, problem, X, y, n_jobs):
        from scipy import sparse
        from sklearnex.linear_model import LogisticRegression, Ridge

        if problem.l1_ratio > 0 or sparse.issparse(X):
            return []
        strength = problem.alpha * X.shape[0]
        if problem.loss == "squared_error":
            model = Ridge(strength, fit_intercept=problem.fit_intercept)
            return [Way("normal equations", [""], fit_of(lambda _: model, X, y))]
        if problem.loss not in ("log_loss", "multinomial"):
            return []

        def make(solver):
            return lambda most: LogisticRegression(
                C=1 / strength,
                solver=solver,
                fit_intercept=problem.fit_intercept,
                tol=1e-12,
                max_iter=most,
            )

        solvers = ("lbfgs", "newton-cg")
        return [Way(solver, ITERATIONS, fit_of(make(solver), X, y)) for solver in solvers]

    def linear_defaults(self, X, y, alpha, n_jobs, **others):
        """A fit with the defaults of everything but the penalty."""
        from sklearnex.linear_model import LogisticRegression

        return with_defaults(LogisticRegression(C=1 / (alpha * len(X))), X, y)

    kmeans_seed = None  # it has no function for that
