"""Expectation maximisation by whole passes: stands in until the schedules are there."""

from __future__ import annotations

import numpy as np

from algos._common.random import Key
from algos.lda.documents import Documents
from algos.lda.parameters import Floats, Learned, Report, Settings
from algos.lda.streams import Likely
from algos.lda.variational import perplexity_of, random_topics

PASSES = 20


def learn(
    documents: Documents,
    topics: Floats | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics in batches that grow, and then from all documents at once."""
    state = Likely(random_topics(settings, key) if topics is None else topics, settings, n_threads)
    n_updates, perplexity, n = 0, np.nan, len(documents)
    for number in range(PASSES if settings.max_iter is None else settings.max_iter):
        size = 512 << number if n > 512 << number else n
        value = 0.0
        for start in range(0, n, size):
            batch = documents.part(start, min(start + size, n))
            n_updates += 1
            weight = 1.0 if size == n else (2.0 + n_updates) ** -0.6
            value += state.learn(batch, weight, n / len(batch))
        perplexity = perplexity_of(value, documents.n_tokens)
        if report(state.counts, perplexity):
            break
    return Learned(state.counts(), n_updates, None, perplexity)
