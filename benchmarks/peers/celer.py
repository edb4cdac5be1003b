"""celer: working sets for L1."""

from __future__ import annotations

from benchmarks.linear import Way
from benchmarks.peers.linear_models import TOLERANCES, LinearModels, fit_of


class Adapter(LinearModels):
    """celer."""

    title = "celer"

    def version(self) -> str:
        import celer

        return celer.__version__

    def ways(self, problem, X, y, n_jobs):
        from celer import ElasticNet, LogisticRegression

        if problem.l1_ratio == 0 or problem.loss not in ("squared_error", "log_loss"):
            return []
        if problem.loss == "log_loss" and (problem.fit_intercept or problem.l1_ratio != 1):
            return []

        def make(tolerance):
            if problem.loss == "log_loss":
                return LogisticRegression(1 / (problem.alpha * X.shape[0]), tol=tolerance)
            return ElasticNet(
                problem.alpha,
                l1_ratio=problem.l1_ratio,
                fit_intercept=problem.fit_intercept,
                tol=tolerance,
            )

        if problem.loss == "log_loss":  # of float64 rows alone
            return [Way("working sets", TOLERANCES, fit_of(make, X.astype("float64"), y))]
        return [Way("working sets", TOLERANCES, fit_of(make, X, y.astype(X.dtype)))]

    def path_ways(self, X, y, alphas, n_jobs):
        from celer import celer_path

        def fit(tolerance):
            return {"coefs": celer_path(X, y, "lasso", alphas=alphas, tol=tolerance)[1].T}

        return [Way("celer_path", TOLERANCES, fit)]
