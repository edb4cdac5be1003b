"""scikit-learn's latent Dirichlet allocation, online."""

from __future__ import annotations

from benchmarks.peers.sklearn_topics import SklearnTopics
from benchmarks.topics import PRIORS


class Adapter(SklearnTopics):
    """Passes of `partial_fit`, which make the same steps as its fit with "online"."""

    title = "scikit-learn, online"
    passes = (1, 2, 5, 10)
    enough = 6
    settings = PRIORS[::-1]
    anew = False

    def version(self) -> str:
        import sklearn

        return sklearn.__version__

    def learn_counts(self, documents, model, passes):
        fitted = self.topic_model(model, learning_method="online", total_samples=documents.shape[0])
        yield None
        done = 0
        for number in passes:
            for _ in range(number - done):
                fitted.partial_fit(documents)
            done = number
            yield lambda: fitted.components_

    lda_mixtures = None
