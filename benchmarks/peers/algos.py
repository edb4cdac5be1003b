"""Our own estimators."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.estimators import Estimators


class Adapter(Estimators):
    """algos."""

    title = "algos"

    def version(self) -> str:
        import algos

        return algos.__version__

    def kmeans(self, **parameters):
        import algos

        return algos.KMeans(**parameters)

    def pca(self, **parameters):
        import algos

        return algos.PCA(**parameters)

    def seed(self, X, n_clusters, n_jobs):
        from algos._common.random import seed_key, stream
        from algos._common.threads import effective_n_threads
        from algos.kmeans.rows import Rows
        from algos.kmeans.seeding import plus_plus

        key = seed_key(0)
        rows = Rows(X, None, key, effective_n_threads(n_jobs))
        return X[plus_plus(rows, n_clusters, stream(key, 0))]

    def region(self, n_tasks, spin, n_jobs, **others):
        """An empty region of the thread pool."""
        from algos._common.threads import effective_n_threads
        from algos._cython._threads import _test_region

        n_threads = effective_n_threads(n_jobs)
        visits, slots = np.zeros(n_tasks, dtype=np.intp), np.zeros(n_tasks, dtype=np.intc)

        def run():
            visits[:] = 0
            _test_region(visits, slots, spin, n_threads)
            return {"visits": visits}

        return run
