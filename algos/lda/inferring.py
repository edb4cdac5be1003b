"""Mixtures of documents, and bounds of their likelihood, where topics are fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, psi

from algos.lda import plain
from algos.lda.documents import Documents
from algos.lda.parameters import Doubles, Floats, padded_columns


@dataclass(frozen=True)
class Inference:
    """How mixtures are inferred.

    Attributes
    ----------
    prior : ndarray of shape (n_topics,)
        Of topics in a document.
    is_variational : bool
        Whether mixtures are posterior means of variational Bayes; else those of
        expectation maximisation.
    max_iter : int
        At most so many steps a document.
    tol : float
        A document is done when the mean change of its counts falls below.
    n_threads : int
    """

    prior: Doubles
    is_variational: bool
    max_iter: int
    tol: float
    n_threads: int


def word_major(
    components: NDArray[Any], places: NDArray[np.intp] | None, totals: Doubles | None = None
) -> Floats:
    """Return words (all of them for None) of topics as kernels take them: a row each.

    Parameters
    ----------
    components : ndarray of shape (n_topics, n_words)
    places : ndarray of int or None
    totals : ndarray of shape (n_topics,), default=None
        What each topic is divided by.
    """
    part = components if places is None else components[:, places]
    if totals is not None:
        part = part / totals[:, np.newaxis]
    return padded_columns(part.T)


def mixtures_of(
    documents: Documents, topics: Floats, inference: Inference
) -> tuple[Doubles, Doubles]:
    """Return what each document has of the topics, prior included: its sum, and the shares."""
    found = plain.mixtures(
        documents,
        topics,
        inference.prior,
        inference.n_threads,
        inference.max_iter,
        inference.tol,
    ).astype(np.float64)
    found /= found.sum(axis=1, keepdims=True)
    lengths = np.concatenate([[0.0], np.cumsum(documents.counts, dtype=np.float64)])
    sums = np.diff(lengths[documents.indptr]) + inference.prior.sum()
    return sums, found


def bound_of(
    documents: Documents,
    components: NDArray[Any],
    expectations: NDArray[Any],
    word_prior: Floats,
    inference: Inference,
    ratio: float = 1.0,
) -> float:
    """Return the variational bound of the log-likelihood of documents, as scikit-learn's.

    Parameters
    ----------
    documents : Documents
    components : ndarray of shape (n_topics, n_words)
        Parameters of the topics' Dirichlet distributions.
    expectations : ndarray of shape (n_topics, n_words)
        exp(E[log(beta)]) of them.
    word_prior : ndarray
    inference : Inference
    ratio : float, default=1
        How many documents each one stands for.
    """
    sums, shares = mixtures_of(documents, word_major(expectations, None), inference)
    gamma = shares * sums[:, np.newaxis]
    log_theta = psi(gamma) - psi(gamma.sum(axis=1, keepdims=True))
    score = 0.0
    theta = np.exp(log_theta)
    for d in range(len(documents)):
        entries = slice(documents.indptr[d], documents.indptr[d + 1])
        p = theta[d] @ expectations[:, documents.words[entries]].astype(np.float64)
        score += documents.counts[entries] @ np.log(np.maximum(p, 1e-300))
    score += _of_dirichlet(inference.prior, gamma, log_theta)
    n_topics = len(components)
    prior = word_prior[:, :n_topics].T if word_prior.ndim == 2 else word_prior
    whole = components.astype(np.float64)
    log_beta = psi(whole) - psi(whole.sum(axis=1, keepdims=True))
    prior = np.broadcast_to(prior, whole.shape).astype(np.float64)
    return float(ratio * score + _of_dirichlet(prior, whole, log_beta))


def _of_dirichlet(prior: Doubles, found: Doubles, expected: Doubles) -> float:
    """Return E[log p(x | prior) - log q(x | found)] of rows of Dirichlet distributions."""
    prior = np.broadcast_to(prior, found.shape)
    score = ((prior - found) * expected).sum()
    score += (gammaln(found) - gammaln(prior)).sum()
    score += (gammaln(prior.sum(axis=1)) - gammaln(found.sum(axis=1))).sum()
    return float(score)
