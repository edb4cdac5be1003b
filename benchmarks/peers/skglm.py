"""skglm: working sets for L1; its code is compiled before the timed runs."""

from __future__ import annotations

from benchmarks.linear import Way
from benchmarks.peers.linear_models import TOLERANCES, LinearModels, fit_of


class Adapter(LinearModels):
    """skglm."""

    title = "skglm"

    def version(self) -> str:
        import skglm

        return skglm.__version__

    def ways(self, problem, X, y, n_jobs):
        from skglm import ElasticNet, GeneralizedLinearEstimator, SparseLogisticRegression
        from skglm.datafits import Huber
        from skglm.penalties import L1
        from skglm.solvers import AndersonCD

        def make(tolerance):
            common = {"fit_intercept": problem.fit_intercept, "tol": tolerance}
            if problem.loss == "squared_error":
                return ElasticNet(problem.alpha, l1_ratio=problem.l1_ratio, **common)
            if problem.loss == "log_loss":
                return SparseLogisticRegression(problem.alpha, **common)
            datafit, solver = Huber(problem.parameter), AndersonCD(**common)
            return GeneralizedLinearEstimator(datafit, L1(problem.alpha), solver)

        can = {"squared_error": problem.l1_ratio > 0, "log_loss": problem.l1_ratio == 1}
        if not can.get(problem.loss, problem.loss == "huber" and problem.l1_ratio == 1):
            return []
        target = y if problem.is_of_classes else y.astype(X.dtype)
        return [Way("working sets", TOLERANCES, fit_of(make, X, target))]
