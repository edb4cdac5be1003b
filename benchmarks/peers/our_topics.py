"""Our topic models: `algos` is the default, `our_topics:<learning_method>` another."""

from __future__ import annotations

import time

from benchmarks.peers.topic_models import Model, TopicModels
from benchmarks.topics import PRIORS, Setting

VARIATIONAL_PASSES = {"batch": (2, 5, 10), "online": (1, 2, 5, 10)}


class OurTopics(TopicModels):
    """Tasks of topic models by `algos`."""

    learning_method = "auto"
    passes = (1, 2, 3, 5, 10, 20, 40)
    enough = "auto"  # the default
    speed = (6, 36)  # the first four are of EM
    settings = (
        Setting(None, None),
        Setting(0.1, 0.1),
        Setting(0.1, 0.3),
        Setting(0.1, 0.1, "α optimised"),
    )
    anew = True

    def topic_model(self, model, **parameters):
        """Return an estimator that is not fitted."""
        from algos import LatentDirichletAllocation

        alpha = "auto" if model.setting.how else model.setting.alpha
        return LatentDirichletAllocation(
            model.n_topics, doc_topic_prior=alpha, topic_word_prior=model.setting.eta,
            learning_method=self.learning_method, random_state=model.seed, n_jobs=model.n_jobs,
            **parameters,
        )  # fmt: skip

    def learn_counts(self, documents, model, passes):
        yield None
        for number in passes:
            fitted = self.topic_model(model, max_iter=number).fit(documents)
            yield lambda fitted=fitted: fitted.components_

    def lda_visits(self, X, part, n_topics, n_steps, n_jobs, **others):
        """So many steps of every document's mixture, by topics of two passes.

        A pass of EM is a few such steps and one over the words.
        """
        model = self.topic_model(
            Model(n_topics, self.settings[0], 0, n_jobs),
            max_iter=2, max_doc_update_iter=n_steps, mean_change_tol=0.0,
        ).fit(X)  # fmt: skip

        def run():
            begin = time.process_time()
            model.transform(X)
            seconds = time.process_time() - begin
            return {"visits": n_steps * X.nnz, "seconds": seconds}

        return run

    def lda_mixtures(self, X, part, rows, n_topics, n_jobs, **others):
        """The mixtures of documents, by topics of two passes."""
        model = self.topic_model(Model(n_topics, self.settings[0], 0, n_jobs), max_iter=2).fit(
            X[part[0] == 0]
        )
        return lambda: {"mixtures": model.transform(rows)}


class Adapter(OurTopics):
    """algos by another learning method than the default."""

    def __init__(self, learning_method: str) -> None:
        self.learning_method = learning_method
        self.title = f"algos, {learning_method}"
        if learning_method in ("batch", "online"):
            self.passes = VARIATIONAL_PASSES[learning_method]
            self.settings = PRIORS if learning_method == "batch" else PRIORS[::-1]
            self.enough = 10 if learning_method == "batch" else 6
            self.speed = TopicModels.speed

    def version(self) -> str:
        import algos

        return algos.__version__
