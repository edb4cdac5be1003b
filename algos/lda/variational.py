"""Variational Bayes over whole passes ("batch") and over mini-batches ("online").

Hoffman, Blei and Bach (2010), "Online learning for latent Dirichlet allocation", NIPS 23. Both
mean what they mean in scikit-learn; see `dirichlet.py` for the distributions and the bound.

There are two differences. Documents begin at 1 in every topic, not at random near 1. And
scikit-learn adds 2e-16 to the product exp(E log θ_d)·exp(E log φ_w), which is small for rare words
at small priors: it then ignores such words, which count here. (20 Newsgroups, 50 topics, default
priors, one online epoch: perplexity 6328 by the bound, scikit-learn's 30413, or 6328 without the
addend.)

Memory, beyond the documents: three numbers for each word and topic, two for each document and topic
("batch"), four more of them and three for each entry in blocks of `BLOCK` documents; 4 bytes each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.random import Key, stream
from algos._cython import lda_words
from algos.lda.corpus import Corpus, blocks
from algos.lda.dirichlet import Mixtures, Rows, Topics, column_sums, documents_bound, infer
from algos.lda.documents import Documents
from algos.lda.parameters import Learned, Report, Settings

MAX_ITER = 10
BLOCK = 1 << 13  # documents whose mixtures are held at a time
WORDS = 1 << 12  # that are drawn at a time, in float64
_OF_START = 0  # stream of random numbers
_LARGEST = 1e12  # tokens, beyond which sums of shares might overflow float32
_MOST = 1e37  # largest count that is returned
_LEAST_FACTOR = 1e-6  # below it, counts are rescaled


def random_topics(settings: Settings, key: Key) -> Float32Array:
    """Return initial counts: λ near 1, or near twice a larger prior.

    λ comes from a gamma distribution of shape 100, as in scikit-learn.
    """
    rng, k = stream(key, _OF_START), settings.n_topics
    prior = settings.topic_word_prior
    if prior.ndim > 0:
        prior = prior.reshape(settings.n_words, -1)[:, :k]
    counts = np.zeros((settings.n_words, settings.width), dtype=np.float32)
    for start in range(0, settings.n_words, WORDS):
        part = counts[start : start + WORDS, :k]
        drawn = rng.gamma(100.0, 0.01, part.shape)
        own = prior[start : start + WORDS] if prior.ndim else prior
        part[...] = np.maximum(drawn * np.maximum(1, 2 * own) - own, 0)
    return counts


def learn_batch(
    documents: Documents,
    topics: Float32Array | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics by passes over all documents, the bound never decreasing.

    In each pass the documents begin anew, as in scikit-learn. Some may end in a different local
    optimum than in the pass before, and a worse one. As soon as this costs more than the
    topics have gained, documents continue from their last mixtures, which cannot lower the bound.
    """
    unit = unit_of(documents.n_tokens)
    documents = documents.in_units(unit)
    counts = random_topics(settings, key) if topics is None else topics * np.float32(unit)
    n_updates, continues = 0, False
    last = _Pass(counts, -np.inf, [])
    for _ in range(_max_iter(settings)):
        this = _pass(documents, counts, settings, n_threads, last.gammas if continues else None)
        if this.bound < last.bound and not continues:
            continues = True
            this = _pass(documents, counts, settings, n_threads, last.gammas)
        counts, last = this.counts, this
        n_updates += 1
        value = perplexity_of(this.bound, documents.n_tokens)
        if report(partial(in_tokens, counts, unit), value):
            break
    bound = approximate_bound(documents, counts, settings, n_threads)
    return Learned(
        in_tokens(counts, unit), n_updates, None, perplexity_of(bound, documents.n_tokens)
    )


@dataclass(frozen=True)
class _Pass:
    """The result of a pass over all documents.

    Attributes
    ----------
    counts : ndarray of shape (n_words, width), dtype float32
        Expected counts, which become the topics.
    bound : float
        The bound at the topics before the pass.
    gammas : list of ndarray
        γ of the documents, block by block.
    """

    counts: Float32Array
    bound: float
    gammas: list[Float32Array]


