"""Allocations that cannot succeed are refused with the way out."""

import numpy as np
import pytest

from algos import PCA, KMeans
from algos._common import memory


def test_what_fits_passes():
    memory.require_memory(1 << 20, "a megabyte", "nothing")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda X: PCA(2).fit(X), r"covariance of 50 columns needs .*randomized"),
        (lambda X: PCA(2).partial_fit(X), r"covariance of 50 columns needs"),
        (lambda X: KMeans(3, random_state=0).fit(X).transform(X), r"distances of 200 rows"),
    ],
)
def test_too_large_results_name_their_size_and_the_mend(monkeypatch, call, text):
    monkeypatch.setattr(memory, "_physical_bytes", lambda: 100.0)
    monkeypatch.setattr("algos.kmeans.rows._SURE_BYTES", 0)
    with pytest.raises(MemoryError, match=text):
        call(np.random.default_rng(0).normal(size=(200, 50)))
