"""Operations on topics: adding and removing the prior, finding heaviest words, matching."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import psi

from algos._common.arrays import Float32Array, Float64Array, IndexArray
from algos.lda.parameters import padded_columns

_BLOCK = 1 << 16  # words at a time


def components_of(
    topics: Float32Array, prior: Float32Array, n_topics: int, dtype: Any
) -> NDArray[Any]:
    """Return counts with the prior, topic-major, like scikit-learn's `components_`."""
    components = np.empty((n_topics, len(topics)), dtype=dtype)
    for start in range(0, len(topics), _BLOCK):
        part = slice(start, start + _BLOCK)
        components[:, part] = topics[part, :n_topics].T
        components[:, part] += _prior_of(prior, part, n_topics)
    return components


def counts_of(components: NDArray[Any], prior: Float32Array) -> Float32Array:
    """Return counts without the prior, word-major, from which learners continue."""
    n_topics, n_words = components.shape
    topics = np.empty((n_words, padded_columns(components[:, :1].T).shape[1]), dtype=np.float32)
    for start in range(0, n_words, _BLOCK):
        part = slice(start, start + _BLOCK)
        counts = components[:, part] - _prior_of(prior, part, n_topics)
        topics[part] = padded_columns(np.maximum(counts, 0).T)
    return topics


def _prior_of(prior: Float32Array, part: slice, n_topics: int) -> Float32Array:
    """Return the prior of some words, broadcastable to shape (n_topics, n_words)."""
    if prior.ndim == 2:
        return prior[part, :n_topics].T
    return prior if prior.ndim == 0 else prior[part]


def exp_expectations(components: NDArray[Any]) -> NDArray[Any]:
    """Return exp(E[log(beta)]) of Dirichlet distributions with these parameters."""
    expected = np.empty_like(components)
    for row, topic in zip(expected, components, strict=True):
        whole = psi(topic.astype(np.float64)) - psi(topic.sum(dtype=np.float64))
        row[:] = np.exp(whole)
    return expected


def heaviest(components: NDArray[Any], n_words: int) -> IndexArray:
    """Return the indices of the heaviest words of each topic, ties in the order of columns."""
    n_words = min(n_words, components.shape[1])
    found = np.empty((len(components), n_words), dtype=np.intp)
    for row, topic in zip(found, components, strict=True):
        if n_words < len(topic):
            least = np.partition(topic, len(topic) - n_words)[len(topic) - n_words]
            places = np.flatnonzero(topic >= least)
        else:
            places = np.arange(len(topic))
        row[:] = places[np.argsort(-topic[places], kind="stable")[:n_words]]
    return found


def matching(mine: NDArray[Any], its: NDArray[Any]) -> IndexArray:
    """Return the topic of the second model that matches each topic of the first.

    The matching maximises the sum of the pairs' Bhattacharyya coefficients.
    """
    from scipy.optimize import linear_sum_assignment

    likeness = _roots(mine) @ _roots(its).T
    places: IndexArray = linear_sum_assignment(-likeness)[1]
    return places


def _roots(components: NDArray[Any]) -> Float64Array:
    whole = components.astype(np.float64)
    roots: Float64Array = np.sqrt(whole / whole.sum(axis=1, keepdims=True))
    return roots
