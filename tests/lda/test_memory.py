"""What a fit takes is what the page of the algorithm states."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from algos import LatentDirichletAllocation

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
        "online": 16 * V * K + 8 * z + of_block,
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
    tracemalloc.start()
    try:
        model.fit(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < stated(method, X.nnz) + FIXED
