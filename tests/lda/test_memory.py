"""A fit takes the memory that the page of the algorithm states."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from algos import LatentDirichletAllocation
from algos.lda import cvb0
from algos.lda.collapsed import Collapsed, collapsed_bytes
from algos.lda.documents import Documents
from algos.lda.parameters import Settings, padded_columns, word_prior

N, V, LENGTH, K = 20_000, 4000, 24, 48
FIXED = 2e6  # of bytes: entries on their way into order, arrays of one number a document


def corpus():
    rng = np.random.default_rng(0)
    words = np.minimum((V * rng.random(N * LENGTH) ** 2).astype(np.int32), V - 1)
    starts = np.arange(0, N * LENGTH + 1, LENGTH, dtype=np.int32)
    X = sparse.csr_array((np.ones(len(words), np.float32), words, starts), shape=(N, V))
    X.sum_duplicates()
    return X


def stated(method, z):
    block = min(N, 8192)
    of_block = block * (16 * K + 12 * z / N)
    return {
        "cvb0": (8 * N + 20 * V) * K + 24 * z,
        "batch": 12 * V * K + 8 * N * K + 8 * z + of_block,
        "online": 16 * V * K + of_block,
        "spectral": (40 * V + 5 * N) * K + 60 * K**3 + 24 * z,
    }[method]


@pytest.mark.parametrize("method", ["cvb0", "batch", "online", "spectral"])
def test_a_fit_takes_what_is_stated(method):
    X = corpus()
    options = {"alpha0": 1.0, "max_als_iter": 3, "max_iter": 0} if method == "spectral" else {}
    options = {"init": "random", "max_iter": 5, "max_doc_update_iter": 2, "n_jobs": 1} | options
    if method == "spectral":
        options |= {"init": "auto", "max_restarts": 1}
    model = LatentDirichletAllocation(K, learning_method=method, random_state=0, **options)
    assert peak_of(model, X) < stated(method, X.nnz) + FIXED


def peak_of(model, X):
    return peak(lambda: model.fit(X))


def peak(action):
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_to_gather_a_batch_costs_what_the_batch_holds():
    starts = np.arange(0, 1_000_001, 1, dtype=np.int64)
    words, counts = np.zeros(10**6, dtype=np.int32), np.ones(10**6, dtype=np.float32)
    documents = Documents(starts, words, counts, 1)
    assert peak(lambda: documents.take(np.arange(100))) < 20_000


@pytest.mark.parametrize("unit", [1.0, 0.37])
def test_streams_take_a_batch_whatever_the_counts(unit):
    X = corpus()
    X.data *= np.float32(unit)
    model = LatentDirichletAllocation(16, learning_method="online", n_jobs=1, random_state=0)
    block = 128 * (16 * K + 20 * X.nnz / N)
    assert peak(lambda: model.partial_fit(X)) < 16 * V * 16 + 2 * block + 16 * N + FIXED


def test_batches_that_are_learned_once_are_not_held_together():
    """In a first pass of EM: one batch, mixtures and topics."""
    X = corpus()
    model = LatentDirichletAllocation(K, init="random", max_iter=1, n_jobs=1, random_state=0)
    assert peak_of(model, X) < (4 * N + 20 * V) * K + FIXED


@pytest.mark.parametrize("n_topics", [K, 200])
def test_cvb0_takes_what_max_memory_is_compared_with(n_topics):
    documents = Documents.of(corpus(), "test")
    alpha = np.full(n_topics, 0.1)
    settings = Settings(n_topics, V, alpha, word_prior(0.1, n_topics, V), max_bytes=0)
    topics = padded_columns(np.random.default_rng(0).random((V, n_topics)))
    tracemalloc.start()
    try:
        Collapsed(documents, topics, settings, 1).sweep(is_last=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    wanted = collapsed_bytes(documents, settings)
    assert 0.9 * wanted < peak < wanted + 8 * V * settings.width + FIXED


@pytest.mark.parametrize("n_topics", [K, 200])
def test_room_for_a_prior_of_each_topic_and_word_is_counted(n_topics):
    documents = Documents.of(corpus(), "test").part(0, 500)
    topics = padded_columns(np.random.default_rng(0).random((V, n_topics)))
    peaks, wanted = [], []
    for eta in (0.1, np.full((n_topics, V), 0.1)):
        prior = word_prior(eta, n_topics, V)
        settings = Settings(n_topics, V, np.full(n_topics, 0.1), prior)
        tracemalloc.start()
        try:
            Collapsed(documents, topics, settings, 1).sweep(is_last=True)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        wanted.append(collapsed_bytes(documents, settings))
    assert peaks[1] - peaks[0] == pytest.approx(wanted[1] - wanted[0], rel=0.1)
    assert peaks[1] < 1.15 * wanted[1]


@pytest.mark.parametrize("n_topics", [K, 200])
def test_what_max_memory_does_not_allow_is_not_taken(n_topics, monkeypatch):
    X = corpus()
    made = []
    monkeypatch.setattr(cvb0, "Collapsed", lambda *given: made.append(given) or Collapsed(*given))
    model = LatentDirichletAllocation(n_topics, max_iter=5, n_jobs=1, random_state=0, init="random")
    width, z = -(-n_topics // 16) * 16, X.nnz
    of_documents = 12 * 16 if n_topics > 128 else 8 * width
    wanted = (of_documents * N + 8 * V * width + 16 * z) / 1e6
    for most, n_made in ((0, 0), (0.999 * wanted, 0), (1.001 * wanted, 1)):
        model.set_params(max_memory=most).fit(X)
        assert len(made) == n_made
