"""Stepwise expectation maximisation: topics learn from one batch of documents after another.

Cappé and Moulines, "On-line expectation-maximization algorithm for latent data models", JRSS B
71, 2009; Liang and Klein, "Online EM for unsupervised models", NAACL 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key, stream
from algos._cython import lda_mixtures, lda_words
from algos.lda.documents import Documents
from algos.lda.inference import padded
from algos.lda.parameters import Doubles, Floats, Learned, Report, Settings, padded_columns

LEAST_SCALE = 1e-6
MOST_STORED = 1e12  # of a topic's words: products of such numbers are finite


class Topics:
    """Counts of words in topics which a step makes less all together.

    Parameters
    ----------
    counts : ndarray of shape (n_words, width), dtype float32
        Without the prior; written to.
    settings : Settings

    Attributes
    ----------
    stored : ndarray of shape (n_words, width), dtype float32
        The counts are `scale` times these.
    scale : float
    totals : ndarray of shape (width,), dtype float64
        Sums of what is stored.
    """

    totals: Doubles
    scale: float

    def __init__(self, counts: Floats, settings: Settings) -> None:
        self.stored = counts
        self.replace(counts.sum(axis=0, dtype=np.float64), 1.0)
        self._prior = prior = settings.topic_word_prior
        n_words, n_topics = settings.n_words, settings.n_topics
        self._masses = np.zeros(settings.width)
        self._masses[:n_topics] = (
            prior[:, :n_topics].sum(axis=0, dtype=np.float64)
            if prior.ndim == 2
            else float(np.sum(np.broadcast_to(prior, n_words), dtype=np.float64))
        )
        self._n_topics = n_topics

    def probabilities(self) -> tuple[Floats, Floats | None, float, Floats]:
        """Return rows, priors of words (or None), one for all words, and weights.

        Kernels make φ = (rows + prior) weights of them.
        """
        masses = (self.totals + self._masses / self.scale)[: self._n_topics]
        weights = padded(1 / masses, len(self.totals))
        if self._prior.ndim == 2:
            return self.stored + self._prior / np.float32(self.scale), None, 0.0, weights
        if self._prior.ndim == 1:
            return self.stored, self._prior / np.float32(self.scale), 0.0, weights
        return self.stored, None, float(self._prior) / self.scale, weights

    def replace(self, totals: Doubles, scale: float) -> None:
        """Take note of what `stored` has become."""
        self.totals, self.scale = totals, scale
        largest = totals.max()
        if largest > MOST_STORED or scale < LEAST_SCALE:
            factor = 1 / largest if largest * min(scale, 1) > MOST_STORED else scale
            self.stored *= np.float32(factor)
            self.totals, self.scale = totals * factor, scale / factor

    def counts(self) -> Floats:
        """Return the counts."""
        return self.stored * np.float32(self.scale)


@dataclass
class Batch:
    """Documents, and their entries by word."""

    documents: Documents
    present: NDArray[np.int32] = field(init=False)
    starts: NDArray[np.int64] = field(init=False)
    owners: NDArray[np.int32] = field(init=False)
    places: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        documents = self.documents
        starts = np.empty(documents.n_words + 1, dtype=np.int64)
        self.owners = np.empty(documents.n_entries, dtype=np.int32)
        self.places = np.empty(documents.n_entries, dtype=np.int32)
        lda_words.sort_by_word(documents.indptr, documents.words, starts, self.owners, self.places)
        self.present = np.flatnonzero(np.diff(starts)).astype(np.int32)
        self.starts = np.append(starts[self.present], starts[-1])


@dataclass
class Stage:
    """Passes over all documents in batches of one size.

    Attributes
    ----------
    batch_size : int
        0 is all documents at once.
    n_epochs : int
    n_steps : int
        Of inference a document and visit.
    """

    batch_size: int
    n_epochs: int
    n_steps: int


# Topics change fastest in the first pass: its documents are inferred the most thoroughly.
OPENING = (Stage(512, 1, 20), Stage(1024, 1, 10), Stage(2048, 1, 5), Stage(4096, 1, 3))
BEGUN_STEPS = 10
LATER_STEPS = 2  # documents begin where the pass before left them
COLD_STEPS = 5  # where there is no room to keep that
DECAY = 0.7  # of the share of a batch in the topics, (1 + number of the batch) ** -DECAY
EPOCHS = 30
LEAST_BATCHES = 16  # of the first pass, while they have a document each
BATCH_BYTES = 1 << 26  # of a batch's mixtures, at most
KEPT_BYTES = 1 << 28  # of all documents' mixtures, if they are kept


def stages(n_documents: int, width: int, n_epochs: int, *, is_begun: bool) -> list[Stage]:
    """Return the passes of a fit: small batches first, as large ones as there is room last.

    Topics to begin with are left to large ones alone.
    """
    most = max(1, min(n_documents, BATCH_BYTES // (4 * width)))
    if is_begun:
        return [Stage(most, min(1, n_epochs), BEGUN_STEPS), Stage(most, n_epochs - 1, LATER_STEPS)]
    shrink = min(1.0, n_documents / LEAST_BATCHES / OPENING[0].batch_size)
    opening = [
        Stage(min(most, max(1, round(stage.batch_size * shrink))), 1, stage.n_steps)
        for stage in OPENING
    ][:n_epochs]
    return [*opening, Stage(most, n_epochs - len(opening), LATER_STEPS)]


class Learner:
    """Topics that learn from batches of documents.

    Parameters
    ----------
    topics : Topics
        Written to.
    settings : Settings
    n_threads : int
        Changes nothing but the time.

    Attributes
    ----------
    topics : Topics
    """

    def __init__(self, topics: Topics, settings: Settings, n_threads: int) -> None:
        self.topics, self._n_threads = topics, n_threads
        self._prior = padded(settings.doc_topic_prior, settings.width)
        self._used = np.empty((0, settings.width), dtype=np.float32)
        self._shares = np.empty(0, dtype=np.float32)

    def learn(
        self,
        batch: Batch,
        rate: float,
        ratio: float,
        n_steps: int,
        mixtures: Floats | None = None,
        *,
        is_warm: bool = False,
    ) -> float:
        """Learn a batch; return its log-likelihood before.

        Parameters
        ----------
        batch : Batch
        rate : float
            The share of the batch in the counts; 1 forgets what they were.
        ratio : float
            How many documents each one stands for.
        n_steps : int
            Of inference a document.
        mixtures : ndarray of shape (n_documents, width), default=None
            Receives the mixtures.
        is_warm : bool, default=False
            Whether inference begins with `mixtures`.
        """
        documents, topics = batch.documents, self.topics
        n, n_entries = len(documents), documents.n_entries
        if n > len(self._used):
            self._used = np.empty((n, self._used.shape[1]), dtype=np.float32)
        if n_entries > len(self._shares):
            self._shares = np.empty(n_entries, dtype=np.float32)
        used, shares = self._used[:n], self._shares[:n_entries]
        rows, priors, prior, weights = topics.probabilities()
        value = lda_mixtures.mix_documents(
            documents.indptr, documents.words, documents.counts, rows, priors, prior,
            self._prior, weights, mixtures, used, shares, is_warm, n_steps, 0.0, True,
            self._n_threads,
        )  # fmt: skip
        found = np.empty(rows.shape[1])
        scale = topics.scale * (1 - rate) if rate < 1 else 1.0
        keep, gain = (1.0, rate * ratio / scale) if rate < 1 else (0.0, ratio)
        if rate >= 1:
            is_absent = np.ones(len(rows), dtype=np.bool_)
            is_absent[batch.present] = False
            topics.stored[is_absent] = 0
        lda_words.learn_words(
            batch.present, batch.starts, batch.owners, batch.places, shares, used, rows,
            priors, prior, weights, topics.stored, found, keep, gain, self._n_threads,
        )  # fmt: skip
        topics.replace(keep * topics.totals + gain * found, scale)
        return value


def learn(
    documents: Documents,
    topics: Floats | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics by stepwise expectation maximisation; see `algos.lda.parameters`.

    Counts to begin with are refined in passes over all documents, or as many as there is room
    for; without them, small batches come first, which find topics soonest.
    """
    n_epochs = EPOCHS if settings.max_iter is None else settings.max_iter
    plan = stages(len(documents), settings.width, n_epochs, is_begun=topics is not None)
    begun = random_counts(documents, settings, key) if topics is None else topics.copy()
    learner = Learner(Topics(begun, settings), settings, n_threads)
    n_updates, perplexity = _run(learner, documents, plan, settings.width, report)
    return Learned(learner.topics.counts(), n_updates, None, perplexity)


