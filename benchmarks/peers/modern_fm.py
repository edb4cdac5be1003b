"""modern-fm: stochastic steps in Rust."""

from __future__ import annotations

from benchmarks.peers.factorization_machines import FactorizationMachines

_BATCH = 256  # of its throughput: with its default of 1 it runs on one thread, and slower


class Adapter(FactorizationMachines):
    """modern-fm."""

    title = "modern-fm"

    def version(self) -> str:
        import modern_fm

        return modern_fm.__version__

    def rater(self, n_factors, seed, n_jobs, *, way="defaults", sweeps=None, sizes=None):
        import modern_fm

        if way != "defaults":
            return None
        model = modern_fm.FMRegressor(n_factors, random_state=seed, n_jobs=n_jobs or -1)
        return lambda X, y: model.fit(X, y).predict

    def clicker(
        self, n_factors, seed, n_jobs, *, setting=None, way="defaults", sweeps=None, sizes=None
    ):
        import modern_fm

        if way == "gibbs":
            return None
        own = {}
        if setting is not None:
            own = {
                "learning_rate": setting.learning_rate,
                "l2_linear": setting.alpha,
                "l2_factors": setting.alpha,
                "max_iter": setting.epochs,
                "init_scale": 0.1,  # with its default of 0.01 a few epochs teach it nothing
            }
        model = modern_fm.FMClassifier(n_factors, random_state=seed, n_jobs=n_jobs or -1, **own)

        def learn(X, y):
            model.fit(X, y)
            return lambda rows: model.predict_proba(rows)[:, 1]

        return learn
