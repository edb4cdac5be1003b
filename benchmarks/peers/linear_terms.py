"""Our linear learner where factorization machines are compared: what interactions add."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.factorization_machines import FactorizationMachines


class Adapter(FactorizationMachines):
    """algos' linear learner: of ratings, the biases of users and items alone."""

    title = "algos, linear learner"

    def version(self) -> str:
        import algos

        return algos.__version__

    def rater(self, n_factors, seed, n_jobs, *, way="defaults", sweeps=None, sizes=None):
        from algos import LinearLearnerRegressor

        if way != "defaults":
            return None
        width = None if sizes is None else int(np.sum(sizes[:2]))
        model = LinearLearnerRegressor(standardize=False, random_state=seed, n_jobs=n_jobs)

        def learn(X, y):
            model.fit(X[:, :width], y)
            return lambda rows: model.predict(rows[:, :width])

        return learn

    def clicker(
        self, n_factors, seed, n_jobs, *, setting=None, way="defaults", sweeps=None, sizes=None
    ):
        from algos import LinearLearnerClassifier

        if way != "defaults":
            return None
        model = LinearLearnerClassifier(standardize=False, random_state=seed, n_jobs=n_jobs)

        def learn(X, y):
            model.fit(X, y)
            return lambda rows: model.predict_proba(rows)[:, 1]

        return learn
