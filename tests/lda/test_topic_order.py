"""The order of topics for documents that keep few of many."""

import numpy as np
from hypothesis import given, settings, strategies as st

from algos.lda.collapsed import Collapsed
from algos.lda.documents import Documents
from algos.lda.parameters import Settings, padded_columns, word_prior
from algos.lda.topic_order import GROUP, MOST_DOCUMENTS, cooccurrence_order


@settings(max_examples=50, deadline=None)
@given(st.integers(16, 70), st.integers(0, 40), st.integers(0, 2**31))
def test_every_topic_occurs_once(n_topics, n_documents, seed):
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(n_topics)[:16] for _ in range(n_documents)], dtype=np.int32)
    order = cooccurrence_order(lists.reshape(n_documents, 16), n_topics)
    np.testing.assert_array_equal(np.sort(order), np.arange(n_topics))


def test_topics_that_are_kept_together_are_neighbours():
    rng = np.random.default_rng(0)
    groups = rng.permutation(6 * GROUP).reshape(6, GROUP).astype(np.int32)
    lists = rng.permuted(groups[rng.integers(0, 6, 300)], axis=1)
    order = cooccurrence_order(lists, 6 * GROUP)
    found = {frozenset(order[i : i + GROUP].tolist()) for i in range(0, len(order), GROUP)}
    assert found == {frozenset(group.tolist()) for group in groups}


def test_only_the_first_documents_are_counted():
    rng = np.random.default_rng(0)
    lists = np.array([rng.permutation(40)[:16] for _ in range(500)], dtype=np.int32)
    many = np.tile(lists, (MOST_DOCUMENTS // 500 + 1, 1))
    np.testing.assert_array_equal(
        cooccurrence_order(many, 40), cooccurrence_order(many[:MOST_DOCUMENTS], 40)
    )


def test_topics_keep_their_names_and_priors():
    """Whatever the order within, given topics come out where they went in."""
    rng = np.random.default_rng(0)
    n_topics, n_words = 150, 640
    X = rng.multinomial(60, rng.dirichlet(np.full(n_words, 0.1), 40))
    truth = rng.gamma(0.05, 10, (n_words, n_topics))
    prior = np.full((n_topics, n_words), 0.01)
    prior[:, :n_topics][np.diag_indices(n_topics)] = 1e4  # topic k is word k
    options = Settings(
        n_topics, n_words, rng.uniform(0.01, 0.1, n_topics), word_prior(prior, n_topics, n_words)
    )
    documents = Documents.of(X.astype(float), "test")
    state = Collapsed(documents, padded_columns(truth), options, 1)
    assert not np.array_equal(state._order, np.arange(options.width))
    np.testing.assert_allclose(state.counts()[:, :n_topics], truth, rtol=1e-3, atol=1e-2)
    for i in range(3):
        state.sweep(is_last=i == 2)
    rows = state.rows()
    np.testing.assert_allclose((rows - state.counts())[:, :n_topics], prior.T, rtol=1e-3, atol=1e-2)
    assert not rows[:, n_topics:].any()
    np.testing.assert_allclose(state.counts().sum(axis=1), X.sum(axis=0), rtol=1e-2, atol=0.05)


def test_where_topics_are_as_many_as_words_no_order_is_made():
    X = np.random.default_rng(0).poisson(0.5, (30, 200))
    documents = Documents.of(X.astype(float), "test")
    options = Settings(150, 200, np.full(150, 0.01), word_prior(0.1, 150, 200))
    topics = padded_columns(np.random.default_rng(1).gamma(1.0, 1.0, (200, 150)))
    state = Collapsed(documents, topics, options, 1)
    assert state._order is None
    state.sweep(is_last=True)
    np.testing.assert_allclose(state.counts().sum(axis=1), X.sum(axis=0), rtol=1e-4, atol=1e-3)
