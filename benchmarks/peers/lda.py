"""lda: collapsed Gibbs sampling in Cython."""

from __future__ import annotations

import logging

from benchmarks.peers.topic_models import TopicModels
from benchmarks.topics import Setting


class Adapter(TopicModels):
    """lda; each of its fits begins anew."""

    title = "lda"
    unit = "sweeps"
    most_topics = 100
    passes = (20,)
    enough = 20
    settings = (Setting(0.1, 0.01),)
    anew = True

    def version(self) -> str:
        from importlib.metadata import version

        import lda  # noqa: F401

        return version("lda")

    def documents(self, X):
        import numpy as np

        return X.astype(np.int64)

    def learn_counts(self, documents, model, passes):
        import lda

        logging.getLogger("lda").setLevel(logging.ERROR)
        yield None
        for number in passes:
            fitted = lda.LDA(
                n_topics=model.n_topics, n_iter=number, alpha=model.setting.alpha,
                eta=model.setting.eta, random_state=model.seed, refresh=10**6,
            ).fit(documents)  # fmt: skip
            yield lambda fitted=fitted: fitted.topic_word_

    lda_value = None
