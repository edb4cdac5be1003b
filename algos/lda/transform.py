"""Inference of the mixtures of documents by a fitted model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, IndexArray
from algos.lda.dirichlet import Rows, Topics, infer_gamma
from algos.lda.documents import Documents
from algos.lda.em_inference import mixtures
from algos.lda.parameters import Settings, padded_columns


def word_major(
    components: NDArray[Any], places: IndexArray | None, totals: Float64Array | None = None
) -> Float32Array:
    """Return topics in the layout of the kernels: one row for each word.

    Parameters
    ----------
    components : ndarray of shape (n_topics, n_words)
        Weights of words in topics.
    places : ndarray of int or None
        The words; None is all of them.
    totals : ndarray of shape (n_topics,), default=None
        Divisor of each topic.
    """
    part = components if places is None else components[:, places]
    if totals is not None:
        part = part / totals[:, np.newaxis]
    return padded_columns(part.T)


def variational_mixtures(
    documents: Documents,
    components: NDArray[Any],
    totals: Float64Array,
    settings: Settings,
    n_threads: int,
) -> Float64Array:
    """Return the parameters of each document's Dirichlet distribution."""
    compact, places = documents.compact()
    none = np.zeros((1, 1), dtype=np.float32)
    topics = Topics(word_major(components, places), none, totals, np.zeros(len(totals)))
    rows: Rows = topics.rows(n_threads)
    return infer_gamma(compact, rows, settings, n_threads).astype(np.float64)


def likely_mixtures(
    documents: Documents,
    components: NDArray[Any],
    totals: Float64Array,
    settings: Settings,
    n_threads: int,
) -> Float64Array:
    """Return the expected token count of each document by topic, plus the prior."""
    compact, places = documents.compact()
    return mixtures(
        compact,
        word_major(components, places, totals),
        settings.doc_topic_prior,
        n_threads,
        settings.max_doc_update_iter,
        settings.mean_change_tol,
    )
