"""Learning in parts: topics change with each batch of documents, which need not be kept.

Counts become a weighted mean of those so far and of what the batch has, times the number of
documents that it stands for: Hoffman, Blei and Bach, "Online learning for latent Dirichlet
allocation", NIPS 2010.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from algos.lda import plain
from algos.lda.documents import Documents
from algos.lda.parameters import Floats, Settings
from algos.lda.variational import Stream, step_size


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
    state = Stream(topics, settings, n_threads) if is_variational else _Likely(topics, settings)
    for start in range(0, len(documents), settings.batch_size):
        batch = documents.part(start, min(start + settings.batch_size, len(documents)))
        weight = step_size(settings, number)
        state.learn(batch, weight, total / len(batch))
        told(number)
        n_stands_for = (1 - weight) * n_stands_for + weight * total
        number += 1
    return state.counts(), n_stands_for, number


class _Likely:
    def __init__(self, topics: Floats, settings: Settings) -> None:
        self._topics, self._settings = topics, settings

    def learn(self, batch: Documents, weight: float, ratio: float) -> None:
        found, _ = plain.step(batch, self._topics, self._settings)
        self._topics = np.float32(1 - weight) * self._topics + np.float32(weight * ratio) * found

    def counts(self) -> Floats:
        return self._topics
