"""What an interrupt leaves of a call that learns rows part by part."""

import copy

import numpy as np
import pytest

from algos.random_cut_forest import following


def check_interrupted(forest, X, n_parts, monkeypatch):
    """Assert that an interrupt behind so many parts of X leaves the rows up to there learned.

    Return how many of X these are; the forest has then learned all of them.
    """
    before, expected = forest.n_samples_seen_, copy.deepcopy(forest)
    learn, calls = following.stream.learn, []

    def learn_some(*arguments):
        if len(calls) == n_parts:
            raise KeyboardInterrupt
        calls.append(arguments)
        return learn(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(following.stream, "learn", learn_some)
        with pytest.raises(KeyboardInterrupt):
            forest.score_partial_fit(X)
    n = forest.n_samples_seen_ - before
    if n > 0:
        expected.partial_fit(X[:n])
    assert expected.n_samples_seen_ == before + n
    assert np.array_equal(forest.score_partial_fit(X[n:]), expected.score_partial_fit(X[n:]))
    return n
