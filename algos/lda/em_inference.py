"""Mixtures of documents by expectation maximisation with fixed topics."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float32Array, Float64Array
from algos._cython import lda_few, lda_mixtures
from algos.lda.documents import Documents
from algos.lda.parameters import LANES, padded_row


def mixtures(
    documents: Documents,
    topics: Float32Array,
    prior: Float64Array,
    n_threads: int,
    max_iter: int,
    tol: float,
) -> Float64Array:
    """Return the expected number of tokens of each document in each topic, plus the prior.

    Parameters
    ----------
    documents : Documents
        The documents.
    topics : ndarray of shape (n_words, width), dtype float32
        The probability of each word in each topic, up to a common factor; 0 in the padding.
    prior : ndarray of shape (n_topics,)
        Prior of topics in a document, above 0.
    n_threads : int
        Number of threads; it does not change the result.
    max_iter : int
        Maximum number of passes over a document.
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
        rows=topics,
        priors=None,
        prior=0.0,
        document_prior=padded_row(prior, width),
        weights=padded_row(np.ones(len(prior)), width),
        mixtures=found,
        used=None,
        shares=None,
        is_warm=False,
        max_iter=max_iter,
        tol=tol,
        is_measured=False,
        n_threads=n_threads,
    )
    return found[:, : len(prior)].astype(np.float64)


def few_mixtures(
    documents: Documents,
    topics: Float32Array,
    prior: Float64Array,
    n_threads: int,
    n_passes: int,
    n_few: int,
) -> Float32Array:
    """Return the mixtures of `mixtures`, of which only the first pass considers all topics.

    Later passes consider a little more than the `n_few` largest topics of the document.
    """
    n, width = len(documents), topics.shape[1]
    shape = n, n_few // LANES * LANES + LANES
    kept, sizes = np.zeros(shape, dtype=np.int32), np.zeros(n, dtype=np.int32)
    values, used = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    lda_few.mix_few(
        documents.indptr,
        documents.words,
        documents.counts,
        present=np.unique(documents.words),
        rows=topics,
        priors=None,
        prior=0.0,
        document_prior=padded_row(prior, width),
        weights=padded_row(np.ones(len(prior)), width),
        kept=kept,
        sizes=sizes,
        mixtures=values,
        used=used,
        shares=np.empty(documents.n_entries, dtype=np.float32),
        is_warm=False,
        n_dense=1,
        n_sparse=n_passes - 1,
        least=0.0,
        n_threads=n_threads,
    )
    found = np.tile(prior.astype(np.float32), (n, 1))
    is_kept = np.arange(shape[1]) < sizes[:, np.newaxis]
    owners = np.nonzero(is_kept)[0]
    found[owners, kept[is_kept]] = np.maximum(values[is_kept], found[owners, kept[is_kept]])
    return found
