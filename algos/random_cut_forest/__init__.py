"""Random cut forest: anomaly scores of rows and streams, with their reasons."""

from algos.random_cut_forest.estimator import RandomCutForest

__all__ = ["RandomCutForest"]
