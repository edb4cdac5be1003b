"""Expectation maximisation in NumPy: stands in until the kernels are there."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._common.random import Key, stream
from algos.lda.documents import Documents
from algos.lda.parameters import Doubles, Floats, Learned, Report, Settings

PASSES = 10


def learn(
    documents: Documents,
    topics: Floats | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    if topics is None:
        rng = stream(key, 0)
        topics = np.zeros((settings.n_words, settings.width), dtype=np.float32)
        topics[:, : settings.n_topics] = rng.gamma(
            100.0, 0.01, (settings.n_words, settings.n_topics)
        )
    n_updates, perplexity = 0, np.nan
    for _ in range(PASSES if settings.max_iter is None else settings.max_iter):
        topics, perplexity = step(documents, topics, settings)
        n_updates += 1
        if report(lambda topics=topics: topics, perplexity):
            break
    return Learned(topics, n_updates, None, perplexity)


def step(documents: Documents, topics: Floats, settings: Settings) -> tuple[Floats, float]:
    b = probabilities(topics, settings)
    a, _ = _mixtures(documents, b, settings.doc_topic_prior, 10)
    rows = np.repeat(np.arange(len(documents)), np.diff(documents.indptr))
    counts = np.zeros_like(topics)
    p = (a[rows] * b[documents.words]).sum(axis=1)
    np.add.at(counts, documents.words, (documents.counts / p)[:, None] * a[rows])
    theta = a.sum(axis=1)[rows]
    tokens = documents.n_tokens
    value = np.exp(-(documents.counts * np.log(p / theta)).sum() / tokens) if tokens else 1.0
    return counts * b, float(value)


def probabilities(topics: Floats, settings: Settings) -> Floats:
    whole = topics + settings_prior(settings)
    whole[:, settings.n_topics :] = 0
    return whole / np.maximum(whole.sum(axis=0, dtype=np.float64), 1e-30).astype(np.float32)


def settings_prior(settings: Settings) -> Any:
    prior = settings.topic_word_prior
    return prior[:, None] if prior.ndim == 1 else prior


def mixtures(
    documents: Documents, topics: Floats, prior: Doubles, n_threads: int, max_iter: int, tol: float
) -> Floats:
    a, _ = _mixtures(documents, topics, prior, max_iter)
    a = a[:, : len(prior)]
    return a


def _mixtures(documents, b, prior, max_iter):
    width = b.shape[1]
    alpha = np.zeros(width, dtype=np.float32)
    alpha[: len(prior)] = prior
    a = np.tile((alpha > 0).astype(np.float32), (len(documents), 1))
    for d in range(len(documents)):
        entries = slice(documents.indptr[d], documents.indptr[d + 1])
        words, c = b[documents.words[entries]], documents.counts[entries]
        for _ in range(max_iter):
            s = c / (words * a[d]).sum(axis=1)
            a[d] = a[d] * (s[:, None] * words).sum(axis=0) + alpha
    return a, None
