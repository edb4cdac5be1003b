"""coniferest, whose isolation forest is the fastest elsewhere."""

from __future__ import annotations

from benchmarks.peers.detectors import Detectors


class Adapter(Detectors):
    """coniferest."""

    title = "coniferest, isolation forest"

    def version(self) -> str:
        from importlib.metadata import version

        import coniferest.isoforest  # noqa: F401

        return version("coniferest")

    def detector(self, n_trees, sample_size, seed, n_jobs):
        from coniferest.isoforest import IsolationForest

        return IsolationForest(
            n_trees=n_trees, n_subsamples=sample_size, random_seed=seed, n_jobs=n_jobs or -1
        )

    def learn(self, model, X):
        model.fit(X)

    def scores(self, model, X):
        return -model.score_samples(X)
