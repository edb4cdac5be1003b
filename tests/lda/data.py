"""Documents to test on: planted topics, and the bars of Griffiths and Steyvers."""

import numpy as np
from scipy import sparse


def planted(n_documents, n_words, n_topics, length, *, alpha=0.1, eta=0.05, seed=0):
    """Return counts drawn from the model, and the topics they were drawn from."""
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(n_words, eta), n_topics)
    mixtures = rng.dirichlet(np.full(n_topics, alpha), n_documents)
    lengths = rng.poisson(length, n_documents)
    counts = rng.multinomial(lengths, mixtures @ topics)
    return sparse.csr_array(counts.astype(np.float64)), topics


def blocks(n_topics=3, size=3):
    """Return documents of one topic each, of words that no other topic has."""
    block = np.full((size, size), 3.0)
    return np.kron(np.eye(n_topics), block)


def variation(found, topics):
    """Return the total variation of each topic from the found one that is paired with it."""
    from scipy.optimize import linear_sum_assignment

    found = found / found.sum(axis=1, keepdims=True)
    apart = np.abs(topics[:, None] - found[None]).sum(axis=2) / 2
    return apart[linear_sum_assignment(apart)]
