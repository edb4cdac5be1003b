"""Mixtures of documents by expectation maximisation, the topics being fixed."""

from __future__ import annotations

import numpy as np

from algos._cython import lda_mixtures
from algos.lda.documents import Documents
from algos.lda.parameters import Doubles, Floats


def mixtures(
    documents: Documents, topics: Floats, prior: Doubles, n_threads: int, max_iter: int, tol: float
) -> Doubles:
    """Return how many tokens of each document belong to each topic, the prior added.

    Parameters
    ----------
    documents : Documents
    topics : ndarray of shape (n_words, width), dtype float32
        The probability of each word in each topic, up to a factor for all; 0 in the padding.
    prior : ndarray of shape (n_topics,)
        Of topics in a document, above 0.
    n_threads : int
        Changes nothing but the time.
    max_iter : int
        At most so many passes over a document.
    tol : float
        A document is done when a pass moves less than this share of its tokens and prior.

    Returns
    -------
    mixtures : ndarray of shape (n_documents, n_topics), dtype float64
    """
    width = topics.shape[1]
    found = np.empty((len(documents), width), dtype=np.float32)
    lda_mixtures.mix_documents(
        documents.indptr,
        documents.words,
        documents.counts,
        topics,
        None,
        0.0,
        padded(prior, width),
        padded(np.ones(len(prior)), width),
        found,
        None,
        None,
        False,
        max_iter,
        tol,
        False,
        n_threads,
    )
    return found[:, : len(prior)].astype(np.float64)


def padded(values: Doubles, width: int) -> Floats:
    """Return a number for each topic as kernels take it: float32, 0 in the padding."""
    row = np.zeros(width, dtype=np.float32)
    row[: len(values)] = values
    return row
