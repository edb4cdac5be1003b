"""Expectation maximisation of topics from the mixtures of a batch of documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._cython import lda_few, lda_mixtures, lda_words
from algos.lda.documents import Documents
from algos.lda.parameters import Settings, padded_row

LEAST_SCALE = 1e-6
MOST_STORED = 1e12  # of a topic's words: products of such numbers are finite
MOST_WHOLE = 128  # topics, up to which documents keep all of them
MOST_FEW = 32  # topics that a document keeps, less one, where there are more
LEAST_SHARE = 0.03  # of a document's tokens, for it to keep a topic
DENSE_STEPS = 1  # with all topics, before a document chooses

Probabilities = tuple[Float32Array, Float32Array | None, float, Float32Array]


class Topics:
    """Counts of words in topics, scaled down lazily.

    Parameters
    ----------
    counts : ndarray of shape (n_words, width), dtype float32
        Without the prior; overwritten.
    settings : Settings
        The settings of the fit.

    Attributes
    ----------
    stored : ndarray of shape (n_words, width), dtype float32
        The counts divided by `scale`.
    scale : float
        The common factor of the counts.
    totals : ndarray of shape (width,), dtype float64
        Column sums of `stored`.
    """

    totals: Float64Array
    scale: float

    def __init__(self, counts: Float32Array, settings: Settings) -> None:
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

    def probabilities(self) -> Probabilities:
        """Return rows, priors of words (or None), one for all words, and weights.

        Kernels compute φ = (rows + prior) weights.
        """
        masses = (self.totals + self._masses / self.scale)[: self._n_topics]
        weights = padded_row(1 / masses, len(self.totals))
        if self._prior.ndim == 2:
            return self.stored + self._prior / np.float32(self.scale), None, 0.0, weights
        if self._prior.ndim == 1:
            return self.stored, self._prior / np.float32(self.scale), 0.0, weights
        return self.stored, None, float(self._prior) / self.scale, weights

    def replace(self, totals: Float64Array, scale: float) -> None:
        """Set the sums and the scale after `stored` has changed."""
        self.totals, self.scale = totals, scale
        largest = totals.max()
        if largest > MOST_STORED or scale < LEAST_SCALE:
            factor = 1 / largest if largest * min(scale, 1) > MOST_STORED else scale
            self.stored *= np.float32(factor)
            self.totals, self.scale = totals * factor, scale / factor

    def counts(self) -> Float32Array:
        """Return the counts."""
        return self.stored * np.float32(self.scale)


@dataclass
class Batch:
    """Documents, and their entries sorted by word."""

    documents: Documents
    n_threads: InitVar[int] = 1  # it does not change the result
    present: NDArray[np.int32] = field(init=False)
    starts: Int64Array = field(init=False)
    owners: NDArray[np.int32] = field(init=False)
    places: NDArray[np.int32] = field(init=False)

    def __post_init__(self, n_threads: int) -> None:
        documents = self.documents
        starts = np.empty(documents.n_words + 1, dtype=np.int64)
        self.owners = np.empty(documents.n_entries, dtype=np.int32)
        self.places = np.empty(documents.n_entries, dtype=np.int32)
        lda_words.sort_by_word(
            documents.indptr, documents.words, starts, self.owners, self.places, n_threads
        )
        self.present = np.flatnonzero(np.diff(starts)).astype(np.int32)
        self.starts = np.append(starts[self.present], starts[-1])

    @property
    def by_word(
        self,
    ) -> tuple[NDArray[np.int32], Int64Array, NDArray[np.int32], NDArray[np.int32]]:
        """The words present, their bounds, and the document and place of each entry."""
        return self.present, self.starts, self.owners, self.places


class Mixtures:
    """Mixtures of documents over all topics.

    Parameters
    ----------
    n_documents, width : int
        The shape of the mixtures.
    """

    _learn_words: ClassVar[Callable[..., None]] = staticmethod(lda_words.learn_words)

    def __init__(self, n_documents: int, width: int) -> None:
        self.values = np.empty((n_documents, width), dtype=np.float32)

    def part(self, start: int, stop: int) -> Mixtures:
        """Return the mixtures of a range of documents, without a copy."""
        part = object.__new__(type(self))
        part.__dict__ = {name: array[start:stop] for name, array in self.__dict__.items()}
        return part

    @staticmethod
    def n_bytes(width: int) -> int:
        """Return the bytes that a document takes."""
        return 4 * width

    def infer(
        self,
        batch: Batch,
        topics: Probabilities,
        prior: Float32Array,
        used: Float32Array,
        shares: Float32Array,
        n_steps: int,
        n_threads: int,
        *,
        is_warm: bool,
        is_whole: bool,
    ) -> float:
        """Infer the mixtures; return the log-likelihood.

        Parameters
        ----------
        batch : Batch
            The documents.
        topics : tuple
            As returned by `Topics.probabilities`.
        prior : ndarray of shape (width,)
            Prior of topics in a document.
        used : ndarray, like `values`
            Receives the mixtures as they were at the start of the last step.
        shares : ndarray of shape (n_entries,)
            Receives the factors that turn these into counts.
        n_steps, n_threads : int
            Numbers of steps and threads.
        is_warm : bool
            Whether to begin with the present mixtures.
        is_whole : bool
            Whether documents that keep few topics choose them again.
        """
        documents = batch.documents
        rows, priors, word_prior, weights = topics
        return lda_mixtures.mix_documents(
            documents.indptr,
            documents.words,
            documents.counts,
            rows=rows,
            priors=priors,
            prior=word_prior,
            document_prior=prior,
            weights=weights,
            mixtures=self.values,
            used=used,
            shares=shares,
            is_warm=is_warm,
            max_iter=n_steps,
            tol=0.0,
            is_measured=True,
            n_threads=n_threads,
        )

    def learn(
        self,
        batch: Batch,
        topics: Probabilities,
        prior: Float32Array,
        used: Float32Array,
        shares: Float32Array,
        counts: Float32Array,
        keep: float,
        gain: float,
        n_threads: int,
    ) -> Float64Array:
        """Update the counts of words, and return the batch's number of tokens by topic."""
        found = np.empty(counts.shape[1])
        self._learn_words(
            *batch.by_word, shares, *self._used(used, prior), *topics, counts, found,
            keep=keep, gain=gain, n_threads=n_threads,
        )  # fmt: skip
        return found

    def _used(self, used: Float32Array, prior: Float32Array) -> tuple[NDArray[Any], ...]:
        """Return the arguments of `_learn_words` that describe the mixtures."""
        return (used,)


