"""Mixtures of documents by expectation maximisation, the topics being fixed."""

from __future__ import annotations

import numpy as np

from algos._cython import lda_few, lda_mixtures
from algos.lda.documents import Documents
from algos.lda.parameters import LANES, Doubles, Floats


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


def few_mixtures(
    documents: Documents, topics: Floats, prior: Doubles, n_threads: int, n_passes: int, n_few: int
) -> Floats:
    """Return what `mixtures` does, but that only the first pass over a document meets all topics.

    The others meet those that it then has most of, a few more than `n_few`.
    """
    n, width = len(documents), topics.shape[1]
    shape = n, n_few // LANES * LANES + LANES
    kept, sizes = np.zeros(shape, dtype=np.int32), np.zeros(n, dtype=np.int32)
    values, used = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    lda_few.mix_few(
        documents.indptr,
        documents.words,
        documents.counts,
        np.unique(documents.words),
        topics,
        None,
        0.0,
        padded(prior, width),
        padded(np.ones(len(prior)), width),
        kept,
        sizes,
        values,
        used,
        np.empty(documents.n_entries, dtype=np.float32),
        False,
        1,
        n_passes - 1,
        0.0,
        n_threads,
    )
    found = np.tile(prior.astype(np.float32), (n, 1))
    is_kept = np.arange(shape[1]) < sizes[:, np.newaxis]
    owners = np.nonzero(is_kept)[0]
    found[owners, kept[is_kept]] = np.maximum(values[is_kept], found[owners, kept[is_kept]])
    return found


def padded(values: Doubles, width: int) -> Floats:
    """Return a number for each topic as kernels take it: float32, 0 in the padding."""
    row = np.zeros(width, dtype=np.float32)
    row[: len(values)] = values
    return row
