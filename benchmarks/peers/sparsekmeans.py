"""sparsekmeans: CSR rows, and a start of its own by k-means++."""

from __future__ import annotations

import os

from scipy.sparse import csr_matrix, issparse


class Adapter:
    """sparsekmeans by Lloyd's iterations."""

    title = "sparsekmeans"

    def version(self) -> str:
        from importlib.metadata import version

        import sparsekmeans  # noqa: F401

        return version("sparsekmeans")

    def kmeans_iterations(self, X, init, max_iter, n_jobs, **others):
        """Iterations after a seeding that cannot be left out."""
        if not issparse(X):
            return None
        from sparsekmeans import LloydKmeans

        n_threads = n_jobs or len(os.sched_getaffinity(0))

        def run():
            model = LloydKmeans(
                n_clusters=len(init), n_threads=n_threads, max_iter=max_iter, tol=0, random_state=0
            )
            model.fit(csr_matrix(X))
            centers = model.centroids.to_dense(fill_value=0)
            return {"centers": centers, "note": f"with its own k-means++, {max_iter} iterations"}

        return run
