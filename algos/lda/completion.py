"""Document completion: how well one part of a document predicts the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array
from algos._common.random import Key, stream
from algos.lda.documents import Documents

_BLOCK = 1 << 16  # entries at a time
_MANY = 2.0**31  # tokens, from which on the share is taken instead of a draw


def halves(documents: Documents, fraction: float, key: Key) -> tuple[Documents, Documents]:
    """Return the observed and the held-out parts of each document.

    Each token is held out with probability `fraction`, and so is the fractional part of a count,
    as if it were a token. The order of the documents has no influence.
    """
    order = np.argsort(documents.keys(key, 1), kind="stable")
    sorted_documents = documents.take(order)
    rng = stream(key, 0)
    counts = sorted_documents.counts.astype(np.float64)
    whole = np.floor(counts)
    is_few = whole < _MANY
    held = rng.binomial(np.where(is_few, whole, 0).astype(np.int64), fraction).astype(np.float64)
    held += np.where(is_few, 0.0, whole * fraction)
    held += (counts - whole) * (rng.random(len(counts)) < fraction)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return tuple(  # type: ignore[return-value]
        _with_counts(sorted_documents, part).take(back) for part in (counts - held, held)
    )


def _with_counts(documents: Documents, counts: Float64Array) -> Documents:
    kept = counts > 0
    indptr = np.concatenate([[0], np.cumsum(kept)])[documents.indptr]
    return Documents(
        indptr.astype(np.int64),
        documents.words[kept],
        counts[kept].astype(np.float32),
        documents.n_words,
    )


def log_probability(documents: Documents, mixtures: NDArray[Any], topics: Float32Array) -> float:
    """Return the sum over tokens of log p(word | mixture of its document).

    Parameters
    ----------
    documents : Documents
        The tokens.
    mixtures : ndarray of shape (n_documents, n_topics)
        Rows sum to 1.
    topics : ndarray of shape (n_words, width), dtype float32
        The probability of each word in each topic.
    """
    n_topics = mixtures.shape[1]
    mixtures = mixtures.astype(np.float32)
    total = 0.0
    for start in range(0, documents.n_entries, _BLOCK):
        entries = slice(start, min(start + _BLOCK, documents.n_entries))
        rows = np.searchsorted(documents.indptr, np.arange(*entries.indices(1 << 62)), "right") - 1
        words = topics[documents.words[entries], :n_topics]
        p = np.einsum("ek,ek->e", mixtures[rows], words, dtype=np.float64)
        tiny = np.finfo(np.float32).tiny
        total += float(documents.counts[entries] @ np.log(np.maximum(p, tiny)))
    return total
