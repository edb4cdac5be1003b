"""pysad, whose random cut forest stands on rrcf."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.detectors import Streams
from benchmarks.peers.rrcf import Adapter as Rrcf


class Adapter(Streams):
    """pysad."""

    title = "pysad"
    per_run, fill = 100, 300

    def version(self) -> str:
        from importlib.metadata import version

        Rrcf().version()
        import pysad.models  # noqa: F401

        return version("pysad")

    def stream(self, n_columns, shingle_size, n_trees, sample_size, decay, seed, n_jobs):
        from pysad.models import RobustRandomCutForest

        np.random.seed(seed)  # noqa: NPY002 (it has no other)
        return RobustRandomCutForest(
            num_trees=n_trees, shingle_size=shingle_size, tree_size=sample_size
        )

    def follow(self, stream, X):
        return np.array([np.ravel(stream.fit_score_partial(row))[0] for row in X])
