"""Latent Dirichlet allocation: topics of documents, from counts of words."""

from algos.lda.estimator import LatentDirichletAllocation

__all__ = ["LatentDirichletAllocation"]