def _pass(
    documents: Documents,
    counts: Float32Array,
    settings: Settings,
    n_threads: int,
    starts: list[Float32Array] | None,
) -> _Pass:
    topics = Topics.of(counts, settings)
    rows = topics.rows(n_threads)
    found, gammas = np.zeros_like(counts), []
    bound = topics.bound(n_threads)
    for number, block in enumerate(blocks(documents, BLOCK)):
        start = None if starts is None else starts[number]
        mixtures = infer(block, rows, settings, n_threads, start)
        bound += documents_bound(block, mixtures, rows, settings, n_threads)
        _learn_words(_ByWord.of(block, n_threads), mixtures, rows, found, 1.0, n_threads)
        gammas.append(mixtures.gamma)
    return _Pass(found, bound, gammas)


def learn_online(
    documents: Corpus,
    topics: Float32Array | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics by steps on mini-batches, in the order of the documents."""
    state = Stream(random_topics(settings, key) if topics is None else topics, settings, n_threads)
    n_updates, n, tokens = 0, len(documents), documents.n_tokens
    for _ in range(_max_iter(settings)):
        bound = 0.0
        for batch in blocks(documents, settings.batch_size):
            n_updates += 1
            bound += state.learn(batch, step_size(settings, n_updates), n / len(batch))
        if report(state.counts, perplexity_of(bound + state.bound(), tokens)):
            break
    counts = state.counts()
    bound = approximate_bound(documents, counts, settings, n_threads)
    return Learned(counts, n_updates, None, perplexity_of(bound, tokens))


def step_size(settings: Settings, number: float) -> float:
    """Return the weight of batch `number`, counted from 1."""
    return float((settings.learning_offset + number) ** -settings.learning_decay)


class Stream:
    """Topics that learn batch after batch.

    A step multiplies all counts by 1 - weight. This is deferred: counts are stored divided by a
    factor, and only the rows of words in the batch are read or written.

    Parameters
    ----------
    counts : ndarray of shape (n_words, width), dtype float32
        The start, without the prior; it is copied.
    settings : Settings
        The settings of the fit.
    n_threads : int
        Number of threads; it does not change the result.
    """

    def __init__(self, counts: Float32Array, settings: Settings, n_threads: int) -> None:
        self._settings, self._n_threads = settings, n_threads
        self._unit = unit_of(float(counts.sum(dtype=np.float64)))
        self._topics = Topics.of(counts * np.float32(self._unit), settings)
        self._rows = Rows(np.empty_like(counts), np.empty(len(counts)))

    def learn(self, batch: Documents, weight: float, ratio: float) -> float:
        """Learn a batch whose documents stand for `ratio` each.

        Returns
        -------
        bound : float
            The documents' term of the bound, before they were learned.
        """
        self._make_room(batch.n_tokens * ratio)
        topics, rows, unit = self._topics, self._rows, self._unit
        batch = batch.in_units(unit)
        entries = _ByWord.of(batch, self._n_threads)
        topics.rows(self._n_threads, entries.words, rows)
        mixtures = infer(batch, rows, self._settings, self._n_threads)
        self._shrink(1 - weight)
        gain = weight * ratio / topics.factor
        found = _learn_words(entries, mixtures, rows, topics.counts, gain, self._n_threads)
        topics.totals += weight * ratio * found
        return documents_bound(batch, mixtures, rows, self._settings, self._n_threads) / unit

    def _make_room(self, tokens: float) -> None:
        """Count in larger units if the number of tokens requires it."""
        smaller = unit_of(tokens) / self._unit
        if smaller < 1:
            self._unit *= smaller
            self._shrink(smaller)

    def _shrink(self, keep: float) -> None:
        topics = self._topics
        topics.totals *= keep
        topics.factor *= keep
        if topics.factor < _LEAST_FACTOR:
            self._settle()

    def _settle(self) -> None:
        """Apply the factor, and compute the sums again, which rounding has let drift."""
        topics = self._topics
        topics.counts *= np.float32(topics.factor)
        topics.factor = 1.0
        topics.totals = column_sums(topics.counts, self._settings.n_topics)

    def counts(self) -> Float32Array:
        """Return a copy of the present counts."""
        counts = self._topics.counts * np.float32(self._topics.factor)
        if self._unit < 1:
            np.minimum(counts, _MOST * self._unit, out=counts)
            counts /= np.float32(self._unit)
        return counts

    def bound(self) -> float:
        """Return the topics' term of the bound."""
        self._settle()
        return self._topics.bound(self._n_threads)


@dataclass(frozen=True)
class _ByWord:
    """Entries of documents, sorted by word.

    Attributes
    ----------
    words : ndarray of shape (m,), dtype int32
        The words that occur.
    starts : ndarray of shape (m + 1,), dtype int64
        Where the entries of each word begin.
    documents, places : ndarray of shape (n_entries,), dtype int32
        The document of each entry, and its place among the documents' entries.
    """

    words: NDArray[np.int32]
    starts: Int64Array
    documents: NDArray[np.int32]
    places: NDArray[np.int32]

    @classmethod
    def of(cls, documents: Documents, n_threads: int) -> _ByWord:
        starts = np.empty(documents.n_words + 1, dtype=np.int64)
        owners = np.empty(documents.n_entries, dtype=np.int32)
        places = np.empty_like(owners)
        lda_words.sort_by_word(documents.indptr, documents.words, starts, owners, places, n_threads)
        words = np.flatnonzero(np.diff(starts))
        compact = np.append(starts[words], starts[-1])
        return cls(words.astype(np.int32), compact, owners, places)


def _learn_words(
    entries: _ByWord,
    mixtures: Mixtures,
    rows: Rows,
    counts: Float32Array,
    gain: float,
    n_threads: int,
) -> Float64Array:
    """Add gain times the expected counts to `counts`; return these counts' sums by topic."""
    width = counts.shape[1]
    totals = np.zeros(width)
    lda_words.learn_words(
        entries.words,
        entries.starts,
        entries.documents,
        entries.places,
        shares=mixtures.shares,
        mixtures=mixtures.values,
        rows=rows.values,
        priors=None,
        prior=0.0,
        weights=np.ones(width, dtype=np.float32),
        counts=counts,
        totals=totals,
        keep=1.0,
        gain=gain,
        n_threads=n_threads,
    )
    return totals[: mixtures.n_topics]


def approximate_bound(
    documents: Corpus,
    counts: Float32Array,
    settings: Settings,
    n_threads: int,
    *,
    n_documents: float | None = None,
) -> float:
    """Return the variational bound of the documents' log-likelihood.

    Parameters
    ----------
    documents : Corpus
        The documents.
    counts : ndarray of shape (n_words, width), dtype float32
        The topics, without the prior.
    settings : Settings
        The settings of the fit.
    n_threads : int
        Number of threads; it does not change the result.
    n_documents : float, default=None
        Number of documents of which these are a sample; None is their own number.
    """
    topics = Topics.of(counts, settings)
    rows = topics.rows(n_threads)
    total = 0.0
    for block in blocks(documents, BLOCK):
        mixtures = infer(block, rows, settings, n_threads)
        total += documents_bound(block, mixtures, rows, settings, n_threads)
    if n_documents is not None and len(documents):
        total *= n_documents / len(documents)
    return total + topics.bound(n_threads)


def perplexity_of(bound: float, tokens: float) -> float:
    """Return exp(-bound / tokens), or 1 without tokens."""
    if tokens == 0:
        return 1.0
    with np.errstate(over="ignore"):
        return float(np.exp(-bound / tokens))


def _max_iter(settings: Settings) -> int:
    return MAX_ITER if settings.max_iter is None else settings.max_iter


def unit_of(tokens: float) -> float:
    """Return the unit to count this many tokens in: 1, or a power of 2 below."""
    return 1.0 if tokens <= _LARGEST else float(2.0 ** np.floor(np.log2(_LARGEST / tokens)))


def in_tokens(counts: Float32Array, unit: float) -> Float32Array:
    """Convert counts in a unit to counts of tokens."""
    return counts if unit == 1 else counts / np.float32(unit)
