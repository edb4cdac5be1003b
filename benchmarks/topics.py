"""How good topics are: document completion, coherence, and distances to the true ones or others.

Topics are (n_topics, n_words) and need not be normalised. Everybody's are judged by the code
here, with the same mixtures: what a library says of itself is not looked at.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

LEARNED, VALIDATION, TEST = 0, 1, 2
PRIOR = 0.1  # of the mixtures, for everybody's topics
STEPS = 40  # by then the mixtures no longer change
FLOOR = 1e-12  # no topic gives a word less, lest one word decide
_FEWEST_CHOOSE = 100  # documents; by fewer, which setting is best is chance
_BLOCK = 64  # documents whose words' rows stay in the cache


class Setting(NamedTuple):
    """Priors of mixtures and of topics, None for a library's own, and what else it is to do."""

    alpha: float | None
    eta: float | None
    how: str = ""

    def __str__(self) -> str:
        priors = [
            f"{name} {'default' if value is None else format(value, 'g')}"
            for name, value in (("α", self.alpha), ("η", self.eta))
        ]
        return ", ".join([*priors, *([self.how] if self.how else [])])


PRIORS = (Setting(0.02, 0.02), Setting(0.1, 0.01), Setting(0.1, 0.1), Setting(0.1, 0.3))


def parts(n_docs: int, n_splits: int) -> Any:
    """Return for each split which documents are learned (0), for validation (1), for the test (2).

    A tenth is for the validation, a tenth for the test.
    """
    found = np.zeros((n_splits, n_docs), dtype=np.int8)
    for split, part in enumerate(found):
        order = np.random.default_rng([split, n_docs]).permutation(n_docs)
        tenth = max(n_docs // 10, 1)
        part[order[:tenth]] = TEST
        part[order[tenth : 2 * tenth]] = VALIDATION
    return found


def splits_that_choose(part: Any) -> Any:
    """Return the first splits that have enough validation documents together, or all."""
    documents = np.cumsum((part == VALIDATION).sum(axis=1))
    return part[: np.searchsorted(documents, _FEWEST_CHOOSE) + 1]


def halves(X: Any, seed: int) -> tuple[Any, Any]:
    """Return the tokens that give the mixtures, and those to predict: half and half.

    Each token of the whole counts goes to either half at random.
    """
    X = sparse.csr_array(X)
    counts = X.data.astype(np.int64)
    seen = np.random.default_rng([seed, X.nnz]).binomial(counts, 0.5)
    found = []
    for values in (seen, counts - seen):
        half = sparse.csr_array((values.astype(np.float32), X.indices, X.indptr), shape=X.shape)
        half = half.copy()
        half.eliminate_zeros()
        found.append(half)
    return found[0], found[1]


def completion(topics: Any, seen: Any, held: Any) -> float:
    """Return the mean log-likelihood of a held-out token, given the seen ones of its document."""
    words = _by_word(topics)
    total = 0.0
    for begin in range(0, seen.shape[0], _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        mixtures = _mixtures(words, seen[rows])
        entries = held[rows].tocoo()
        docs, columns = entries.coords
        chances = np.einsum("nk,nk->n", mixtures[docs], words[columns], dtype=np.float64)
        total += float(entries.data @ np.log(chances))
    return total / float(held.sum(dtype=np.float64))


def _by_word(topics: Any) -> Any:
    """Return normalised topics, a row for each word, float32."""
    found = np.maximum(np.asarray(topics, dtype=np.float64), 0)
    found = np.maximum(found / np.maximum(found.sum(axis=1, keepdims=True), FLOOR), FLOOR)
    found /= found.sum(axis=1, keepdims=True)
    return np.ascontiguousarray(found.T, dtype=np.float32)


def _mixtures(words: Any, seen: Any) -> Any:
    """Return a few documents' mixtures by EM steps with fixed topics."""
    own, n_topics = words[seen.indices], words.shape[1]
    docs = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
    sums = sparse.csr_array(
        (np.ones(seen.nnz, dtype=np.float32), np.arange(seen.nnz), seen.indptr),
        shape=(seen.shape[0], seen.nnz),
    )
    mixtures = np.full((seen.shape[0], n_topics), 1 / n_topics, dtype=np.float32)
    for _ in range(STEPS):
        sums.data = seen.data / np.einsum("nk,nk->n", own, mixtures[docs])
        mixtures *= sums @ own
        mixtures += PRIOR
        mixtures /= mixtures.sum(axis=1, keepdims=True)
    return mixtures


def top_words(topics: Any, n_words: int = 10) -> Any:
    """Return each topic's most likely words, ties by number."""
    return np.argsort(-np.asarray(topics), axis=1, kind="stable")[:, :n_words]


def npmi(topics: Any, X: Any, n_words: int = 10) -> float:
    """Return the mean normalised pointwise mutual information of pairs of a topic's top words.

    Chances are shares of documents that have a word; words that never meet count -1.
    """
    tops = top_words(topics, n_words)
    words, places = np.unique(tops, return_inverse=True)
    has = sparse.csc_array(X)[:, words].astype(bool).astype(np.float64)
    together = (has.T @ has).toarray() / X.shape[0]
    found = []
    for top in places.reshape(tops.shape):
        for i, j in itertools.combinations(top, 2):
            both, apart = together[i, j], together[i, i] * together[j, j]
            if both >= 1:  # every document has both: nothing is learned of either
                found.append(0.0)
            else:
                found.append(np.log(both / apart) / -np.log(both) if both > 0 else -1.0)
    return float(np.mean(found))


def variations(topics: Any, truth: Any) -> Any:
    """Return each true topic's total variation to the one that is matched with it, none twice."""
    distances = cdist(_normalised(truth), _normalised(topics), "cityblock") / 2
    rows, columns = linear_sum_assignment(distances)
    return distances[rows, columns]


def _normalised(topics: Any) -> Any:
    topics = np.asarray(topics, dtype=np.float64)
    return topics / topics.sum(axis=1, keepdims=True)


def overlap(one: Any, other: Any, n_words: int = 10) -> float:
    """Return the mean Jaccard index of the top words of two models' topics, best matched."""
    sets = [[set(top) for top in top_words(topics, n_words)] for topics in (one, other)]
    shares = np.array([[len(a & b) / len(a | b) for b in sets[1]] for a in sets[0]])
    rows, columns = linear_sum_assignment(-shares)
    return float(shares[rows, columns].mean())


def stability(models: Any) -> float:
    """Return the mean overlap of all pairs of models."""
    return float(np.mean([overlap(a, b) for a, b in itertools.combinations(models, 2)]))


def seconds_to(level: float, seconds: Any, values: Any) -> float | None:
    """Return when a curve first reaches a level, None if it never does.

    Between two points of the curve the value is taken to rise with the logarithm of the time.
    """
    seconds, values = np.asarray(seconds, dtype=np.float64), np.asarray(values)
    there = np.flatnonzero(values >= level)
    if not len(there):
        return None
    i = there[0]
    if i == 0:
        return float(seconds[0])
    share = (level - values[i - 1]) / (values[i] - values[i - 1])
    return float(seconds[i - 1] * (seconds[i] / seconds[i - 1]) ** share)
