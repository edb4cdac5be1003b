"""isotree, the isolation forest of many variants, as it is by scikit-learn's definition."""

from __future__ import annotations

from benchmarks.peers.detectors import Detectors


class Adapter(Detectors):
    """isotree."""

    title = "isotree"

    def version(self) -> str:
        from importlib.metadata import version

        import isotree  # noqa: F401

        return version("isotree")

    def detector(self, n_trees, sample_size, seed, n_jobs):
        from isotree import IsolationForest

        return IsolationForest(
            ntrees=n_trees,
            sample_size=sample_size,
            ndim=1,
            missing_action="fail",
            random_seed=seed + 1,
            nthreads=n_jobs or -1,
        )

    def learn(self, model, X):
        model.set_params(sample_size=min(model.sample_size, len(X)))
        model.fit(X)

    def scores(self, model, X):
        return model.predict(X)