class FewMixtures(Mixtures):
    """Mixtures of documents that keep only their largest topics."""

    _learn_words: ClassVar[Callable[..., None]] = staticmethod(lda_few.learn_words_of_few)

    def __init__(self, n_documents: int, width: int) -> None:
        super().__init__(n_documents, min(width, MOST_FEW))
        self.kept = np.zeros(self.values.shape, dtype=np.int32)
        self.sizes = np.zeros(n_documents, dtype=np.int32)

    @staticmethod
    def n_bytes(width: int) -> int:
        return 8 * min(width, MOST_FEW) + 4

    def infer(
        self,
        batch: Batch,
        topics: Probabilities,
        prior: Float32Array,
        used: Float32Array,
        shares: Float32Array,
        n_steps: int,
        n_threads: int,
        *,
        is_warm: bool,
        is_whole: bool,
    ) -> float:
        n_dense = 0 if is_warm and not is_whole else 1 if is_warm else DENSE_STEPS
        documents = batch.documents
        rows, priors, word_prior, weights = topics
        return lda_few.mix_few(
            documents.indptr,
            documents.words,
            documents.counts,
            present=batch.present,
            rows=rows,
            priors=priors,
            prior=word_prior,
            document_prior=prior,
            weights=weights,
            kept=self.kept,
            sizes=self.sizes,
            mixtures=self.values,
            used=used,
            shares=shares,
            is_warm=is_warm,
            n_dense=n_dense,
            n_sparse=max(1, n_steps - n_dense),
            least=LEAST_SHARE,
            n_threads=n_threads,
        )

    def _used(self, used: Float32Array, prior: Float32Array) -> tuple[NDArray[Any], ...]:
        return self.kept, self.sizes, used, prior


def room_for(width: int) -> type[Mixtures]:
    """Return the class of mixtures for this number of topics."""
    return FewMixtures if width > MOST_WHOLE else Mixtures


class Learner:
    """Topics that learn from batches of documents.

    Parameters
    ----------
    topics : Topics
        Overwritten.
    settings : Settings
        The settings of the fit.
    n_threads : int
        Number of threads; it does not change the result.

    Attributes
    ----------
    topics : Topics
        The topics as learned so far.
    """

    def __init__(self, topics: Topics, settings: Settings, n_threads: int) -> None:
        self.topics, self._n_threads = topics, n_threads
        self._prior = padded_row(settings.doc_topic_prior, settings.width)
        self._room = room_for(settings.width)(0, settings.width)
        self._used = np.empty_like(self._room.values)
        self._shares = np.empty(0, dtype=np.float32)

    def learn(
        self,
        batch: Batch,
        rate: float,
        ratio: float,
        n_steps: int,
        mixtures: Mixtures | None = None,
        *,
        is_warm: bool = False,
        is_whole: bool = True,
    ) -> float:
        """Learn a batch; return its log-likelihood before.

        Parameters
        ----------
        batch : Batch
            The documents.
        rate : float
            The share of the batch in the counts; 1 replaces them.
        ratio : float
            The number of documents that each one stands for.
        n_steps : int
            Steps of inference for each document.
        mixtures : Mixtures, default=None
            Receives the mixtures.
        is_warm : bool, default=False
            Whether inference begins with `mixtures`.
        is_whole : bool, default=True
            Whether documents that keep few topics choose them again.
        """
        documents, topics = batch.documents, self.topics
        n = len(documents)
        self._grow(n, documents.n_entries)
        used, shares = self._used[:n], self._shares[: documents.n_entries]
        mixtures = self._room.part(0, n) if mixtures is None else mixtures
        phi = topics.probabilities()
        value = mixtures.infer(
            batch, phi, self._prior, used, shares, n_steps, self._n_threads,
            is_warm=is_warm, is_whole=is_whole,
        )  # fmt: skip
        scale = topics.scale * (1 - rate) if rate < 1 else 1.0
        keep, gain = (1.0, rate * ratio / scale) if rate < 1 else (0.0, ratio)
        if rate >= 1:
            is_absent = np.ones(len(topics.stored), dtype=np.bool_)
            is_absent[batch.present] = False
            topics.stored[is_absent] = 0
        found = mixtures.learn(
            batch, phi, self._prior, used, shares, topics.stored, keep, gain, self._n_threads
        )
        topics.replace(keep * topics.totals + gain * found, scale)
        return value

    def _grow(self, n_documents: int, n_entries: int) -> None:
        """Make room for a batch."""
        if n_documents > len(self._used):
            self._room = type(self._room)(n_documents, len(self._prior))
            self._used = np.empty_like(self._room.values)
        if n_entries > len(self._shares):
            self._shares = np.empty(n_entries, dtype=np.float32)
