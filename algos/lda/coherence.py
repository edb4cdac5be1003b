"""Coherence of topics: how often their words occur in the same documents."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos._common.arrays import Float64Array, IndexArray

MEASURES = ("npmi", "u_mass")


def coherence_of(words: IndexArray, X: Any, measure: str) -> Float64Array:
    """Return the coherence of each topic.

    Parameters
    ----------
    words : ndarray of shape (n_topics, n_words)
        The columns of X that hold each topic's words, the heaviest first.
    X : ndarray or canonical CSR matrix of shape (n_documents, n_columns)
        A word is in a document if the value is not 0.
    measure : {"npmi", "u_mass"}
        The measure of a pair of words.
    """
    n_documents = X.shape[0]
    columns, places = np.unique(words, return_inverse=True)
    occurs = _occurrences(X, columns)
    of_pairs = _npmi if measure == "npmi" else _u_mass
    values = np.zeros(len(words))
    for topic, own in enumerate(places.reshape(words.shape)):
        part = occurs[:, own]
        together = (part.T @ part).toarray()
        heavier, lighter = np.triu_indices(len(own), 1)
        alone = together.diagonal()
        if len(heavier):
            pairs = of_pairs(
                together[heavier, lighter], alone[heavier], alone[lighter], n_documents
            )
            values[topic] = pairs.mean()
    return values


def _occurrences(X: Any, columns: IndexArray) -> Any:
    """Return the occurrences of words in documents, as a CSC matrix of zeros and ones."""
    part = X[:, columns] if not sparse.issparse(X) else sparse.csr_array(X)[:, columns]
    part = sparse.csc_array(part)
    part.eliminate_zeros()
    return sparse.csc_array((np.ones(len(part.data)), part.indices, part.indptr), part.shape)


def _npmi(both: Float64Array, one: Float64Array, other: Float64Array, n: int) -> Float64Array:
    """Return log(p(a, b) / (p(a) p(b))) / -log p(a, b): -1 for never, 1 for always together."""
    values = np.where(both == n, 1.0, -1.0)
    known = (both > 0) & (both < n)
    p = both[known] / n
    values[known] = np.log(p * n / one[known] * n / other[known]) / -np.log(p)
    return values


def _u_mass(
    both: Float64Array, heavier: Float64Array, lighter: Float64Array, n: int
) -> Float64Array:
    """Return log((1 + D(a, b)) / D(a)), a being the heavier word."""
    return np.log((both + 1) / np.maximum(heavier, 1))
