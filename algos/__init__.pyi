from algos import callbacks as callbacks, kmeans as kmeans, pca as pca, plotting as plotting
from algos._show_versions import show_versions as show_versions
from algos.kmeans.estimator import KMeans as KMeans
from algos.pca.estimator import PCA as PCA

__version__: str
__all__ = [
    "KMeans",
    "PCA",
    "__version__",
    "callbacks",
    "kmeans",
    "pca",
    "plotting",
    "show_versions",
]
