"""faiss, the k-means of which is the fastest elsewhere (float32 only)."""

from __future__ import annotations

import numpy as np


class Adapter:
    """faiss-cpu."""

    title = "faiss"

    def version(self) -> str:
        import faiss

        return faiss.__version__

    def kmeans_iterations(self, X, init, max_iter, n_jobs, **others):
        """Lloyd's iterations, their number fixed, from given centres and on all rows."""
        import faiss

        if n_jobs is not None:
            faiss.omp_set_num_threads(n_jobs)

        def run():
            model = faiss.Kmeans(
                X.shape[1], len(init), niter=max_iter, max_points_per_centroid=len(X)
            )
            model.train(X, init_centroids=init)
            return {
                "centers": np.asarray(model.centroids),
                "inertia": float(model.obj[-1]),
                "iterations": max_iter,
            }

        return run
