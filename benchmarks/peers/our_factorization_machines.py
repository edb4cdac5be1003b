"""Our factorization machines."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from benchmarks.peers.estimators import quietly
from benchmarks.peers.factorization_machines import FactorizationMachines

# Penalties for ratings on a scale from 1 to 5, which serve everybody's ALS.
ALS_LINEAR, ALS_FACTORS = 3.0, 15.0


class OurFactorizationMachines(FactorizationMachines):
    """Tasks of factorization machines by `algos`."""

    def rater(self, n_factors, seed, n_jobs, *, way="defaults", sweeps=None, sizes=None):
        from algos import FactorizationMachineRegressor

        settings = {
            "defaults": {},
            "gibbs": {"solver": "mcmc", "max_iter": sweeps},
            "als": {
                "solver": "als", "max_iter": sweeps, "tol": 0.0, "alpha": ALS_FACTORS,
                "alpha_linear": ALS_LINEAR,
            },
        }  # fmt: skip
        if way not in settings:
            return None
        model = FactorizationMachineRegressor(
            n_factors, random_state=seed, n_jobs=n_jobs, **settings[way]
        )
        return lambda X, y: model.fit(X, y).predict

    def clicker(
        self, n_factors, seed, n_jobs, *, setting=None, way="defaults", sweeps=None, sizes=None
    ):
        from algos import FactorizationMachineClassifier

        if setting is not None:
            settings = {
                "solver": "adagrad",
                "max_iter": setting.epochs,
                "learning_rate_init": setting.learning_rate,
                "alpha": setting.alpha,
                "alpha_linear": setting.alpha,
                "early_stopping": False,
            }
        else:
            settings = {} if way == "defaults" else {"solver": "mcmc", "max_iter": sweeps}
        model = FactorizationMachineClassifier(
            n_factors, random_state=seed, n_jobs=n_jobs, **settings
        )

        def learn(X, y):
            quietly(lambda: model.fit(X, y))
            return lambda rows: model.predict_proba(rows)[:, 1]

        return learn

    def fm_ranking(self, X, held, n_factors, n_seeds, n_jobs, **others):
        """Fits by pairs of an item that was taken and one that was not, and all scores."""
        from algos import FactorizationMachineClassifier

        n_users, n_items = X.shape
        users, items = X.tocoo().coords
        of_users = sparse.eye_array(n_users, dtype=np.float32, format="csr")
        of_items = sparse.eye_array(n_items, dtype=np.float32, format="csr")
        rows = sparse.hstack([of_users[users], of_items[items]], format="csr")
        model = FactorizationMachineClassifier(
            n_factors, loss="bpr", item_features=np.arange(n_users, n_users + n_items),
            n_jobs=n_jobs,
        )  # fmt: skip

        def scores(seed):
            model.set_params(random_state=seed)
            quietly(lambda: model.fit(rows, np.ones(len(users), dtype=np.int64), groups=users))
            factors = np.asarray(model.factors_, dtype=np.float64)
            linear = np.ravel(model.coef_)[n_users:]
            return factors[:n_users] @ factors[n_users:].T + linear

        return lambda: {"scores": [scores(seed) for seed in range(n_seeds)]}

    def fm_wide(self, X, y, n_factors, n_jobs, **others):
        """A fit to few rows of very many columns, with defaults."""
        learn = self.rater(n_factors, 0, n_jobs)

        def run():
            return {"predictions": learn(X, y)(X)}

        return run
