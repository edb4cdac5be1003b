"""Which learner stands behind each `learning_method`, in fits and in streams."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from algos._common.random import Key, stream
from algos.lda import plain
from algos.lda.documents import Documents
from algos.lda.parameters import Floats, Learned, Settings, padded_columns

Learner = Callable[..., Learned]

VARIATIONAL = ("batch", "online")

LEARNERS: dict[str, Learner] = {
    "batch": plain.learn,
    "online": plain.learn,
    "cvb0": plain.learn,
    "spectral": plain.learn,
}


def choose_method(given: str) -> tuple[str, str]:
    """Return the method that stands for "auto", and why."""
    if given != "auto":
        return given, "as asked for"
    return "cvb0", "it comes to the best held-out likelihood, and soonest"


def start_of_stream(settings: Settings, key: Key) -> Floats:
    """Return counts that differ at random, as scikit-learn begins with."""
    shape = (settings.n_words, settings.n_topics)
    return padded_columns(stream(key, 0).gamma(100.0, 0.01, shape))


def update(
    documents: Documents,
    topics: Floats,
    n_stands_for: float,
    settings: Settings,
    key: Key,
    n_threads: int,
    *,
    number: int,
    is_variational: bool,
) -> tuple[Floats, float, float]:
    """Learn one batch of a stream.

    Counts are a weighted mean of those so far and of what the batch has, times the number of
    documents that it stands for [1]_. Expectation maximisation brings those so far, which may
    be of a fit, to as many documents first.

    Returns
    -------
    topics : ndarray
    n_stands_for : float
        How many documents the counts are now of.
    perplexity : float
        Of the batch, before it was learned.

    References
    ----------
    .. [1] Hoffman, M., Blei, D. and Bach, F., "Online learning for latent Dirichlet
       allocation", NIPS 2010.
    """
    found, perplexity = plain.step(documents, topics, settings)
    total = settings.total_samples
    rate = (settings.learning_offset + number) ** -settings.learning_decay
    scale = 1.0 if is_variational or n_stands_for == 0 else total / n_stands_for
    learned = np.float32((1 - rate) * scale) * topics
    learned += np.float32(rate * total / len(documents)) * found
    return learned, (1 - rate) * scale * n_stands_for + rate * total, perplexity
