"""fastkmeans on torch's CPU kernels: float32, dense rows, and a start of its own."""

from __future__ import annotations

from scipy.sparse import issparse


class Adapter:
    """fastkmeans."""

    title = "fastkmeans"

    def version(self) -> str:
        import fastkmeans

        return fastkmeans.__version__

    def kmeans_iterations(self, X, init, max_iter, n_jobs, **others):
        """Iterations on all rows, their number fixed, from its own start."""
        if issparse(X):
            return None
        import torch
        from fastkmeans import FastKMeans

        if n_jobs is not None:
            torch.set_num_threads(n_jobs)

        def run():
            model = FastKMeans(X.shape[1], len(init), niter=max_iter, tol=0, device="cpu")
            model.train(X)
            return {"centers": model.centroids, "iterations": max_iter, "note": "own start"}

        return run
