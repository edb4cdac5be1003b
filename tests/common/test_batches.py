"""Batches of arrays, memmaps, CSR matrices and iterators."""

import numpy as np
import pytest
from scipy import sparse

from tests.common.batches import iter_batches, learn_from


class Recorder:
    def __init__(self):
        self.calls = []

    def partial_fit(self, X, y=None, sample_weight=None, classes=None):
        self.calls.append((len(X), y, sample_weight, classes))
        return self


def test_a_memmap_is_cut_into_views(tmp_path):
    np.arange(10.0).reshape(5, 2).tofile(tmp_path / "rows")
    X = np.memmap(tmp_path / "rows", dtype=np.float64, shape=(5, 2), mode="r")
    batches = [rows for rows, _, _ in iter_batches(X, batch_size=2)]
    assert [len(rows) for rows in batches] == [2, 2, 1]
    assert all(np.shares_memory(rows, X) for rows in batches)


def test_targets_and_weights_go_along():
    X, y = np.arange(3.0)[:, None], ["a", "b", "c"]
    found = [(r.tolist(), t, w.tolist()) for r, t, w in iter_batches(X, y, [1, 2, 3], batch_size=2)]
    assert found == [([[0], [1]], ["a", "b"], [1, 2]), ([[2]], ["c"], [3])]


def test_sparse_rows_stay_sparse():
    X = sparse.csr_array(np.eye(5))
    batches = [rows for rows, _, _ in iter_batches(X, batch_size=3)]
    assert all(sparse.issparse(rows) for rows in batches)
    assert np.vstack([rows.toarray() for rows in batches]).tolist() == np.eye(5).tolist()


def test_an_iterator_gives_its_own_batches():
    X = np.ones((2, 1))
    items = [X, (X,), (X, "y"), (X, "y", "w")]
    found = list(iter_batches(iter(items), batch_size=1))
    assert [(y, w) for _, y, w in found] == [(None, None), (None, None), ("y", None), ("y", "w")]


def test_what_cannot_be_is_refused():
    X = np.ones((3, 1))
    with pytest.raises(ValueError, match="`batch_size`=0 must be"):
        iter_batches(X, batch_size=0)
    with pytest.raises(ValueError, match="must be None when X is an iterable"):
        iter_batches(iter([X]), y=[1], batch_size=2)
    with pytest.raises(ValueError, match="a batch of 4 parts"):
        list(iter_batches([(X, X, X, X)], batch_size=2))
    with pytest.raises(ValueError, match="`y` has 2 values; it must have 3"):
        list(iter_batches(X, [1, 2], batch_size=2))


def test_learning_hands_on_what_there_is():
    X = np.ones((4, 1))
    weight = np.array([1.0, 1.0, 0.0, 0.0])
    batches = iter_batches(X, list("abcd"), weight, batch_size=2)
    estimator = learn_from(Recorder(), batches, classes=["a"])
    assert [(n, y, w.tolist(), c) for n, y, w, c in estimator.calls] == [
        (2, ["a", "b"], [1.0, 1.0], ["a"])
    ]
    assert learn_from(Recorder(), iter_batches(X, batch_size=4)).calls == [(4, None, None, None)]
