"""Which learner stands behind each `learning_method`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from algos._common.random import Key
from algos.lda import cvb0, spectral
from algos.lda.documents import Documents
from algos.lda.parameters import Floats, Learned, Report, Settings
from algos.lda.priors import learned_prior
from algos.lda.variational import learn_batch, learn_online

Learner = Callable[..., Learned]

VARIATIONAL = ("batch", "online")

LEARNERS: dict[str, Learner] = {
    "batch": learn_batch,
    "online": learn_online,
    "cvb0": cvb0.learn,
    "spectral": spectral.learn,
}


def learn(
    method: str,
    documents: Documents,
    topics: Floats | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn by a method, from spectral topics and with a prior of documents if so asked."""
    if topics is None and settings.init == "spectral" and method != "spectral":
        topics = spectral.begin(documents, settings, key, n_threads)[0]
    learned = LEARNERS[method](documents, topics, settings, key, n_threads, report)
    if settings.learns_doc_topic_prior and learned.doc_topic_prior is None:
        prior = settings.topic_word_prior
        rows = learned.topics + (prior[:, np.newaxis] if prior.ndim == 1 else prior)
        found = learned_prior(documents, rows, settings.doc_topic_prior, key, n_threads)
        learned = replace(learned, doc_topic_prior=found)
    return learned


def choose_method(given: str) -> tuple[str, str]:
    """Return the method that stands for "auto", and why; the reason of another is empty."""
    if given != "auto":
        return given, ""
    return "cvb0", "it comes to the best held-out likelihood, and soonest"
