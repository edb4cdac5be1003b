"""Topics that learn by expectation maximisation from the mixtures of a batch of documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from algos._cython import lda_few, lda_mixtures, lda_words
from algos.lda.documents import Documents
from algos.lda.inference import padded
from algos.lda.parameters import Doubles, Floats, Settings

LEAST_SCALE = 1e-6
MOST_STORED = 1e12  # of a topic's words: products of such numbers are finite
MOST_WHOLE = 128  # topics that documents keep all of
MOST_FEW = 32  # topics that a document keeps, less one, where there are more
LEAST_SHARE = 0.03  # of a document's tokens, in a topic that it keeps
DENSE_STEPS = 1  # with all topics, before a document chooses

Probabilities = tuple[Floats, Floats | None, float, Floats]


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

    def probabilities(self) -> Probabilities:
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
    n_threads: InitVar[int] = 1  # changes nothing but the time
    present: NDArray[np.int32] = field(init=False)
    starts: NDArray[np.int64] = field(init=False)
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
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """What kernels take: words, their bounds, and of each entry document and place."""
        return self.present, self.starts, self.owners, self.places


class Mixtures:
    """Mixtures of documents, of all topics.

    Parameters
    ----------
    n_documents, width : int
    """

    _learn_words: ClassVar[Callable[..., None]] = staticmethod(lda_words.learn_words)

    def __init__(self, n_documents: int, width: int) -> None:
        self.values = np.empty((n_documents, width), dtype=np.float32)

    def part(self, start: int, stop: int) -> Mixtures:
        """Return those of some documents, without a copy."""
        part = object.__new__(type(self))
        part.__dict__ = {name: array[start:stop] for name, array in self.__dict__.items()}
        return part

    @staticmethod
    def n_bytes(width: int) -> int:
        """Return what a document takes."""
        return 4 * width

    def infer(
        self,
        batch: Batch,
        topics: Probabilities,
        prior: Floats,
        used: Floats,
        shares: Floats,
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
        topics : tuple
            What `Topics.probabilities` returns.
        prior : ndarray of shape (width,)
            Of topics in a document.
        used : ndarray, like `values`
            Receives the mixtures as the last step met them.
        shares : ndarray of shape (n_entries,)
            Receives what makes counts of those.
        n_steps, n_threads : int
        is_warm : bool
            Whether to begin with the mixtures that are there.
        is_whole : bool
            Whether documents that keep few topics choose them anew.
        """
        documents = batch.documents
        return lda_mixtures.mix_documents(
            documents.indptr, documents.words, documents.counts, *topics[:3], prior, topics[3],
            self.values, used, shares, is_warm, n_steps, 0.0, True, n_threads,
        )  # fmt: skip

    def learn(
        self,
        batch: Batch,
        topics: Probabilities,
        prior: Floats,
        used: Floats,
        shares: Floats,
        counts: Floats,
        keep: float,
        gain: float,
        n_threads: int,
    ) -> Doubles:
        """Learn counts of words, and return the sums of what the batch has of each topic."""
        found = np.empty(counts.shape[1])
        self._learn_words(
            *batch.by_word, shares, *self._used(used, prior), *topics, counts, found, keep, gain,
            n_threads,
        )  # fmt: skip
        return found

    def _used(self, used: Floats, prior: Floats) -> tuple[NDArray[Any], ...]:
        """Return what `_learn_words` takes of the mixtures."""
        return (used,)


class FewMixtures(Mixtures):
    """Mixtures of documents, each of its heaviest topics alone."""

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
        prior: Floats,
        used: Floats,
        shares: Floats,
        n_steps: int,
        n_threads: int,
        *,
        is_warm: bool,
        is_whole: bool,
    ) -> float:
        n_dense = 0 if is_warm and not is_whole else 1 if is_warm else DENSE_STEPS
        documents = batch.documents
        return lda_few.mix_few(
            documents.indptr, documents.words, documents.counts, batch.present, *topics[:3],
            prior, topics[3], self.kept, self.sizes, self.values, used, shares, is_warm, n_dense,
            max(1, n_steps - n_dense), LEAST_SHARE, n_threads,
        )  # fmt: skip

    def _used(self, used: Floats, prior: Floats) -> tuple[NDArray[Any], ...]:
        return self.kept, self.sizes, used, prior


def room_for(width: int) -> type[Mixtures]:
    """Return the class of mixtures for so many topics."""
    return FewMixtures if width > MOST_WHOLE else Mixtures


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
        rate : float
            The share of the batch in the counts; 1 forgets what they were.
        ratio : float
            How many documents each one stands for.
        n_steps : int
            Of inference a document.
        mixtures : Mixtures, default=None
            Receives the mixtures.
        is_warm : bool, default=False
            Whether inference begins with `mixtures`.
        is_whole : bool, default=True
            Whether documents that keep few topics choose them anew.
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
        """Have room for a batch."""
        if n_documents > len(self._used):
            self._room = type(self._room)(n_documents, len(self._prior))
            self._used = np.empty_like(self._room.values)
        if n_entries > len(self._shares):
            self._shares = np.empty(n_entries, dtype=np.float32)
