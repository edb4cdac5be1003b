"""CVB0: sweeps that leave each token's own responsibility out, without storing it.

Responsibilities are functions of two sums, tokens of a document and of a word by topic, and of
one number for each entry (`_cython/_lda_collapsed.h`). So a sweep is two passes: the rows of
documents are summed from those of words, then the rows of words from those of documents. Each row
is then extrapolated a little along its last change (Polyak, "Some methods of speeding up the
convergence of iteration methods", 1964), unless the last sweep has made things worse. The final
sweep does not extrapolate.

With many topics a document keeps only its largest ones, as EM found them: a sweep then takes
much the same time however many topics there are, and as a document of 100 words cannot tell 500
topics apart, the topics predict new documents better. Topics that are kept together are then
placed side by side (`algos.lda.topic_order`).

For D documents, V words, P topics (padded to a multiple of 16) and E document-word pairs it takes,
beside the counts, 8 (D + V) P + 16 E bytes: the sums and their velocities, and the pairs sorted by
word with two numbers for each; a prior that differs among topics takes 4 V P more. Where documents
keep m topics, 12 D m replaces 8 D P.
Stored responsibilities would take 4 E P.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, IndexArray, Int64Array
from algos._cython import lda_collapsed, lda_words
from algos.lda.corpus import Corpus
from algos.lda.documents import Documents
from algos.lda.em_inference import few_mixtures, mixtures
from algos.lda.parameters import Settings
from algos.lda.topic_order import cooccurrence_order

Lists = NDArray[np.int32]

MOMENTUM = 0.8
MANY = 128  # topics: with more, a document keeps a few:
TOKENS_A_TOPIC = 8  # one topic for so many tokens of the mean document,
LEAST_KEPT, MOST_KEPT = 16, 64  # in multiples of 16
INNER_PASSES = 5  # over a document, for the first mixtures
WORDS_A_TOPIC = (
    4  # with fewer, all rows fit in the cache, or ordering takes more time than it saves
)
PART = 4096  # documents whose mixtures are computed at a time
LEAST_TOTAL = 1e-30


@dataclass
class Side:
    """Rows of documents with their words, or of words with their documents.

    Attributes
    ----------
    indptr, index, counts : ndarray of shape (n + 1,), (n_entries,), (n_entries,)
        The entries by row; `index` numbers the rows of the other side.
    prior : ndarray of shape (n, width) or (1, width), dtype float32
        0 in the padding.
    scales : ndarray of shape (n,), dtype float32, or None
        Factor of the prior of each row; None is 1.
    rows : ndarray of shape (n, width), dtype float32
        Sums of responsibilities, prior included.
    topics : ndarray of shape (n_documents, m), dtype int32, or None
        The topics that documents keep; None is all of them.
    normalizers : ndarray of shape (n_entries,), dtype float32
        The number of each entry that its responsibilities are computed from.
    velocity : ndarray of shape (n, width), dtype float32
        The last change of the rows.
    """

    indptr: Int64Array
    index: NDArray[np.int32]
    counts: Float32Array
    prior: Float32Array
    scales: Float32Array | None
    rows: Float32Array
    topics: Lists | None
    normalizers: Float32Array = field(init=False)
    velocity: Float32Array = field(init=False)

    def __post_init__(self) -> None:
        self.normalizers = np.zeros(len(self.index), dtype=np.float32)
        self.velocity = np.zeros_like(self.rows)

    def visit(
        self,
        others: Float32Array,
        inverses: Float32Array,
        momentum: float,
        n_threads: int,
        priors: Priors | None = None,
        computes_likelihood: bool = False,
    ) -> tuple[float, float]:
        """Update the rows; given the priors, also return how likely the documents are.

        The first number is cheap and not a likelihood, but mostly rises from sweep to sweep
        when the likelihood does, which is enough to decide on the momentum. The second is the
        log-likelihood, if `computes_likelihood`. Without momentum the rows end at the sums, and
        the velocity is reset.
        """
        priors = Priors(np.nan, 0.0, 0.0) if priors is None else priors
        if momentum == 0:
            self.velocity[...] = 0
        return lda_collapsed.visit_rows(
            self.indptr,
            self.index,
            self.counts,
            others=others,
            topics=self.topics,
            inverses=inverses,
            prior=self.prior,
            scales=self.scales,
            normalizers=self.normalizers,
            own=self.rows,
            velocity=self.velocity,
            momentum=momentum,
            document_prior=priors.of_document,
            least_own=priors.least_of_topic,
            least_other=priors.least_of_word,
            evaluates=computes_likelihood,
            n_threads=n_threads,
        )


class Priors(NamedTuple):
    """The priors as the log-likelihood needs them: their sum in a document, and the smallest.

    Where documents keep few topics, these alone make up a token's probability, and the sum is
    over them.
    """

    of_document: float
    least_of_topic: float
    least_of_word: float


class Collapsed:
    """Documents and words under CVB0.

    Parameters
    ----------
    documents : Documents
    topics : ndarray of shape (n_words, width), dtype float32
        The initial counts, 0 in the padding.
    settings : Settings
        The settings of the fit.
    n_threads : int
        Number of threads; it does not change the result.
    """

    def __init__(
        self,
        documents: Documents,
        topics: Float32Array,
        settings: Settings,
        n_threads: int,
    ) -> None:
        self._n_topics, self._n_threads = settings.n_topics, n_threads
        self._n_tokens = documents.n_tokens
        self._last, self._has_overshot = -np.inf, False
        self.documents = _document_side(documents, topics, settings, n_threads)
        self._order = _reordered(self.documents, settings)
        self.words = _word_side(
            documents, topics, settings, self.documents.topics, self._order, n_threads
        )
        alpha = settings.doc_topic_prior
        least = float(settings.topic_word_prior.min(initial=np.inf))
        self._priors = Priors(float(alpha.sum()), float(alpha.min()), least)

    def sweep(self, *, is_last: bool, evaluates: bool = False) -> float:
        """Update the rows of documents and words once.

        Returns
        -------
        perplexity : float
            exp of minus the mean of log p(token | all other tokens), before the sweep. It is nan
            unless the sweep is the last or `evaluates`, which makes it half as long again.
        """
        momentum = 0.0 if is_last or self._has_overshot else MOMENTUM
        inverses = self._inverses()
        trend, likelihood = self.documents.visit(
            self.words.rows,
            inverses,
            momentum,
            self._n_threads,
            self._priors,
            is_last or evaluates,
        )
        self.words.visit(self.documents.rows, inverses, momentum, self._n_threads)
        self._has_overshot = trend <= self._last
        self._last = trend
        return float(np.exp(-likelihood / self._n_tokens)) if self._n_tokens else 1.0

    def counts(self) -> Float32Array:
        """Return the counts of words by topic, without the prior."""
        words = self.words
        prior = words.prior if words.scales is None else words.prior * words.scales[:, np.newaxis]
        counts: Float32Array = words.rows - prior
        return self._as_given(np.maximum(counts, 0, out=counts))

    def rows(self) -> Float32Array:
        """Return the counts of words by topic, prior included."""
        return self._as_given(self.words.rows)

    def _as_given(self, rows: Float32Array) -> Float32Array:
        """Return rows with the topics in their first order."""
        return rows if self._order is None else np.take(rows, np.argsort(self._order), axis=1)

    def _inverses(self) -> Float32Array:
        totals = self.words.rows[:, : self._n_topics].sum(axis=0, dtype=np.float64)
        inverses = np.zeros(self.words.rows.shape[1], dtype=np.float32)
        inverses[: self._n_topics] = 1 / np.maximum(totals, LEAST_TOTAL)
        return inverses


def topics_kept(documents: Corpus, settings: Settings) -> int:
    """Return the number of topics that each document keeps; 0 is all."""
    if settings.width <= MANY:
        return 0
    wanted = documents.n_tokens / max(len(documents), 1) / TOKENS_A_TOPIC
    return int(min(max(-(-wanted // 16) * 16, LEAST_KEPT), MOST_KEPT))


def collapsed_bytes(documents: Corpus, settings: Settings) -> int:
    """Return the bytes that CVB0 takes beside the counts."""
    n_kept = topics_kept(documents, settings)
    rows = 8 * settings.n_words * settings.width
    if settings.topic_word_prior.ndim == 2:
        rows += 4 * settings.n_words * settings.width  # a copy, 0 in the padding
    rows += len(documents) * (12 * n_kept if n_kept else 8 * settings.width)
    return rows + 16 * documents.n_entries


def has_room(documents: Corpus, settings: Settings) -> bool:
    """Return whether CVB0 may take its memory."""
    return settings.allows(collapsed_bytes(documents, settings))


def _document_side(
    documents: Documents, topics: Float32Array, settings: Settings, n_threads: int
) -> Side:
    n_topics, n = settings.n_topics, len(documents)
    prior = np.zeros((1, settings.width), dtype=np.float32)
    prior[0, :n_topics] = settings.doc_topic_prior
    n_kept = topics_kept(documents, settings)
    rows = np.zeros((n, n_kept or settings.width), dtype=np.float32)
    lists = np.empty((n, n_kept), dtype=np.int32) if n_kept else None
    given = _probabilities(topics, settings)
    for start in range(0, n, PART):
        part = slice(start, min(start + PART, n))
        some, alpha = documents.part(part.start, part.stop), settings.doc_topic_prior
        if lists is None:
            rows[part, :n_topics] = mixtures(some, given, alpha, n_threads, INNER_PASSES, 0.0)
        else:
            found = few_mixtures(some, given, alpha, n_threads, INNER_PASSES, n_kept)
            most = np.argpartition(found, -n_kept, axis=1)[:, -n_kept:]
            lists[part] = most
            rows[part] = np.take_along_axis(found, lists[part].astype(np.intp), axis=1)
    return Side(documents.indptr, documents.words, documents.counts, prior, None, rows, lists)


def _reordered(documents: Side, settings: Settings) -> IndexArray | None:
    """Renumber the topics that documents keep in a new order, and return that order."""
    if documents.topics is None or WORDS_A_TOPIC * settings.n_topics > settings.n_words:
        return None
    order = np.arange(settings.width)
    order[: settings.n_topics] = cooccurrence_order(documents.topics, settings.n_topics)
    lists = np.argsort(order).astype(np.int32)[documents.topics]
    ranks = np.argsort(lists, axis=1)
    documents.topics = np.take_along_axis(lists, ranks, axis=1)
    documents.rows = np.take_along_axis(documents.rows, ranks, axis=1)
    documents.prior = np.take(documents.prior, order, axis=1)
    return order


def _probabilities(topics: Float32Array, settings: Settings) -> Float32Array:
    prior, scales = _word_prior(settings)
    rows = topics + (prior if scales is None else prior * scales[:, np.newaxis])
    rows[:, settings.n_topics :] = 0
    rows /= np.maximum(rows.sum(axis=0, dtype=np.float64), LEAST_TOTAL).astype(np.float32)
    return rows


def _word_side(
    documents: Documents,
    topics: Float32Array,
    settings: Settings,
    lists: Lists | None,
    order: IndexArray | None,
    n_threads: int,
) -> Side:
    starts = np.empty(documents.n_words + 1, dtype=np.int64)
    owners = np.empty(documents.n_entries, dtype=np.int32)
    places = np.empty(documents.n_entries, dtype=np.int32)
    lda_words.sort_by_word(documents.indptr, documents.words, starts, owners, places, n_threads)
    counts = documents.counts[places]
    del places  # before as much again is allocated
    prior, scales = _word_prior(settings)
    if order is None:
        rows = topics.copy()
    else:
        rows, prior = np.take(topics, order, axis=1), np.take(prior, order, axis=1)
    rows += prior if scales is None else prior * scales[:, np.newaxis]
    rows[:, settings.n_topics :] = 0
    return Side(starts, owners, counts, prior, scales, rows, lists)


def _word_prior(settings: Settings) -> tuple[Float32Array, Float32Array | None]:
    given, n_topics = settings.topic_word_prior, settings.n_topics
    if given.ndim == 2:
        prior = given.copy()
        prior[:, n_topics:] = 0
        return prior, None
    prior = np.zeros((1, settings.width), dtype=np.float32)
    prior[0, :n_topics] = 1 if given.ndim else given
    return prior, given if given.ndim else None
