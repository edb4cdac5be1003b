"""The prior of topics in documents, learned from drawn topics.

Numbers of tokens by topic that EM and CVB0 expect are no counts: every document has a little
of every topic, and the Dirichlet distribution that explains them best is too even. So topics
are drawn for the tokens of some documents by Gibbs sampling, the topics' words being fixed, and
the prior is fitted to these numbers, in turn (Wallach, Mimno and McCallum, "Rethinking LDA: why
priors matter", NIPS 2009): stochastic expectation maximisation of the documents' likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from algos._common.random import Key, stream
from algos._cython import lda_assign
from algos.lda.documents import Documents
from algos.lda.parameters import Doubles, Floats

DOCUMENTS_A_TOPIC = 40
LEAST_DOCUMENTS, MOST_DOCUMENTS = 1000, 20000
MOST_TOKENS = 400  # of a document
FIRST_SWEEPS = 4
ROUNDS = 8
SWEEPS_A_ROUND = 2
STEPS = 5  # of the fixed point, in a round
LEAST, MOST = 1e-4, 1e3


@dataclass
class PriorSampler:
    """Tokens of some documents, and the topics that were drawn for them.

    Attributes
    ----------
    documents : Documents
        In an order that has nothing to do with what they hold: the first are taken.
    n_topics : int
    key : ndarray of shape (2,)
    """

    documents: Documents
    n_topics: int
    key: Key
    _starts: NDArray[np.int64] = field(init=False)
    _words: NDArray[np.int32] = field(init=False)
    _topics: NDArray[np.int32] = field(init=False)
    _numbers: Floats | None = None
    _n_rounds: int = 0

    def __post_init__(self) -> None:
        wanted = DOCUMENTS_A_TOPIC * self.n_topics
        wanted = min(max(wanted, LEAST_DOCUMENTS), MOST_DOCUMENTS, len(self.documents))
        self._starts, self._words = _tokens(self.documents.part(0, wanted), self.key)
        self._topics = np.full(len(self._words), -1, dtype=np.int32)

    def improve(self, prior: Doubles, rows: Floats, n_threads: int) -> Doubles:
        """Return the prior after some rounds of drawing and fitting.

        Parameters
        ----------
        prior : ndarray of shape (n_topics,)
        rows : ndarray of shape (n_words, width), dtype float32
            Tokens of words by topic, prior included, 0 in the padding.
        """
        if len(self._words) == 0:
            return prior
        width = rows.shape[1]
        if self._numbers is None:
            self._numbers = np.zeros((len(self._starts) - 1, width), dtype=np.float32)
        inverses, wide = np.zeros((2, width), dtype=np.float32)
        totals = rows[:, : self.n_topics].sum(axis=0, dtype=np.float64)
        inverses[: self.n_topics] = 1 / np.maximum(totals, 1e-30)
        found = []
        for _ in range(ROUNDS):
            wide[: self.n_topics] = prior
            lda_assign.assign_topics(
                self._starts,
                self._words,
                rows,
                inverses,
                wide,
                self.n_topics,
                self.key,
                self._n_rounds,
                SWEEPS_A_ROUND if self._n_rounds else FIRST_SWEEPS,
                self._topics,
                self._numbers,
                n_threads,
            )
            self._n_rounds += 1
            prior = fitted_prior(self._numbers[:, : self.n_topics], prior, STEPS)
            found.append(prior)
        kept: Doubles = np.mean(found[ROUNDS // 2 :], axis=0)
        return kept


def fitted_prior(numbers: NDArray[np.floating], prior: Doubles, steps: int) -> Doubles:
    """Return the Dirichlet parameters that make numbers of tokens more likely, step by step.

    Minka, "Estimating a Dirichlet distribution", 2000, eq. 55.

    Parameters
    ----------
    numbers : ndarray of shape (n_documents, n_topics)
        Whole numbers.
    prior : ndarray of shape (n_topics,)
        To begin with.
    """
    lengths, how_often = np.unique(numbers.sum(axis=1), return_counts=True)
    levels = [np.unique(column, return_counts=True) for column in numbers.T]
    for _ in range(steps):
        total = prior.sum()
        below = how_often @ (digamma(lengths + total) - digamma(total))
        above = np.array(
            [
                often @ (digamma(level + one) - digamma(one))
                for (level, often), one in zip(levels, prior, strict=True)
            ]
        )
        prior = np.clip(prior * above / below, LEAST, MOST)
    return prior


def _tokens(documents: Documents, key: Key) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return where documents' tokens begin, and their words; of long ones only a part.

    Tokens of a document being exchangeable, any part of them tells of the prior without bias.
    """
    lengths = np.add.reduceat(np.append(documents.counts, 0.0), documents.indptr[:-1])
    lengths[np.diff(documents.indptr) == 0] = 0
    share = np.repeat(
        np.minimum(MOST_TOKENS / np.maximum(lengths, 1), 1), np.diff(documents.indptr)
    )
    expected = documents.counts * share
    whole = np.floor(expected)
    repeats = (whole + (stream(key, 0).random(len(whole)) < expected - whole)).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(repeats)])
    starts = before[documents.indptr]
    kept = np.diff(starts) > 0
    bounds = np.concatenate([starts[:-1][kept], starts[-1:]])
    return bounds.astype(np.int64), np.repeat(documents.words, repeats)
