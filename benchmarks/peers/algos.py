"""Our own estimators."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.estimators import Estimators, quietly
from benchmarks.peers.our_factorization_machines import OurFactorizationMachines
from benchmarks.peers.our_forecasts import OurForecasts
from benchmarks.peers.our_forests import OurForests
from benchmarks.peers.our_linear_models import OurLinearModels
from benchmarks.peers.our_topics import OurTopics


class Adapter(
    OurLinearModels,
    OurForests,
    OurFactorizationMachines,
    OurTopics,
    OurForecasts,
    Estimators,
):
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

    def kmeans_cosine(self, X, init, max_iter, n_jobs, **others):
        """Iterations by cosine distance."""
        model = self.kmeans(
            n_clusters=len(init), init=init, n_init=1, max_iter=max_iter, tol=0, metric="cosine",
            n_jobs=n_jobs,
        )  # fmt: skip

        def run():
            quietly(lambda: model.fit(X))
            return {"centers": model.cluster_centers_, "iterations": model.n_iter_}

        return run

    def kmeans_stream(self, X, n_clusters, batch_size, n_jobs, extra_center_factor=10, **others):
        """One pass over batches."""

        def run():
            model = self.kmeans(
                n_clusters=n_clusters, extra_center_factor=extra_center_factor, random_state=0,
                n_jobs=n_jobs,
            )  # fmt: skip
            self.streamed(model, X, batch_size)
            return {"centers": model.cluster_centers_}

        return run

    def pca_stream(self, X, n_components, batch_size, n_jobs, **others):
        """One pass over batches."""

        def run():
            model = self.pca(n_components=n_components, n_jobs=n_jobs)
            self.streamed(model, X, batch_size)
            return {"variances": model.explained_variance_, "components": model.components_}

        return run

    def pca_sketch(self, X, n_components, n_jobs, **others):
        """A fit in one pass, by random projections."""
        model = self.pca(
            n_components=n_components, svd_solver="sketch", random_state=0, n_jobs=n_jobs
        )
        return self._decomposition(model, lambda: model.fit(X))

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
