"""scikit-learn. Its threads are set by the process's environment, not by a parameter."""

from __future__ import annotations

from benchmarks.peers.estimators import Estimators
from benchmarks.peers.isolation_forest import IsolationForests
from benchmarks.peers.sklearn_linear_models import SklearnLinearModels
from benchmarks.peers.sklearn_topics import SklearnTopics


class Adapter(SklearnLinearModels, SklearnTopics, IsolationForests, Estimators):
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

    def kmeans_stream(self, X, n_clusters, batch_size, n_jobs, **others):
        """One pass over batches by MiniBatchKMeans."""
        from sklearn.cluster import MiniBatchKMeans

        def run():
            model = MiniBatchKMeans(n_clusters, random_state=0)
            self.streamed(model, X, batch_size)
            return {"centers": model.cluster_centers_, "note": "MiniBatchKMeans"}

        return run

    def pca_stream(self, X, n_components, batch_size, n_jobs, **others):
        """One pass over batches by IncrementalPCA."""
        from sklearn.decomposition import IncrementalPCA

        def run():
            model = IncrementalPCA(n_components)
            self.streamed(model, X, batch_size)
            return {
                "variances": model.explained_variance_,
                "components": model.components_,
                "note": "IncrementalPCA",
            }

        return run

    def pca_sketch(self, X, n_components, n_jobs, n_power=0, **others):
        """Random projections: two passes, and two more for each power iteration."""
        model = self.pca(
            None, n_components=n_components, svd_solver="randomized", iterated_power=n_power,
            random_state=0,
        )  # fmt: skip
        return self._decomposition(model, lambda: model.fit(X))

    def seed(self, X, n_clusters, n_jobs):
        from sklearn.cluster import kmeans_plusplus

        return kmeans_plusplus(X, n_clusters, random_state=0)[0]

    def region(self, X, init, n_jobs, **others):
        """An OpenMP region of similar length: the labels of some rows."""
        model = self.kmeans(None, n_clusters=len(init), init=init, n_init=1, max_iter=1, tol=1e9)
        model.fit(X)
        return lambda: {"labels": model.predict(X)}
