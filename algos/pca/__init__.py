"""Principal component analysis."""

from algos.pca.estimator import PCA

__all__ = ["PCA"]
