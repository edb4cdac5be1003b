"""scikit-learn. Its threads are set by the process's environment, not by a parameter."""

from __future__ import annotations

from benchmarks.peers.estimators import Estimators


class Adapter(Estimators):
    """scikit-learn."""

    title = "scikit-learn"

    def version(self) -> str:
        import sklearn

        return sklearn.__version__

    def kmeans(self, n_jobs, **parameters):
        from sklearn.cluster import KMeans

        return KMeans(**parameters)

    def pca(self, n_jobs, **parameters):
        from sklearn.decomposition import PCA

        return PCA(**parameters)

    def seed(self, X, n_clusters, n_jobs):
        from sklearn.cluster import kmeans_plusplus

        return kmeans_plusplus(X, n_clusters, random_state=0)[0]

    def region(self, X, init, n_jobs, **others):
        """An OpenMP region of similar length: the labels of some rows."""
        model = self.kmeans(None, n_clusters=len(init), init=init, n_init=1, max_iter=1, tol=1e9)
        model.fit(X)
        return lambda: {"labels": model.predict(X)}