def random_counts(documents: Documents, settings: Settings, key: Key) -> Floats:
    """Return counts that are nearly alike in all topics."""
    words = np.bincount(documents.words, documents.counts, settings.n_words)
    shape = (settings.n_words, settings.n_topics)
    counts = stream(key, 0).standard_gamma(100.0, shape, dtype=np.float32)
    return padded_columns(counts * (words / (100 * settings.n_topics))[:, np.newaxis])


def _run(
    learner: Learner, documents: Documents, plan: list[Stage], width: int, report: Report
) -> tuple[int, float]:
    """Go through the stages; return the number of updates and the last perplexity."""
    n, tokens = len(documents), documents.n_tokens
    is_kept = 4 * n * width <= KEPT_BYTES
    mixtures = np.empty((n if is_kept else 0, width), dtype=np.float32)
    n_updates, n_epochs, perplexity = 0, 0, float("nan")
    for stage in plan:
        batches = list(cut(documents, stage.batch_size)) if stage.n_epochs > 0 else []
        for _ in range(stage.n_epochs):
            value = 0.0
            for start, batch in batches:
                rate = 1.0 if len(batches) == 1 else (1 + n_updates) ** -DECAY
                size = len(batch.documents)
                kept = mixtures[start : start + size] if is_kept else None
                steps = stage.n_steps if is_kept else max(stage.n_steps, COLD_STEPS)
                value += learner.learn(
                    batch, rate, n / size, steps, kept, is_warm=is_kept and n_epochs > 0
                )
                n_updates += 1
            n_epochs += 1
            perplexity = float(np.exp(-value / tokens)) if tokens else 1.0
            if report(learner.topics.counts, perplexity):
                return n_updates, perplexity
    return n_updates, perplexity


def cut(documents: Documents, size: int) -> Iterator[tuple[int, Batch]]:
    """Yield batches of about `size` documents, each with its first document's number."""
    n_batches = max(1, round(len(documents) / size))
    for i in range(n_batches):
        start, stop = (len(documents) * j // n_batches for j in (i, i + 1))
        yield start, Batch(documents.part(start, stop))
