"""The prior of topics in documents, learned from drawn topics."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import gammaln

from algos import LatentDirichletAllocation
from algos._common.random import seed_key
from algos._cython import lda_assign
from algos.lda.documents import Documents
from algos.lda.em_inference import mixtures
from algos.lda.parameters import padded_columns
from algos.lda.priors import fitted_prior, learned_prior

KEY = seed_key(0)


def drawn_numbers(alpha, n, length, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([rng.multinomial(length, p) for p in rng.dirichlet(alpha, n)])


def test_the_fixed_point_is_the_most_likely_prior():
    numbers = drawn_numbers([0.2, 0.7, 1.5], 300, 20)

    def loss(log_prior):
        a = np.exp(log_prior)
        each = gammaln(numbers + a) - gammaln(a)
        return -(
            each.sum() + len(numbers) * gammaln(a.sum()) - len(numbers) * gammaln(20 + a.sum())
        )

    best = np.exp(minimize(loss, np.zeros(3)).x)
    np.testing.assert_allclose(fitted_prior(numbers, np.ones(3), 500), best, rtol=1e-3)


def test_an_unused_topic_gets_the_least_prior():
    numbers = np.array([[5, 0, 1], [2, 0, 9]])
    prior = fitted_prior(numbers, np.ones(3), 10)
    assert prior[1] == prior.min() < 1e-3
    assert np.all(np.isfinite(prior))


def corpus(alpha, n, length, *, n_words=200, seed=0):
    """Return documents drawn from the model, and counts that tell its topics."""
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(n_words, 0.05), len(alpha))
    X = np.array([rng.multinomial(length, p @ topics) for p in rng.dirichlet(alpha, n)])
    return Documents.of(X.astype(float), "test"), padded_columns(1e6 * topics.T + 1e-3)


@pytest.mark.parametrize("alpha", [[0.1] * 5, [0.8, 0.3, 0.1, 0.05, 0.05]])
def test_a_planted_prior_is_found(alpha):
    documents, topics = corpus(alpha, 2000, 40)
    found = learned_prior(documents, topics, np.full(5, 0.2), KEY, 1)
    np.testing.assert_allclose(found, alpha, rtol=0.25)


def test_expected_numbers_would_make_the_prior_too_even():
    """Why topics are drawn: the reason given in the module."""
    documents, topics = corpus([0.1] * 5, 1000, 40)
    phi = topics / topics.sum(axis=0).clip(1e-30)
    expected = mixtures(documents, phi.astype(np.float32), np.full(5, 0.5), 1, 50, 0.0) - 0.5
    found = learned_prior(documents, topics, np.full(5, 0.5), KEY, 1)
    even = fitted_prior(expected, np.full(5, 0.5), 5)
    assert found.sum() < 0.8 < even.sum()


def test_a_learned_prior_predicts_new_documents_of_skewed_topics_better():
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(200, 0.05), 6)
    mixtures = rng.dirichlet([1.5, 0.8, 0.4, 0.05, 0.05, 0.05], 1500)
    X = np.array([rng.multinomial(20, p) for p in mixtures @ topics])
    value = {}
    for prior in (None, "auto"):
        lda = LatentDirichletAllocation(6, doc_topic_prior=prior, max_iter=20, random_state=0)
        value[prior] = lda.fit(X[:1000]).perplexity(X[1000:], held_out=0.5)
    assert value["auto"] < 0.98 * value[None]


def test_any_number_of_threads_gives_the_same_bits():
    documents, topics = corpus([0.3] * 4, 1500, 60)
    one, two = (learned_prior(documents, topics, np.full(4, 0.25), KEY, n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("X", [np.zeros((3, 4)), [[0, 1, 0, 0]], np.full((2, 4), 1e30)])
def test_odd_documents_give_a_finite_prior(X):
    documents = Documents.of(np.asarray(X, dtype=float), "test")
    for k in (1, 3):
        found = learned_prior(documents, padded_columns(np.ones((4, k))), np.ones(k), KEY, 1)
        assert np.all(np.isfinite(found)) and np.all(found > 0)


def test_topics_are_drawn_from_the_posterior():
    """One document of three tokens, all assignments gone through."""
    rng = np.random.default_rng(0)
    rows = padded_columns(rng.uniform(0.2, 3, (3, 2)))
    alpha, words, n = np.array([0.4, 0.9]), np.array([0, 1, 2], dtype=np.int32), 20_000
    wide = np.zeros((2, 16), dtype=np.float32)
    wide[0, :2], wide[1, :2] = 1 / rows[:, :2].sum(axis=0), alpha
    topics = np.full(3 * n, -1, dtype=np.int32)
    numbers = np.zeros((n, 16), dtype=np.float32)
    lda_assign.assign_topics(
        np.arange(0, 3 * n + 1, 3), np.tile(words, n), rows, *wide, 2, KEY, 0, 10, topics,
        numbers, 2,
    )  # fmt: skip
    exact = {}
    for z in product((0, 1), repeat=3):
        held = np.bincount(z, minlength=2)
        likely = np.prod([rows[w, k] * wide[0, k] for w, k in enumerate(z)])
        exact[z] = likely * np.exp(gammaln(held + alpha).sum())
    whole = sum(exact.values())
    found = topics.reshape(n, 3) @ [4, 2, 1]
    shares = np.bincount(found, minlength=8) / n
    wanted = [exact[z] / whole for z in product((0, 1), repeat=3)]
    np.testing.assert_allclose(shares, wanted, atol=4 * np.sqrt(0.25 / n))
    np.testing.assert_array_equal(numbers[:, 1], topics.reshape(n, 3).sum(axis=1))
