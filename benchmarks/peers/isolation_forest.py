"""scikit-learn's isolation forest."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.detectors import Detectors, parts


class IsolationForests(Detectors):
    """Tasks by scikit-learn's IsolationForest."""

    def detector(self, n_trees, sample_size, seed, n_jobs):
        from sklearn.ensemble import IsolationForest

        return IsolationForest(
            n_estimators=n_trees, max_samples=sample_size, random_state=seed, n_jobs=n_jobs
        )

    def learn(self, model, X):
        model.set_params(max_samples=min(model.max_samples, len(X)))
        model.fit(X)

    def scores(self, model, X):
        return -model.score_samples(X)

    def detect_in_series(
        self, X, lengths, shingle_size, n_trees, sample_size, n_seeds, n_jobs, **others
    ):
        """Each series at once, the future included: the stretches behind each row."""

        def run():
            found = np.zeros((n_seeds, len(X)))
            for seed in range(n_seeds):
                for one, at in zip(parts(X, lengths), parts(found[seed], lengths), strict=True):
                    windows = np.lib.stride_tricks.sliding_window_view(one, shingle_size)
                    model = self.detector(n_trees, sample_size, seed, n_jobs)
                    self.learn(model, windows)
                    at[shingle_size - 1 :] = self.scores(model, windows)
            return {"scores": found, "note": "sees the future"}

        return run
