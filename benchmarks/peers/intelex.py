"""scikit-learn-intelex, its classes taken as they are: scikit-learn itself stays unpatched."""

from __future__ import annotations

from benchmarks.peers.estimators import Estimators


class Adapter(Estimators):
    """scikit-learn-intelex."""

    title = "intelex"

    def version(self) -> str:
        from importlib.metadata import version

        import sklearnex  # noqa: F401

        return version("scikit-learn-intelex")

    def kmeans(self, **parameters):
        from sklearnex.cluster import KMeans

        return KMeans(**parameters)

    def pca(self, **parameters):
        from sklearnex.decomposition import PCA

        return PCA(**parameters)

    kmeans_seed = None  # it has no function for that
