"""pyrmallet: MALLET's sparse Gibbs sampling, in Rust."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.tomotopy import of_all_words
from benchmarks.peers.topic_models import TopicModels
from benchmarks.topics import Setting

SAMPLES, BETWEEN = 5, 5  # what its topics are means of, and the sweeps before each


class Adapter(TopicModels):
    """pyrmallet, by the module below its class, which takes words and no more."""

    title = "pyrmallet"
    unit = "sweeps"
    passes = (50, 100, 200)
    enough = 150
    settings = (
        Setting(0.1, 0.01),
        Setting(0.1, 0.1),
        Setting(0.1, 0.01, "priors optimised"),
        Setting(0.1, 0.1, "priors optimised"),
    )
    anew = True

    def version(self) -> str:
        from importlib.metadata import version

        import pyrmallet  # noqa: F401

        return version("pyrmallet")

    def documents(self, X):
        from pyrmallet import _rust_mallet

        names = np.array([letters(word) for word in range(X.shape[1])], dtype=object)
        texts = [
            " ".join(names[np.repeat(X.indices[begin:end], X.data[begin:end].astype(np.int64))])
            for begin, end in zip(X.indptr[:-1], X.indptr[1:], strict=True)
        ]
        return X.shape[1], _rust_mallet.Corpus.from_strings(texts)

    def learn_counts(self, documents, model, passes):
        from pyrmallet import _rust_mallet

        width, corpus = documents
        yield None
        for number in passes:
            sweeps = max(number - SAMPLES * BETWEEN, 1)
            fitted = _rust_mallet.train(
                corpus, num_topics=model.n_topics, iterations=sweeps,
                burn_in=min(20, sweeps // 2), optimize_interval=10 if model.setting.how else 0,
                num_samples=SAMPLES, sample_interval=BETWEEN,
                alpha_sum=model.setting.alpha * model.n_topics, beta=model.setting.eta,
                seed=model.seed,
            )  # fmt: skip
            yield lambda fitted=fitted: of_all_words(
                fitted.topic_word_matrix(), [number_of(word) for word in fitted.vocabulary], width
            )


def letters(number):
    """Return a word of letters for a number; digits would not be taken for words."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:06d}")


def number_of(word):
    return int("".join(str("abcdefghij".index(letter)) for letter in word))
