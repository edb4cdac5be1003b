"""Our random cut forest."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.detectors import Detectors, Streams


class OurForests(Streams, Detectors):
    """Tasks of random cut forests by `algos`, with defaults or other `parameters`."""

    parameters: dict = {}  # noqa: RUF012

    def detector(self, n_trees, sample_size, seed, n_jobs, **others):
        import algos

        return algos.RandomCutForest(
            n_trees, max_samples=sample_size, random_state=seed, n_jobs=n_jobs,
            **self.parameters, **others,
        )  # fmt: skip

    def learn(self, model, X):
        model.fit(X)

    def scores(self, model, X):
        return model.anomaly_score(X)

    def stream(self, n_columns, shingle_size, n_trees, sample_size, decay, seed, n_jobs):
        return self.detector(
            n_trees, sample_size, seed, n_jobs, shingle_size=shingle_size, time_decay=decay
        )

    def follow(self, stream, X):
        """Return scores from calls of 4096 rows."""
        rows = range(0, len(X), 4096)
        return np.concatenate([stream.score_partial_fit(X[i : i + 4096]) for i in rows])

    def follow_rows(self, stream, X):
        scores = np.empty(len(X))
        for i in range(len(X)):
            scores[i] = stream.score_partial_fit(X[i : i + 1])[0]
        return scores
