"""pyod, whose isolation forest is scikit-learn's and scores what it has learned."""

from __future__ import annotations

from benchmarks.peers.detectors import Detectors


class Adapter(Detectors):
    """pyod."""

    title = "pyod, isolation forest"

    def version(self) -> str:
        from importlib.metadata import version

        import pyod.models.iforest  # noqa: F401

        return version("pyod")

    def detector(self, n_trees, sample_size, seed, n_jobs):
        from pyod.models.iforest import IForest

        return IForest(
            n_estimators=n_trees, max_samples=sample_size, random_state=seed, n_jobs=n_jobs or 1
        )

    def learn(self, model, X):
        model.set_params(max_samples=min(model.max_samples, len(X)))
        model.fit(X)

    def scores(self, model, X):
        return model.decision_function(X)

    detect_in_tables = None  # scikit-learn's scores once more
