"""Online learning: topics change with each batch of documents, which need not be kept.

Counts become a weighted mean of the present counts and the batch's, scaled to the number of
documents that the batch stands for: Hoffman, Blei and Bach, "Online learning for latent Dirichlet
allocation", NIPS 2010.

Variational Bayes takes scikit-learn's steps. Those of expectation maximisation depend on the number
of documents seen, not on the number of calls: a call's documents are split into
batches, small ones at first, as topics change the most then, and a smaller batch weighs
less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float32Array
from algos.lda.corpus import Corpus
from algos.lda.documents import MOST, Documents
from algos.lda.expectation import Batch, Learner, Topics
from algos.lda.parameters import Settings
from algos.lda.variational import Stream, in_tokens, step_size, unit_of

STEPS = 10  # of inference for a document
FIRST = 32  # documents of the first batches
GROWTH = 10  # a batch has at most 1 / GROWTH as many documents as were seen before
# Documents that the first batches stand for beside those seen, if `total_samples` is "auto". With
# fewer, the random start outweighs the documents for long; with more, words that
# the documents lack have next to no prior.
IMAGINED = 10_000

Step = tuple[int, int, float]  # begin and end of a batch, and its weight


class State(NamedTuple):
    """The state of online learning.

    Attributes
    ----------
    topics : ndarray of shape (n_words, width), dtype float32
        Counts without the prior; they are not written to.
    n_stands_for : float
        Number of documents that the counts stand for.
    weight : float
        Share of the counts that comes from documents, 0 to 1; the rest is the start.
    number : int
        Number of the next batch.
    """

    topics: Float32Array
    n_stands_for: float
    weight: float
    number: int


def follow(
    documents: Corpus,
    before: State,
    settings: Settings,
    n_threads: int,
    *,
    n_seen: int,
    is_variational: bool,
    report: Callable[[int], None],
) -> State:
    """Learn documents batch by batch.

    Parameters
    ----------
    documents : Corpus
        The documents.
    before : State
        The state after the last call.
    settings : Settings
        The settings of the fit.
    n_threads : int
        Number of threads; it does not change the result.
    n_seen : int
        Number of documents seen before.
    is_variational : bool
        Whether to take scikit-learn's steps of variational Bayes; else those of expectation
        maximisation, for which the present counts, of a fit perhaps, are rescaled to as many
        documents as batches stand for.
    report : callable
        Called with each batch's number.
    """
    topics, n_stands_for, learned, number = before
    n = len(documents)
    total = total_of(settings, n_seen + n, learned)
    if not is_variational and n_stands_for > 0 and n_stands_for != learned * total:
        topics = topics * np.float32(learned * total / n_stands_for)
        n_stands_for = learned * total
    state = (Stream if is_variational else Likely)(topics, settings, n_threads)
    steps = _steps_of(n, number, settings) if is_variational else likely_steps(n, n_seen, settings)
    for start, stop, weight in steps:
        batch = documents.part(start, stop)
        _check_sum(batch, total)
        state.learn(batch, weight, total / len(batch))
        report(number)
        n_stands_for = (1 - weight) * n_stands_for + weight * total
        learned = (1 - weight) * learned + weight
        number += 1
    return State(state.counts(), n_stands_for, learned, number)


def total_of(settings: Settings, n_seen: int, learned: float) -> float:
    """Return the number of documents that batches stand for.

    Parameters
    ----------
    settings : Settings
        The settings of the fit.
    n_seen : int
        Number of documents seen, those of this call included.
    learned : float
        Share of the counts that comes from documents, 0 to 1.
    """
    if settings.total_samples is not None:
        return settings.total_samples
    return n_seen + IMAGINED * (1 - min(learned, 1.0))


def _steps_of(n: int, number: int, settings: Settings) -> Iterator[Step]:
    """Yield scikit-learn's steps for n documents, beginning with batch `number`."""
    for i, start in enumerate(range(0, n, settings.batch_size)):
        stop = min(start + settings.batch_size, n)
        yield start, stop, step_size(settings, number + i)


def likely_steps(n: int, n_seen: int, settings: Settings) -> Iterator[Step]:
    """Yield steps for n documents after `n_seen` others.

    A full batch has scikit-learn's weight. A smaller one weighs less, such that as many of them
    as make up a full batch have that weight together.
    """
    start, whole = 0, settings.batch_size
    while start < n:
        seen = n_seen + start
        stop = min(start + min(whole, max(FIRST, seen // GROWTH)), n)
        rate = step_size(settings, 1 + seen / whole)
        yield start, stop, 1 - (1 - rate) ** ((stop - start) / whole)
        start = stop


def _check_sum(batch: Documents, total: float) -> None:
    tokens = batch.n_tokens / len(batch) * total
    if tokens > 10 * MOST:
        raise ValueError(
            f"{total:.6g} documents like these (`total_samples`) would have {tokens:.3g} words "
            f"and must have at most {10 * MOST:.0e}; divide the counts or give fewer "
            f"`total_samples`"
        )


class Likely:
    """Topics that learn batch after batch by expectation maximisation.

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
        self._learner = Learner(Topics(counts.copy(), settings), settings, n_threads)
        self._unit, self._n_threads = 1.0, n_threads

    def learn(self, batch: Documents, weight: float, ratio: float) -> float:
        """Learn a batch whose documents stand for `ratio` each; return its log-likelihood."""
        self._make_room(batch.n_tokens * ratio)
        batch = batch.in_units(self._unit)
        return self._learner.learn(Batch(batch, self._n_threads), weight, ratio, STEPS) / self._unit

    def _make_room(self, tokens: float) -> None:
        """Count in larger units if the number of tokens requires it."""
        smaller = unit_of(tokens) / self._unit
        if smaller < 1:
            self._unit *= smaller
            topics = self._learner.topics
            topics.stored *= np.float32(smaller)
            topics.replace(topics.totals * smaller, topics.scale)

    def counts(self) -> Float32Array:
        """Return a copy of the present counts."""
        return in_tokens(self._learner.topics.counts(), self._unit)
