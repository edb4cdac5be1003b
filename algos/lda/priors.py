"""The prior of topics in documents, learned from sampled topics.

The token counts by topic that EM and CVB0 expect are not samples: every document has a little
of every topic, and the Dirichlet distribution that fits them best is too even. So topics
are sampled for the tokens of some documents by Gibbs sampling with fixed topics, and
the prior is fitted to these counts, in turn (Wallach, Mimno and McCallum, "Rethinking LDA: why
priors matter", NIPS 2009): stochastic expectation maximisation of the documents' likelihood.

It is learned after the topics: sweeps with a learned prior make topics that predict new documents
worse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.random import Key, stream
from algos._cython import lda_assign
from algos.lda.corpus import Corpus
from algos.lda.documents import Documents
from algos.lda.parameters import padded_row

DOCUMENTS_A_TOPIC = 20
LEAST_DOCUMENTS, MOST_DOCUMENTS = 1000, 20000
MOST_TOKENS = 400  # of a document
FIRST_SWEEPS = 4
ROUNDS = 8
SWEEPS_A_ROUND = 2
STEPS = 5  # of the fixed point, in a round
LEAST, MOST = 1e-4, 1e3
LEAST_TOTAL = 1e-30


def learned_prior(
    documents: Corpus, topics: Float32Array, prior: Float64Array, key: Key, n_threads: int
) -> Float64Array:
    """Return the prior that maximises the likelihood of documents with fixed topics.

    Parameters
    ----------
    documents : Corpus
        In an order that is independent of their content: the first ones are used.
    topics : ndarray of shape (n_words, width), dtype float32
        Token counts of words by topic, prior included; the padding is not read.
    prior : ndarray of shape (n_topics,)
        The initial prior.
    key : ndarray of shape (2,)
        Seed of the draws.
    n_threads : int
        Number of threads; it does not change the result.
    """
    n_topics = len(prior)
    sampler = _TopicSampler(documents, topics, n_topics, key, n_threads)
    if n_topics == 1 or len(sampler.words) == 0:
        return prior
    found = []
    for number in range(ROUNDS):
        counts = sampler.sweep(prior, SWEEPS_A_ROUND if number else FIRST_SWEEPS)
        prior = fitted_prior(counts, prior, STEPS)
        found.append(prior)
    kept: Float64Array = np.mean(found[ROUNDS // 2 :], axis=0)
    return kept


class _TopicSampler:
    """Tokens of some documents, and the topics sampled for them."""

    def __init__(
        self, documents: Corpus, topics: Float32Array, n_topics: int, key: Key, n_threads: int
    ) -> None:
        wanted = min(max(DOCUMENTS_A_TOPIC * n_topics, LEAST_DOCUMENTS), MOST_DOCUMENTS)
        part = documents.part(0, min(wanted, len(documents)))
        self._starts, self.words = _tokens(part, key)
        self._rows, self._n_topics = topics, n_topics
        totals = topics[:, :n_topics].sum(axis=0, dtype=np.float64)
        self._inverses = np.zeros(topics.shape[1], dtype=np.float32)
        self._inverses[:n_topics] = 1 / np.maximum(totals, LEAST_TOTAL)
        self._topics = np.full(len(self.words), -1, dtype=np.int32)
        self._numbers = np.zeros((len(self._starts) - 1, topics.shape[1]), dtype=np.float32)
        self._key, self._n_threads, self._step = key, n_threads, 0

    def sweep(self, prior: Float64Array, n_sweeps: int) -> Float32Array:
        """Sample all topics again; return the token counts of each document by topic."""
        lda_assign.assign_topics(
            self._starts,
            self.words,
            self._rows,
            self._inverses,
            prior=padded_row(prior, len(self._inverses)),
            n_topics=self._n_topics,
            key=self._key,
            step=self._step,
            n_sweeps=n_sweeps,
            topics=self._topics,
            numbers=self._numbers,
            n_threads=self._n_threads,
        )
        self._step += 1
        return self._numbers[:, : self._n_topics]


def fitted_prior(numbers: NDArray[np.floating], prior: Float64Array, steps: int) -> Float64Array:
    """Return Dirichlet parameters after steps that each make the token counts more likely.

    Minka, "Estimating a Dirichlet distribution", 2000, eq. 55.

    Parameters
    ----------
    numbers : ndarray of shape (n_documents, n_topics)
        Whole token counts.
    prior : ndarray of shape (n_topics,)
        The initial parameters.
    steps : int
        Number of fixed-point steps.
    """
    lengths, how_often = np.unique(numbers.sum(axis=1), return_counts=True)
    levels = [np.unique(column, return_counts=True) for column in numbers.T]
    for _ in range(steps):
        total = prior.sum()
        below = how_often @ (digamma(lengths + total) - digamma(total))
        above = np.array(
            [
                often @ (digamma(level + one) - digamma(one))
                for (level, often), one in zip(levels, prior, strict=True)
            ]
        )
        prior = np.clip(prior * above / below, LEAST, MOST)
    return prior


def _tokens(documents: Documents, key: Key) -> tuple[Int64Array, NDArray[np.int32]]:
    """Return where documents' tokens begin, and their words; of long documents only a part.

    Tokens of a document are exchangeable, so any part of them is unbiased for the prior.
    """
    lengths = np.add.reduceat(np.append(documents.counts, 0.0), documents.indptr[:-1])
    lengths[np.diff(documents.indptr) == 0] = 0
    share = np.repeat(
        np.minimum(MOST_TOKENS / np.maximum(lengths, 1), 1), np.diff(documents.indptr)
    )
    expected = documents.counts * share
    whole = np.floor(expected)
    repeats = (whole + (stream(key, 0).random(len(whole)) < expected - whole)).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(repeats)])
    starts = before[documents.indptr]
    kept = np.diff(starts) > 0
    bounds = np.concatenate([starts[:-1][kept], starts[-1:]])
    return bounds.astype(np.int64), np.repeat(documents.words, repeats)
