"""Dirichlet distributions of topics and documents, and their variational bound.

Hoffman, Blei and Bach (2010), "Online learning for latent Dirichlet allocation", NIPS 23. A
document's mixture has parameters γ, a topic λ; the log evidence is at least

    Σ_dw c_dw log Σ_k exp(E log θ_dk + E log φ_kw)
    - Σ_d KL(Dir(γ_d) || Dir(α)) - Σ_k KL(Dir(λ_k) || Dir(η))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, psi

from algos._common.arrays import Float32Array, Float64Array
from algos._cython import lda_variational
from algos.lda.documents import Documents
from algos.lda.parameters import Settings, padded_row


@dataclass
class Topics:
    """Dirichlet distributions of topics over words, λ = factor · counts + prior.

    Attributes
    ----------
    counts : ndarray of shape (n_words, width), dtype float32
        Word-major, 0 in the padding.
    prior : ndarray of shape (1 or n_words, 1 or width), dtype float32
    totals : ndarray of shape (n_topics,), dtype float64
        Sums of factor · counts over the words.
    prior_totals : ndarray of shape (n_topics,), dtype float64
    factor : float
    """

    counts: Float32Array
    prior: Float32Array
    totals: Float64Array
    prior_totals: Float64Array
    factor: float = 1.0

    @classmethod
    def of(cls, counts: Float32Array, settings: Settings) -> Topics:
        """Return the distributions that these counts give."""
        n_words, k = len(counts), settings.n_topics
        prior = np.ascontiguousarray(settings.topic_word_prior, dtype=np.float32)
        prior = prior.reshape(prior.shape + (1,) * (2 - prior.ndim))
        sums = prior[:, :k].sum(axis=0, dtype=np.float64) * (n_words / len(prior))
        return cls(counts, prior, column_sums(counts, k), np.broadcast_to(sums, (k,)))

    @property
    def sums(self) -> Float64Array:
        """Σ_w λ of each topic, kept above 0 where rounding of old counts has cancelled it."""
        return np.maximum(self.totals + self.prior_totals, 1e-30)

    def rows(self, n_threads: int, words: Any = None, out: Rows | None = None) -> Rows:
        """Return exp(E log φ) of all words, or of some of them."""
        shape = self.counts.shape
        if out is None:
            out = Rows(np.empty(shape, dtype=np.float32), np.empty(shape[0]))
        sums = np.full(shape[1], np.inf)
        sums[: len(self.totals)] = self.sums
        lda_variational.word_rows(
            self.counts, self.prior, sums, words, out.values, out.scales, self.factor, n_threads
        )
        return out

    def bound(self, n_threads: int) -> float:
        """Return the topics' term of the bound: -KL(Dir(λ) || Dir(η))."""
        terms = np.empty(len(self.counts))
        lda_variational.word_bounds(
            self.counts, self.prior, psi(self.sums), terms, self.factor, n_threads
        )
        return float(terms.sum() + (gammaln(self.prior_totals) - gammaln(self.sums)).sum())


@dataclass(frozen=True)
class Rows:
    """The topics as inference of documents needs them: exp(E log φ), word by word.

    Attributes
    ----------
    values : ndarray of shape (n_words, width), dtype float32
        Each row is scaled to 1 at most.
    scales : ndarray of shape (n_words,), dtype float64
        Logarithms of the factors of the rows.
    """

    values: Float32Array
    scales: Float64Array


@dataclass(frozen=True)
class Mixtures:
    """Dirichlet distributions of the documents' mixtures, and the words' shares in them.

    Attributes
    ----------
    gamma : ndarray of shape (n, width), dtype float32
        The parameters γ.
    values : ndarray of shape (n, width), dtype float32
        exp(E log θ), each row scaled.
    shares : ndarray of shape (n_entries,), dtype float32
        Each word's count divided by the product of its row and the document's.
    scales : ndarray of shape (n,), dtype float64
        Logarithms of the factors of the values, relative to exp ψ(γ).
    passes : ndarray of shape (n,), dtype int32
        The number of passes for each document.
    n_topics : int
        Number of topics, without the padding.
    """

    gamma: Float32Array
    values: Float32Array
    shares: Float32Array
    scales: Float64Array
    passes: NDArray[np.int32]
    n_topics: int


def column_sums(counts: Float32Array, n_topics: int) -> Float64Array:
    """Return the number of tokens of each topic."""
    return counts[:, :n_topics].sum(axis=0, dtype=np.float64)


def infer(
    documents: Documents, rows: Rows, settings: Settings, n_threads: int, start: Any = None
) -> Mixtures:
    """Return the mixtures of documents given the topics.

    Parameters
    ----------
    documents : Documents
        The documents.
    rows : Rows
        The topics.
    settings : Settings
        The prior, and when to stop.
    n_threads : int
        Number of threads; it does not change the result.
    start : ndarray of shape (n, width), default=None
        Initial γ, overwritten; None is 1 in every topic.
    """
    n, width, k = len(documents), settings.width, settings.n_topics
    gamma = np.ones((n, width), dtype=np.float32) if start is None else start
    gamma[:, k:] = 0
    found = Mixtures(
        gamma,
        np.empty((n, width), dtype=np.float32),
        np.empty(documents.n_entries, dtype=np.float32),
        np.empty(n),
        np.zeros(n, dtype=np.int32),
        k,
    )
    lda_variational.infer(
        documents.indptr,
        documents.words,
        documents.counts,
        topics=rows.values,
        prior=padded_row(settings.doc_topic_prior, width),
        gamma=gamma,
        mixtures=found.values,
        shares=found.shares,
        scales=found.scales,
        passes=found.passes,
        n_topics=k,
        max_iter=settings.max_doc_update_iter,
        tol=settings.mean_change_tol,
        n_threads=n_threads,
    )
    return found


def infer_gamma(
    documents: Documents, rows: Rows, settings: Settings, n_threads: int
) -> Float32Array:
    """Return γ alone, of shape (n, n_topics), which is all that `transform` needs."""
    n, k = len(documents), settings.n_topics
    gamma = np.ones((n, settings.width), dtype=np.float32)
    gamma[:, k:] = 0
    lda_variational.infer(
        documents.indptr,
        documents.words,
        documents.counts,
        topics=rows.values,
        prior=padded_row(settings.doc_topic_prior, settings.width),
        gamma=gamma,
        mixtures=None,
        shares=None,
        scales=None,
        passes=np.zeros(n, dtype=np.int32),
        n_topics=k,
        max_iter=settings.max_doc_update_iter,
        tol=settings.mean_change_tol,
        n_threads=n_threads,
    )
    return gamma[:, :k]


def documents_bound(
    documents: Documents, mixtures: Mixtures, rows: Rows, settings: Settings, n_threads: int
) -> float:
    """Return the documents' term of the bound."""
    terms = np.empty(len(documents))
    lda_variational.document_bounds(
        documents.indptr,
        documents.words,
        documents.counts,
        shares=mixtures.shares,
        gamma=mixtures.gamma,
        scales=mixtures.scales,
        word_scales=rows.scales,
        prior=padded_row(settings.doc_topic_prior, settings.width),
        out=terms,
        n_topics=settings.n_topics,
        n_threads=n_threads,
    )
    return float(terms.sum())
