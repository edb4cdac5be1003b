"""scikit-learn's latent Dirichlet allocation: variational Bayes, in batches or online."""

from __future__ import annotations

from benchmarks.peers.topic_models import Model, TopicModels


class SklearnTopics(TopicModels):
    """Tasks of topic models; in whole passes over the documents."""

    most_topics = 100
    passes = (2, 5, 10)
    anew = True  # a fit cannot be gone on with

    def topic_model(self, model, **parameters):
        """Return an estimator that is not fitted."""
        from sklearn.decomposition import LatentDirichletAllocation

        return LatentDirichletAllocation(
            model.n_topics, doc_topic_prior=model.setting.alpha,
            topic_word_prior=model.setting.eta, random_state=model.seed, n_jobs=model.n_jobs,
            **parameters,
        )  # fmt: skip

    def learn_counts(self, documents, model, passes):
        yield None
        for number in passes:
            fitted = self.topic_model(model, learning_method="batch", max_iter=number)
            fitted.fit(documents)
            yield lambda fitted=fitted: fitted.components_

    def lda_mixtures(self, X, part, rows, n_topics, n_jobs, **others):
        """The mixtures of documents, by topics of one pass."""
        asked = Model(n_topics, self.settings[0], 0, n_jobs)
        model = self.topic_model(asked, learning_method="online", max_iter=1).fit(X[part[0] == 0])
        return lambda: {"mixtures": model.transform(rows)}
