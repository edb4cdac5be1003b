"""glum's generalised linear models."""

from __future__ import annotations

from benchmarks.linear import Way
from benchmarks.peers.linear_models import TOLERANCES, LinearModels, fit_of

_FAMILIES = {
    "squared_error": "normal",
    "log_loss": "binomial",
    "poisson": "poisson",
    "gamma": "gamma",
}


class Adapter(LinearModels):
    """glum; its threads are set by the environment."""

    title = "glum"

    def version(self) -> str:
        import glum

        return glum.__version__

    def ways(self, problem, X, y, n_jobs):
        from glum import GeneralizedLinearRegressor, TweedieDistribution

        if problem.loss == "tweedie":
            family = TweedieDistribution(problem.parameter)
        elif problem.loss in _FAMILIES and X.shape[1] < 5000:  # it forms d² numbers
            family = _FAMILIES[problem.loss]
        else:
            return []

        def make(tolerance):
            return GeneralizedLinearRegressor(
                family=family,
                link="identity" if family == "normal" else "auto",
                alpha=problem.alpha,
                l1_ratio=problem.l1_ratio,
                fit_intercept=problem.fit_intercept,
                gradient_tol=tolerance,
                max_iter=1000,
            )

        return [Way("irls", TOLERANCES, fit_of(make, X, y.astype(X.dtype)))]
