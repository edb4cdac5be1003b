"""geokmeans: float64, dense rows, one thread, and a start of its own."""

from __future__ import annotations

from scipy.sparse import issparse


class Adapter:
    """geokmeans by Hamerly's bounds: its geometric method returns centres of zeros."""

    title = "geokmeans"

    def version(self) -> str:
        import geokmeans

        return geokmeans.__version__

    def kmeans_iterations(self, X, init, max_iter, n_jobs, **others):
        """Iterations from its own start."""
        if issparse(X) or X.size * len(init) > 10**9:  # minutes, and it can use one thread only
            return None
        from geokmeans import GeoKMeans

        model = GeoKMeans(len(init), algorithm="hamerly", max_iter=max_iter, tol=0, random_state=1)

        def run():
            model.fit(X)
            return {
                "centers": model.cluster_centers_,
                "iterations": model.n_iter_,
                "note": "own start, float64, one thread",
            }

        return run
