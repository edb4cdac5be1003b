"""superkmeans: float32, dense rows, and a start of its own that cannot be given."""

from __future__ import annotations

from scipy.sparse import issparse


class Adapter:
    """superkmeans, flat and on all rows, as the others."""

    title = "superkmeans"

    def version(self) -> str:
        import superkmeans

        return superkmeans.__version__

    def kmeans_iterations(self, X, init, max_iter, n_jobs, **others):
        """Iterations on all rows, their number fixed, from its own start."""
        if issparse(X):
            return None
        from superkmeans import SuperKMeans

        def run():
            model = SuperKMeans(
                len(init),
                X.shape[1],
                hierarchical=False,
                iters=max_iter,
                sampling_fraction=1.0,
                max_points_per_cluster=len(X),
                n_threads=n_jobs or 0,
                tol=0.0,
                early_termination=False,
            )
            return {"centers": model.train(X), "iterations": max_iter, "note": "own start"}

        return run
