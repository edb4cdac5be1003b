"""Variational Bayes over whole passes ("batch") and over mini-batches ("online").

Hoffman, Blei and Bach (2010), "Online learning for latent Dirichlet allocation", NIPS 23. Both
mean what they mean in scikit-learn; see `dirichlet.py` for the distributions and the bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from algos._common.random import Key, stream
from algos.lda.dirichlet import Mixtures, Rows, Topics, column_sums, documents_bound, infer
from algos.lda.documents import Documents
from algos.lda.parameters import Floats, Learned, Report, Settings

MAX_ITER = 10
BLOCK = 1 << 16  # documents whose mixtures are held at a time
_OF_START = 0  # stream of random numbers
_LARGEST = 1e12  # tokens, beyond which sums of shares might be no float32


def random_topics(settings: Settings, key: Key) -> Floats:
    """Return counts to begin with: λ near 1, or near twice a larger prior.

    λ comes from a gamma distribution of shape 100, as in scikit-learn.
    """
    drawn = stream(key, _OF_START).gamma(100.0, 0.01, (settings.n_words, settings.n_topics))
    prior = settings.topic_word_prior
    prior = prior[:, np.newaxis] if prior.ndim == 1 else prior[..., : settings.n_topics]
    counts = np.zeros((settings.n_words, settings.width), dtype=np.float32)
    counts[:, : settings.n_topics] = np.maximum(drawn * np.maximum(1, 2 * prior) - prior, 0)
    return counts


def learn_batch(
    documents: Documents,
    topics: Floats | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics by passes over all documents, the bound never decreasing."""
    documents, unit = _within_float32(documents)
    counts = random_topics(settings, key) if topics is None else topics * np.float32(unit)
    watch = _Watch(settings)
    n_updates = 0
    for _ in range(MAX_ITER if settings.max_iter is None else settings.max_iter):
        counts, value = _pass(documents, counts, settings, n_threads)
        n_updates += 1
        if watch.is_due(n_updates) and watch.is_done(
            perplexity(documents, counts, settings, n_threads)
        ):
            report(lambda counts=counts: counts / np.float32(unit), value)
            break
        if report(lambda counts=counts: counts / np.float32(unit), value):
            break
    final = perplexity(documents, counts, settings, n_threads)
    return Learned(counts / np.float32(unit), n_updates, None, final)


def learn_online(
    documents: Documents,
    topics: Floats | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics by steps on mini-batches, in the order of the documents."""
    raise NotImplementedError


class _Watch:
    """Stops where the perplexity has come to rest, if it is evaluated at all."""

    def __init__(self, settings: Settings) -> None:
        self._every = settings.evaluate_every
        self._tol = settings.perp_tol
        self._last: float | None = None

    def is_due(self, n_passes: int) -> bool:
        return self._every > 0 and n_passes % self._every == 0

    def is_done(self, value: float) -> bool:
        last, self._last = self._last, value
        return last is not None and abs(last - value) < self._tol


def perplexity(
    documents: Documents, counts: Floats, settings: Settings, n_threads: int
) -> float:
    """Return exp(-bound / tokens), nan without tokens."""
    return _perplexity(
        approximate_bound(documents, counts, settings, n_threads), documents.n_tokens
    )


def approximate_bound(
    documents: Documents,
    counts: Floats,
    settings: Settings,
    n_threads: int,
    *,
    n_documents: float | None = None,
) -> float:
    """Return the variational bound of the documents' log-likelihood.

    Parameters
    ----------
    n_documents : float, default=None
        So many documents stand behind these, as a sample of them; None is no more.
    """
    topics = Topics.of(counts, settings)
    rows = topics.rows(n_threads)
    total = 0.0
    for block in _blocks(documents):
        mixtures = infer(block, rows, settings, n_threads)
        total += documents_bound(block, mixtures, rows, settings, n_threads)
    if n_documents is not None and len(documents):
        total *= n_documents / len(documents)
    return total + topics.bound(n_threads)


def _perplexity(bound: float, tokens: float) -> float:
    if tokens <= 0:
        return float("nan")
    with np.errstate(over="ignore"):
        return float(np.exp(-bound / tokens))


def _blocks(documents: Documents) -> Iterator[Documents]:
    for start in range(0, len(documents), BLOCK):
        yield documents.part(start, min(start + BLOCK, len(documents)))


def _within_float32(documents: Documents) -> tuple[Documents, float]:
    """Return documents of no more tokens than sums of shares can hold, and their unit."""
    tokens = documents.n_tokens
    if tokens <= _LARGEST:
        return documents, 1.0
    unit = 2.0 ** np.floor(np.log2(_LARGEST / tokens))
    return replace(documents, counts=documents.counts * np.float32(unit)), unit
