"""river, which has half-space trees in the place of random cut forests."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.detectors import Streams


class Adapter(Streams):
    """river's half-space trees on columns that it scales into [0, 1], as they want them."""

    title = "river, half-space trees"
    per_run, fill = 2000, 600

    def version(self) -> str:
        from importlib.metadata import version

        import river.anomaly  # noqa: F401

        return version("river")

    def stream(self, n_columns, shingle_size, n_trees, sample_size, decay, seed, n_jobs):
        from river import anomaly, compose, preprocessing

        if shingle_size > 1:
            raise ValueError("river makes no shingles")
        trees = anomaly.HalfSpaceTrees(n_trees=n_trees, window_size=sample_size, seed=seed)
        return compose.Pipeline(preprocessing.MinMaxScaler(), trees)

    def follow(self, stream, X):
        scores = np.empty(len(X))
        for i, row in enumerate(X.tolist()):
            named = dict(enumerate(row))
            scores[i] = stream.score_one(named)
            stream.learn_one(named)
        return scores
