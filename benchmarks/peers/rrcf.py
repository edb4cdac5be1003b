"""rrcf: the paper's forest in Python, whose score is the collusive displacement."""

from __future__ import annotations

import sys
import types
from collections import deque

import numpy as np

from benchmarks.peers.detectors import Streams


class Adapter(Streams):
    """rrcf; the oldest row leaves a tree that is full, as in its documentation."""

    title = "rrcf"
    per_run, fill = 100, 300

    def version(self) -> str:
        from importlib.metadata import version

        self._trees()
        return version("rrcf")

    @staticmethod
    def _trees():
        if "pkg_resources" not in sys.modules:  # rrcf 0.4.4 wants it, setuptools has dropped it
            stub = types.ModuleType("pkg_resources")
            stub.get_distribution = lambda name: types.SimpleNamespace(version="")
            sys.modules["pkg_resources"] = stub
        import rrcf

        return rrcf

    def stream(self, n_columns, shingle_size, n_trees, sample_size, decay, seed, n_jobs):
        rrcf, rng = self._trees(), np.random.default_rng(seed)
        trees = [rrcf.RCTree(random_state=int(rng.integers(2**31))) for _ in range(n_trees)]
        window = deque(maxlen=shingle_size)
        return {"trees": trees, "size": sample_size, "window": window, "seen": 0}

    def follow(self, stream, X):
        return np.array([self._next(stream, row) for row in np.asarray(X, dtype=np.float64)])

    @staticmethod
    def _next(stream, row):
        stream["window"].append(row)
        if len(stream["window"]) < stream["window"].maxlen:
            return 0.0
        point, seen, total = np.concatenate(stream["window"]), stream["seen"], 0.0
        for tree in stream["trees"]:
            if len(tree.leaves) >= stream["size"]:
                tree.forget_point(seen - stream["size"])
            tree.insert_point(point, index=seen)
            total += tree.codisp(seen)
        stream["seen"] += 1
        return total / len(stream["trees"])
