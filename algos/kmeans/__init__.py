"""k-means clustering."""

from algos.kmeans.estimator import KMeans

__all__ = ["KMeans"]
