"""snapml: stochastic dual coordinate ascent."""

from __future__ import annotations

import os

import numpy as np

from benchmarks.linear import Way
from benchmarks.peers.linear_models import TOLERANCES, LinearModels


class Adapter(LinearModels):
    """snapml; it penalises the intercept: only rows without one."""

    title = "snapml"

    def version(self) -> str:
        from importlib.metadata import version

        import snapml  # noqa: F401

        return version("snapml")

    def ways(self, problem, X, y, n_jobs):
        import snapml
        from scipy import sparse

        classes = {
            "log_loss": "LogisticRegression",
            "hinge": "SupportVectorMachine",
            "squared_error": "LinearRegression",
        }
        if problem.loss not in classes or problem.l1_ratio > 0 or problem.fit_intercept:
            return []
        rows = sparse.csr_matrix(X) if sparse.issparse(X) else X
        target = np.where(y > 0, 1.0, -1.0) if problem.is_of_classes else y
        threads = n_jobs or len(os.sched_getaffinity(0))

        def fit(tolerance):
            model = getattr(snapml, classes[problem.loss])(
                regularizer=problem.alpha * X.shape[0],
                max_iter=2000,
                tol=tolerance,
                n_jobs=threads,
                random_state=0,
            )
            return {"coef": np.asarray(model.fit(rows, target).coef_)}

        return [Way("dual", TOLERANCES, fit)]
