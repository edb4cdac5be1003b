"""faiss, the k-means of which is the fastest elsewhere (float32 and dense rows only)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse


class Adapter:
    """faiss-cpu."""

    title = "faiss"

    def version(self) -> str:
        import faiss

        return faiss.__version__

    def kmeans_iterations(self, X, init, max_iter, n_jobs, spherical=False, **others):
        """Lloyd's iterations, their number fixed, from given centres and on all rows."""
        if issparse(X):
            return None
        faiss = self._with_threads(n_jobs)

        def run():
            model = faiss.Kmeans(
                X.shape[1],
                len(init),
                niter=max_iter,
                max_points_per_centroid=len(X),
                spherical=spherical,
            )
            model.train(X, init_centroids=init)
            return {
                "centers": np.asarray(model.centroids),
                "inertia": float(model.obj[-1]),
                "iterations": max_iter,
            }

        return run

    def kmeans_cosine(self, X, init, max_iter, n_jobs, **others):
        """Spherical iterations of normalised rows."""
        from sklearn.preprocessing import normalize

        start = normalize(init)
        return lambda: self.kmeans_iterations(normalize(X), start, max_iter, n_jobs, True)()

    def kmeans_predict(self, X, init, rows, n_jobs, **others):
        """A search for the nearest of some centres, which needs no check of its input."""
        faiss = self._with_threads(n_jobs)
        index = faiss.IndexFlatL2(X.shape[1])
        index.add(init)
        return lambda: {"labels": index.search(rows, 1)[1][:, 0]}

    def pca_fit(self, X, n_components, n_jobs, **others):
        """A PCA matrix of all rows; by default it takes a sample of them."""
        if issparse(X):
            return None
        faiss = self._with_threads(n_jobs)
        n, d = X.shape

        def run():
            model = faiss.PCAMatrix(d, n_components)
            model.max_points_per_d = n
            model.train(X)
            values = faiss.vector_to_array(model.eigenvalues)[:n_components]
            vectors = faiss.vector_to_array(model.PCAMat).reshape(-1, d)[:n_components]
            return {"variances": values / (n - 1), "components": vectors}

        return run

    @staticmethod
    def _with_threads(n_jobs):
        import faiss

        if n_jobs is not None:
            faiss.omp_set_num_threads(n_jobs)
        return faiss
