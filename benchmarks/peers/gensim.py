"""gensim: online variational Bayes in NumPy."""

from __future__ import annotations

import os

from benchmarks.peers.topic_models import TopicModels
from benchmarks.topics import PRIORS

_AS_LISTS = 5_000_000  # stored counts; lists of more take too much memory


class Adapter(TopicModels):
    """gensim; with several threads its class of several processes."""

    title = "gensim"
    most_topics = 100
    passes = (1, 2, 5, 10)
    enough = 6
    settings = PRIORS[::-1]

    def version(self) -> str:
        import gensim

        return gensim.__version__

    def documents(self, X):
        """Return the width and a corpus: lists of pairs, or a view of large counts."""
        from gensim.matutils import Sparse2Corpus

        corpus = Sparse2Corpus(X.tocsr(), documents_columns=False)
        if X.nnz <= _AS_LISTS:
            corpus = [[(int(word), int(count)) for word, count in row] for row in corpus]
        return X.shape[1], corpus

    def learn_counts(self, documents, model, passes):
        from gensim.models import LdaModel, LdaMulticore

        width, corpus = documents
        workers = model.n_jobs or len(os.sched_getaffinity(0))
        kind, others = (LdaModel, {}) if workers == 1 else (LdaMulticore, {"workers": workers})
        lda = kind(
            num_topics=model.n_topics, id2word={i: str(i) for i in range(width)},
            alpha=[model.setting.alpha] * model.n_topics, eta=model.setting.eta,
            eval_every=None, random_state=model.seed, **others,
        )  # fmt: skip
        yield None
        done = 0
        for number in passes:
            lda.state.numdocs = 0  # or each call would add its documents to those before
            lda.passes = number - done  # LdaMulticore.update takes them from nowhere else
            lda.update(corpus)
            done = number
            yield lda.get_topics
