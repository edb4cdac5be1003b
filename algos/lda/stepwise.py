"""Stepwise expectation maximisation: topics learn from one batch of documents after another.

Cappé and Moulines, "On-line expectation-maximization algorithm for latent data models", JRSS B
71, 2009; Liang and Klein, "Online EM for unsupervised models", NAACL 2009.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key, stream
from algos._cython import lda_mixtures, lda_words
from algos.lda.documents import Documents
from algos.lda.inference import padded
from algos.lda.parameters import Doubles, Floats, Learned, Report, Settings

LEAST_SCALE = 1e-6


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

    def __init__(self, counts: Floats, settings: Settings) -> None:
        self.stored, self.scale = counts, 1.0
        self.totals = counts.sum(axis=0, dtype=np.float64)
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
        """Return rows, priors of words (or None), one for all, and weights, as kernels take
        them: φ = (rows + prior) weights."""
        masses = (self.totals + self._masses / self.scale)[: self._n_topics]
        weights = padded(1 / masses, len(self.totals))
        if self._prior.ndim == 2:
            return self.stored + self._prior / np.float32(self.scale), None, 0.0, weights
        if self._prior.ndim == 1:
            return self.stored, self._prior / np.float32(self.scale), 0.0, weights
        return self.stored, None, float(self._prior) / self.scale, weights

    def fade(self, factor: float) -> None:
        """Make all counts less."""
        self.scale *= factor
        if self.scale < LEAST_SCALE:
            self.stored *= np.float32(self.scale)
            self.totals *= self.scale
            self.scale = 1.0

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
