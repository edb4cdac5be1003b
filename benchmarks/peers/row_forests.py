"""Forests in other languages, called row by row."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.detectors import Detectors, Streams


class RowForests(Streams, Detectors):
    """Tasks of a forest with `score(row)` and `update(row)`."""

    most_learned, most_scored = 20_000, 5_000
    patient = True

    def detector(self, n_trees, sample_size, seed, n_jobs):
        """Return a box for the forest, which wants to know its width."""
        return {"options": (n_trees, sample_size, 0.0, seed, n_jobs)}

    def learn(self, model, X):
        model["forest"] = forest = self.stream(X.shape[1], 1, *model["options"])
        for row in np.asarray(X, dtype=np.float64):
            forest.update(row)

    def scores(self, model, X):
        score = model["forest"].score
        return np.array([score(row) for row in np.asarray(X, dtype=np.float64)])

    def follow(self, stream, X):
        scores = np.empty(len(X))
        for i, row in enumerate(np.asarray(X, dtype=np.float64)):
            scores[i] = self.score_and_learn(stream, row)
        return scores

    def score_and_learn(self, stream, row):
        score = stream.score(row)
        stream.update(row)
        return score
