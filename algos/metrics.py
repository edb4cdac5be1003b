"""Metrics that scikit-learn lacks: grouped rankings, topics and forecasts."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln
from sklearn.utils import check_consistent_length, column_or_1d

from algos._common.arrays import Float64Array, IndexArray
from algos._common.checked import check_array
from algos._common.csr import canonical
from algos.deepar.accuracy import (
    crps_from_samples,
    mean_absolute_scaled_error,
    mean_scaled_interval_score,
    normalized_deviation,
    weighted_quantile_loss,
)
from algos.lda.coherence import MEASURES, coherence_of
from algos.lda.topics import heaviest

__all__ = [
    "crps_from_samples",
    "held_out_likelihood",
    "hit_rate_at_k",
    "mean_absolute_scaled_error",
    "mean_scaled_interval_score",
    "ndcg_at_k",
    "normalized_deviation",
    "topic_coherence",
    "weighted_quantile_loss",
]


def hit_rate_at_k(y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike, k: int = 10) -> float:
    """Compute the share of groups with a relevant row among their k highest scores.

    Rows with equal scores count with the probability that a random order of them gives a hit, so
    that a constant score is no better than chance.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Relevance; a row is relevant if it is positive.
    y_score : array-like of shape (n_samples,)
        Rows with higher scores are ranked first within their group. Finite: leave out rows that
        should not be ranked, such as items that a user already has.
    groups : array-like of shape (n_samples,)
        The user or query of each row, of any type. Groups without a relevant row are ignored.
    k : int, default=10
        Number of rows that are shown for each group.

    Returns
    -------
    rate : float
        Between 0 and 1.

    See Also
    --------
    ndcg_at_k : Also depends on the ranks of the relevant rows.

    Examples
    --------
    >>> from algos.metrics import hit_rate_at_k
    >>> hit_rate_at_k([1, 0, 0, 0, 1], [0.9, 0.1, 0.8, 0.7, 0.2], list("aabbb"), k=1)
    0.5
    """
    relevance, blocks = _ranked(y_true, y_score, groups, k)
    relevant = np.add.reduceat((relevance > 0).astype(np.float64), blocks.first)
    shown = np.clip(k - blocks.above, 0, blocks.size)
    # Of `size` rows in random order, `shown` are seen: the chance that none is relevant.
    others = blocks.size - relevant
    can_miss = others >= shown
    log_miss = (
        _log_choose(np.where(can_miss, others, 0), np.where(can_miss, shown, 0))
        - _log_choose(blocks.size, shown)
    )  # fmt: skip
    miss = np.where(can_miss, np.exp(log_miss), 0.0)
    return _mean_of_groups(1 - np.multiply.reduceat(miss, blocks.of_group), relevant, blocks)


def ndcg_at_k(y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike, k: int = 10) -> float:
    """Compute the mean normalised discounted cumulative gain of the k highest scores.

    The gain of a row is its relevance divided by log2(1 + rank); for rows with equal scores it is
    the mean over their orders. The best possible order of a group has the value 1.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Non-negative relevance.
    y_score : array-like of shape (n_samples,)
        Rows with higher scores are ranked first within their group. Finite: leave out rows that
        should not be ranked, such as items that a user already has.
    groups : array-like of shape (n_samples,)
        The user or query of each row, of any type. Groups without a relevant row are ignored.
    k : int, default=10
        Number of rows that are shown for each group.

    Returns
    -------
    ndcg : float
        Between 0 and 1.

    See Also
    --------
    hit_rate_at_k : The share of groups with at least one relevant row.
    sklearn.metrics.ndcg_score : The same for queries with equally many rows.

    References
    ----------
    Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques", ACM
    TOIS 20.

    Examples
    --------
    >>> from algos.metrics import ndcg_at_k
    >>> round(ndcg_at_k([1, 0, 0, 0, 1], [0.9, 0.1, 0.8, 0.7, 0.2], list("aabbb")), 3)
    0.75
    """
    relevance, blocks = _ranked(y_true, y_score, groups, k)
    total = np.add.reduceat(relevance, blocks.first)
    gain = total * _discounts(blocks, k) / blocks.size
    found = np.add.reduceat(gain, blocks.of_group)
    best, ideal = _ranked(y_true, y_true, groups, k)
    total = np.add.reduceat(best, ideal.first)
    most = np.add.reduceat(total * _discounts(ideal, k) / ideal.size, ideal.of_group)
    ratio = found / np.where(most > 0, most, 1.0)
    return _mean_of_groups(ratio, total, ideal)


def topic_coherence(
    components: ArrayLike, X: Any, *, measure: str = "npmi", n_words: int = 10
) -> Float64Array:
    """Compute how often the top words of each topic occur together in documents.

    Parameters
    ----------
    components : array-like of shape (n_topics, n_features)
        Weights of words in topics, of any model.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Documents; a word is in a document if its value is not 0.
    measure : {"npmi", "u_mass"}, default="npmi"
        "npmi" is the mean over pairs of words of their normalised pointwise mutual information,
        log(p(a, b) / (p(a) p(b))) / -log p(a, b): 1 if they never stand apart, 0 by chance, -1 if
        never together. It agrees well with people's judgement [1]_. "u_mass" is the mean of
        log((1 + D(a, b)) / D(a)), a being the heavier word and D a number of documents [2]_.
    n_words : int, default=10
        How many words of each topic, at least 2. Time and memory grow with its square.

    Returns
    -------
    coherence : ndarray of shape (n_topics,)
        The higher, the better. 0 where there is one word alone.

    See Also
    --------
    algos.LatentDirichletAllocation.coherence : The same of a fitted model.

    References
    ----------
    .. [1] Lau, J. H., Newman, D. and Baldwin, T., "Machine reading tea leaves", EACL 2014.
    .. [2] Mimno, D. et al., "Optimizing semantic coherence in topic models", EMNLP 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from algos.metrics import topic_coherence
    >>> X = np.array([[1, 2, 0, 0], [3, 1, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]])
    >>> topic_coherence([[0.5, 0.5, 0, 0], [0, 0, 0.4, 0.6]], X, n_words=2).round(3)
    array([0.415, 0.5  ])
    """
    topics = check_array(components, dtype=np.float64, input_name="components")
    if measure not in MEASURES:
        raise ValueError(f"`measure`={measure!r} must be one of {MEASURES}; write 'npmi'")
    if not isinstance(n_words, Integral) or isinstance(n_words, bool) or n_words < 2:
        raise ValueError(f"`n_words`={n_words!r} must be an int in [2, inf); write 10")
    X = check_array(X, accept_sparse="csr", dtype=(np.float64, np.float32), input_name="X")
    rows = canonical(X)
    if rows.shape[1] != topics.shape[1]:
        raise ValueError(
            f"X has {rows.shape[1]} columns and must have {topics.shape[1]}, as `components` has"
        )
    return coherence_of(heaviest(topics, int(n_words)), rows, measure)


def held_out_likelihood(estimator: Any, X: Any, y: Any = None, *, held_out: float = 0.5) -> float:
    """Compute the likelihood of held-out words of documents, given their other words.

    Give it as `scoring` to a search over the number of topics, or over methods and priors:
    the models' own `score` compares none of these.

    Parameters
    ----------
    estimator : LatentDirichletAllocation, or a pipeline that ends with one
        Fitted. Its seed is to be an int: without one, other words are held out each time.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Counts of words of documents that it has not learned; of a pipeline, what that takes.
    y : None
        Ignored.
    held_out : float, default=0.5
        The share of words that are held out.

    Returns
    -------
    likelihood : float
        The mean of log p(word | mixture) over the words held out: minus the logarithm of
        `perplexity(X, held_out=held_out)`. The higher, the better.

    See Also
    --------
    algos.LatentDirichletAllocation.perplexity : The same as a perplexity.
    topic_coherence : Asks how often the words of a topic stand together.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from algos import LatentDirichletAllocation
    >>> from algos.metrics import held_out_likelihood
    >>> X = np.repeat([[5, 3, 0, 0], [0, 0, 3, 5]], 20, axis=0)
    >>> search = GridSearchCV(
    ...     LatentDirichletAllocation(random_state=0),
    ...     {"n_components": [1, 2]},
    ...     scoring=held_out_likelihood,
    ...     cv=2,
    ... )
    >>> search.fit(np.random.default_rng(0).permutation(X)).best_params_
    {'n_components': 2}
    """
    from algos.lda.fitted import Fitted

    if hasattr(estimator, "steps"):
        if len(estimator.steps) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    if not isinstance(estimator, Fitted):
        raise TypeError(
            f"`estimator` is a {type(estimator).__name__} and must be an "
            f"algos.LatentDirichletAllocation, or a pipeline that ends with one; of other models "
            f"give `topic_coherence` their topics"
        )
    return -float(np.log(estimator.perplexity(X, held_out=held_out)))


class _Blocks:
    """Runs of rows with equal scores, group by group.

    Attributes
    ----------
    first, size : ndarray of shape (n_blocks,)
        Where each begins among the ranked rows, and how many they are.
    above : ndarray of shape (n_blocks,)
        Rows of the group that stand higher.
    of_group : ndarray of shape (n_groups,)
        The first block of each group.
    """

    def __init__(self, group: IndexArray, score: Float64Array) -> None:
        begins_group = np.diff(group, prepend=-1) != 0
        begins = begins_group | (np.diff(score, prepend=np.inf) != 0)
        self.first = np.flatnonzero(begins)
        self.size = np.diff(self.first, append=len(group)).astype(np.float64)
        self.of_group = np.flatnonzero(begins_group[self.first])
        start = self.first[self.of_group]
        counts = np.diff(self.of_group, append=len(self.first))
        self.above = (self.first - np.repeat(start, counts)).astype(np.float64)


def _ranked(
    y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike, k: int
) -> tuple[Float64Array, _Blocks]:
    """Return relevance in the order of groups and falling scores, and its blocks."""
    if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
        raise ValueError(f"`k`={k!r} must be a positive int")
    relevance = _numbers(y_true, "y_true")
    score = _numbers(y_score, "y_score")
    labels = column_or_1d(groups)
    check_consistent_length(relevance, score, labels)
    if relevance.min() < 0:
        raise ValueError(
            f"`y_true` must be relevance, not negative; the least is {relevance.min()}: "
            f"give 0 to rows that are not relevant"
        )
    if not relevance.any():
        raise ValueError("`y_true` has no relevant row: at least one must be positive")
    group = np.unique(labels, return_inverse=True)[1]
    order = np.lexsort((-score, group))
    return relevance[order], _Blocks(group[order], score[order])


def _numbers(values: ArrayLike, name: str) -> Float64Array:
    found: Float64Array = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    column: Float64Array = column_or_1d(found)
    return column


def _discounts(blocks: _Blocks, k: int) -> Float64Array:
    """Return the sum over the shown places of each block of 1 / log2(1 + place)."""
    most = int(min(k, (blocks.above + blocks.size).max()))
    up_to = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, most + 2)))])
    begin = np.minimum(blocks.above, most).astype(np.intp)
    end = np.minimum(blocks.above + blocks.size, most).astype(np.intp)
    sums: Float64Array = up_to[end] - up_to[begin]
    return sums


def _log_choose(n: Any, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _mean_of_groups(values: Float64Array, relevant: Float64Array, blocks: _Blocks) -> float:
    """Return the mean over the groups that have a relevant row."""
    counts = np.add.reduceat(relevant, blocks.of_group)
    return float(values[counts > 0].mean())
