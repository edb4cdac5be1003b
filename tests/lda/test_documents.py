"""Documents: the counts of any matrix, as kernels take them."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from algos.lda.corpus import blocks, shuffled
from algos.lda.documents import Documents

KEY = np.array([1, 2], dtype=np.uint64)


def dense(documents):
    return documents.matrix().toarray()


def in_order(X, key, n_threads):
    documents = Documents.of(X, "here")
    return shuffled(documents, documents.keys(key, n_threads)).whole()


def counts(seed, n=12, n_words=7):
    rng = np.random.default_rng(seed)
    return rng.poisson(0.7, (n, n_words)).astype(np.float64)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 20),
    n_words=st.integers(1, 9),
    dtype=st.sampled_from([np.float64, np.float32, np.int64, np.int32]),
)
def test_dense_and_sparse_rows_are_the_same_documents(seed, n, n_words, dtype):
    X = counts(seed, n, n_words).astype(dtype)
    for rows in (X, sparse.csr_array(X)):
        documents = Documents.of(rows, "here")
        assert (documents.indptr.dtype, documents.words.dtype) == (np.int64, np.int32)
        assert documents.counts.dtype == np.float32
        assert documents.counts.all()
        assert dense(documents).tolist() == X.tolist()
        assert (len(documents), documents.n_words) == (n, n_words)
        assert documents.n_tokens == X.sum()


def test_stored_zeros_and_what_float32_cannot_hold_are_no_words():
    X = sparse.csr_array(np.array([[1.0, 1e-300, 2.0], [0, 0, 0]]))
    X.data[0] = 0
    documents = Documents.of(X, "here")
    assert documents.indptr.tolist() == [0, 1, 1]
    assert documents.words.tolist() == [2]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 20))
def test_documents_are_taken_in_any_order_and_in_parts(seed, n):
    X = counts(seed, n)
    documents = Documents.of(X, "here")
    order = np.random.default_rng(seed).integers(0, n, 15)
    assert dense(documents.take(order)).tolist() == X[order].tolist()
    start, stop = sorted(np.random.default_rng(seed).integers(0, n + 1, 2))
    assert dense(documents.part(start, stop)).tolist() == X[start:stop].tolist()


def test_many_entries_are_gathered_block_by_block(monkeypatch):
    from algos.lda import documents as module

    X = counts(3, 200)
    expected = dense(Documents.of(X, "here").take(np.arange(200)[::-1]))
    monkeypatch.setattr(module._blocks, "__defaults__", (16,))
    assert dense(Documents.of(X, "here").take(np.arange(200)[::-1])).tolist() == expected.tolist()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 20), size=st.integers(1, 30))
def test_documents_gathered_batch_by_batch_are_those_of_one_copy(seed, n, size):
    documents = Documents.of(counts(seed, n) / 3, "here")
    corpus = shuffled(documents, documents.keys(KEY, 1))
    whole = corpus.whole()
    found = [dense(block) for block in blocks(corpus, size)]
    np.testing.assert_array_equal(np.concatenate(found), dense(whole))
    assert (len(corpus), corpus.n_words) == (len(whole), whole.n_words)
    assert corpus.n_entries == whole.n_entries == sum((block > 0).sum() for block in found)
    assert corpus.n_tokens == pytest.approx(whole.n_tokens, rel=1e-12)
    least = np.median(whole.lengths())
    assert corpus.n_pairs(least) == (dense(whole)[whole.lengths() >= least] > 0).sum()
    np.testing.assert_array_equal(dense(corpus.in_units(0.5).whole()), 0.5 * dense(whole))


def test_the_order_of_content_does_not_hang_on_the_order_of_rows():
    X = counts(0, 50)
    shuffled = X[np.random.default_rng(1).permutation(50)]
    one = in_order(X, KEY, 1)
    other = in_order(shuffled, KEY, 2)
    assert dense(one).tolist() == dense(other).tolist()
    again = in_order(X, KEY + np.uint64(1), 1)
    assert dense(again).tolist() != dense(one).tolist()


@pytest.mark.parametrize("n_words", [7, 20, 5000])
def test_a_compact_vocabulary_holds_the_words_that_occur(n_words):
    X = np.zeros((12, n_words))
    X[:, n_words - 7 :] = counts(0)
    compact, places = Documents.of(X, "here").compact()
    if places is None:
        places = np.arange(n_words)
    else:
        assert np.flatnonzero(X.any(axis=0)).tolist() == places.tolist()
    assert dense(compact).tolist() == X[:, places].tolist()


def test_negative_counts_and_counts_that_cannot_be_summed_are_refused():
    X = counts(0)
    X[2, 3] = -1
    for rows in (X, sparse.csr_array(X)):
        with pytest.raises(ValueError, match="Negative values in data passed to here"):
            Documents.of(rows, "here")
    X[2, 3] = 1e40
    for rows in (X, sparse.csr_array(X)):
        with pytest.raises(ValueError, match=r"`X` must hold counts .*; "):
            Documents.of(rows, "here")
