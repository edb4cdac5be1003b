"""Learning in parts: topics change with each batch of documents, which need not be kept.

Counts become a weighted mean of those so far and of what the batch has, times the number of
documents that it stands for: Hoffman, Blei and Bach, "Online learning for latent Dirichlet
allocation", NIPS 2010.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from algos.lda.documents import MOST, Documents
from algos.lda.expectation import Batch, Learner, Topics
from algos.lda.parameters import Floats, Settings
from algos.lda.variational import Stream, in_tokens, in_units, step_size, unit_of

STEPS = 10  # of inference a document


def follow(
    documents: Documents,
    topics: Floats,
    n_stands_for: float,
    settings: Settings,
    n_threads: int,
    *,
    number: int,
    is_variational: bool,
    told: Callable[[int], None],
) -> tuple[Floats, float, int]:
    """Learn documents batch by batch.

    Parameters
    ----------
    documents : Documents
    topics : ndarray
        Counts so far; they are not written to.
    n_stands_for : float
        How many documents the counts are of.
    settings : Settings
    n_threads : int
        Changes nothing but the time.
    number : int
        Of the first batch.
    is_variational : bool
        Whether by variational Bayes, with scikit-learn's steps; else by expectation
        maximisation, which first brings counts so far, of a fit perhaps, to as many documents
        as batches are to stand for.
    told : callable
        Is told of each batch's number.

    Returns
    -------
    topics : ndarray
    n_stands_for : float
    number : int
        Of the next batch.
    """
    total = settings.total_samples
    if not is_variational and n_stands_for > 0:
        topics = topics * np.float32(total / n_stands_for)
        n_stands_for = total
    state = (Stream if is_variational else Likely)(topics, settings, n_threads)
    for start in range(0, len(documents), settings.batch_size):
        batch = documents.part(start, min(start + settings.batch_size, len(documents)))
        _check_sum(batch, total)
        weight = step_size(settings, number)
        state.learn(batch, weight, total / len(batch))
        told(number)
        n_stands_for = (1 - weight) * n_stands_for + weight * total
        number += 1
    return state.counts(), n_stands_for, number


def _check_sum(batch: Documents, total: float) -> None:
    tokens = batch.n_tokens / len(batch) * total
    if tokens > 10 * MOST:
        raise ValueError(
            f"`total_samples`={total!r} documents like these would have {tokens:.3g} words and "
            f"must have at most {10 * MOST:.0e}; divide the counts or give fewer `total_samples`"
        )


class Likely:
    """Topics that learn batch after batch by expectation maximisation.

    Parameters
    ----------
    counts : ndarray of shape (n_words, width), dtype float32
        Where to begin, without the prior; it is copied.
    settings : Settings
    n_threads : int
    """

    def __init__(self, counts: Floats, settings: Settings, n_threads: int) -> None:
        self._learner = Learner(Topics(counts.copy(), settings), settings, n_threads)
        self._unit, self._n_threads = 1.0, n_threads

    def learn(self, batch: Documents, weight: float, ratio: float) -> float:
        """Learn a batch whose documents stand for `ratio` each; return its log-likelihood."""
        self._make_room(batch.n_tokens * ratio)
        batch = in_units(batch, self._unit)
        return self._learner.learn(Batch(batch, self._n_threads), weight, ratio, STEPS) / self._unit

    def _make_room(self, tokens: float) -> None:
        """Count in larger units where so many tokens ask for it."""
        smaller = unit_of(tokens) / self._unit
        if smaller < 1:
            self._unit *= smaller
            topics = self._learner.topics
            topics.stored *= np.float32(smaller)
            topics.replace(topics.totals * smaller, topics.scale)

    def counts(self) -> Floats:
        """Return a copy of the counts as they are now."""
        return in_tokens(self._learner.topics.counts(), self._unit)
