"""tomotopy: collapsed Gibbs sampling in C++."""

from __future__ import annotations

import os

import numpy as np

from benchmarks.peers.topic_models import TopicModels
from benchmarks.topics import Setting


class Adapter(TopicModels):
    """tomotopy; its model is made of tokens before the time is taken."""

    title = "tomotopy"
    unit = "sweeps"
    passes = (5, 10, 20, 50, 100, 200, 400)
    enough = 200
    speed = (20, 40)
    settings = (
        Setting(0.1, 0.1),
        Setting(0.1, 0.01),
        Setting(0.1, 0.1, "α optimised"),
        Setting(0.1, 0.3, "α optimised"),
    )

    def version(self) -> str:
        import tomotopy

        return tomotopy.__version__

    def documents(self, X):
        """Return the width, and a function that gives the tokens of each document."""
        names = np.array([str(word) for word in range(X.shape[1])], dtype=object)

        def tokens():
            for begin, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
                if end > begin:
                    counts = X.data[begin:end].astype(np.int64)
                    yield names[np.repeat(X.indices[begin:end], counts)].tolist()

        return X.shape[1], tokens

    def learn_counts(self, documents, model, passes):
        import tomotopy

        width, tokens = documents
        lda = tomotopy.LDAModel(
            k=model.n_topics, alpha=model.setting.alpha, eta=model.setting.eta, seed=model.seed
        )
        if not model.setting.how:
            lda.optim_interval = 0
        for document in tokens():
            lda.add_doc(document)
        yield None
        done = 0
        for number in passes:
            lda.train(number - done, workers=model.n_jobs or len(os.sched_getaffinity(0)))
            done = number
            yield lambda: of_all_words(
                [lda.get_topic_word_dist(k) for k in range(model.n_topics)], lda.used_vocabs, width
            )


def of_all_words(found, words, width):
    """Return topics of all words; one that was never seen has the least of each topic."""
    found = np.array(found)
    topics = np.repeat(found.min(axis=1, keepdims=True), width, axis=1)
    topics[:, [int(word) for word in words]] = found
    return topics
