"""liblinear, by its own Python package; the conversion of the rows is not timed."""

from __future__ import annotations

import os

from benchmarks.linear import Way
from benchmarks.peers.linear_models import TOLERANCES, LinearModels

# (loss, l1_ratio) → the numbers of its solvers
_SOLVERS = {
    ("log_loss", 0.0): {"dual": 7, "primal": 0},
    ("log_loss", 1.0): {"L1": 6},
    ("hinge", 0.0): {"dual": 3},
    ("squared_hinge", 0.0): {"dual": 1, "primal": 2},
    ("squared_hinge", 1.0): {"L1": 5},
    ("squared_epsilon_insensitive", 0.0): {"dual": 12, "primal": 11},
    ("epsilon_insensitive", 0.0): {"dual": 13},
}


class Adapter(LinearModels):
    """liblinear or liblinear-multicore. It penalises the intercept: only rows without one."""

    title = "liblinear"

    def version(self) -> str:
        from importlib.metadata import PackageNotFoundError, version

        from liblinear import liblinear  # noqa: F401

        try:
            return version("liblinear-multicore")
        except PackageNotFoundError:
            return version("liblinear-official")

    def ways(self, problem, X, y, n_jobs):
        import numpy as np
        from liblinear.liblinear import problem as convert
        from liblinear.liblinearutil import parameter, train
        from scipy import sparse

        solvers = _SOLVERS.get((problem.loss, problem.l1_ratio), {})
        if not solvers or problem.fit_intercept:
            return []
        target = np.where(y > 0, 1.0, -1.0) if problem.is_of_classes else y
        converted = convert(target, sparse.csr_matrix(X, dtype=np.float64))
        c = 1 / (problem.alpha * X.shape[0])
        threads = n_jobs or len(os.sched_getaffinity(0))

        def fit(number):
            def fit_to(tolerance):
                options = f"-s {number} -c {c!r} -e {tolerance} -p {problem.parameter} -q"
                if threads > 1 and number in (0, 1, 2, 3, 6, 11):
                    options += f" -m {threads}"
                model = train(converted, parameter(options))
                coef = np.array(model.get_decfun()[0])
                is_turned = problem.is_of_classes and model.get_labels()[0] < 0
                return {"coef": -coef if is_turned else coef}

            return fit_to

        return [Way(name, TOLERANCES, fit(number)) for name, number in solvers.items()]
