"""CVB0 without stored responsibilities."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.special import gammaln

from algos import LatentDirichletAllocation
from algos._common import memory
from algos._common.random import seed_key
from algos.lda import collapsed, cvb0, stepwise
from algos.lda.collapsed import Collapsed, collapsed_bytes, has_room, topics_kept
from algos.lda.documents import Documents
from algos.lda.em_inference import mixtures
from algos.lda.parameters import Settings, padded_columns, word_prior


def documents_of(X):
    return Documents.of(np.asarray(X, dtype=float), "test")


def settings_of(n_words, alpha, eta):
    alpha = np.asarray(alpha, dtype=float)
    return Settings(len(alpha), n_words, alpha, word_prior(eta, len(alpha), n_words))


def run(X, alpha, eta, n_sweeps, seed=0, n_threads=1):
    """Return counts (n_topics, n_words) after sweeps from a random start."""
    documents, rng = documents_of(X), np.random.default_rng(seed)
    options = settings_of(documents.n_words, alpha, eta)
    topics = padded_columns(rng.gamma(5, 0.1, (documents.n_words, options.n_topics)))
    state = Collapsed(documents, topics, options, n_threads)
    values = [state.sweep(is_last=i == n_sweeps - 1, evaluates=True) for i in range(n_sweeps)]
    return state.counts(), values


def assignments(X):
    """Yield, for each way to give all tokens one of two topics, what documents and words have."""
    X = np.asarray(X)
    tokens = [(d, w) for d, row in enumerate(X) for w, c in enumerate(row) for _ in range(c)]
    for topics in product((0, 1), repeat=len(tokens)):
        in_document, in_word = np.zeros((len(X), 2)), np.zeros((X.shape[1], 2))
        for (d, w), k in zip(tokens, topics, strict=True):
            in_document[d, k] += 1
            in_word[w, k] += 1
        yield in_document, in_word


def likelihood(in_document, in_word, alpha, eta):
    """Return p(tokens and topics) up to what depends on the lengths of documents alone."""
    both = in_word + np.asarray(eta).T
    log_p = gammaln(in_document + np.asarray(alpha)).sum() + gammaln(both).sum()
    return np.exp(log_p - gammaln(both.sum(axis=0)).sum())


def exact_counts(X, alpha, eta):
    """Return the posterior mean of the counts (n_words, 2) by going through all assignments."""
    total = mean = 0.0
    for in_document, in_word in assignments(X):
        p = likelihood(in_document, in_word, alpha, eta)
        total, mean = total + p, mean + p * in_word
    return mean / total


@pytest.mark.parametrize(
    "X",
    [
        [[2, 1, 0], [0, 1, 2]],
        [[1, 1, 1], [0, 2, 1], [2, 0, 0]],
        [[3, 0, 1], [0, 0, 1], [1, 1, 0]],
        [[0, 1, 0]],
    ],
)
def test_counts_are_near_the_exact_posterior(X):
    """Topics have names here: the prior of words tells them apart."""
    alpha, eta = [0.6, 0.9], [[2.0, 1.0, 0.3], [0.3, 1.0, 2.0]]
    found, _ = run(X, alpha, eta, 200)
    tokens = np.sum(X)
    assert np.abs(found[:, :2] - exact_counts(X, alpha, eta)).sum() < 0.06 * tokens


def corpus(n=120, n_words=40, n_topics=4, seed=0):
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(n_words, 0.1), n_topics)
    mixtures = rng.dirichlet(np.full(n_topics, 0.2), n)
    return np.array([rng.multinomial(60, p) for p in mixtures @ topics])


@pytest.mark.parametrize("eta", [0.1, "vector", "matrix"])
def test_counts_are_conserved(eta):
    X = corpus()
    given = {
        0.1: 0.1,
        "vector": np.linspace(0.01, 0.5, 40),
        "matrix": np.random.default_rng(1).uniform(0.01, 0.5, (4, 40)),
    }[eta]
    found, _ = run(X, np.full(4, 0.2), given, 20)
    np.testing.assert_allclose(found.sum(axis=1), X.sum(axis=0), rtol=1e-5, atol=1e-4)
    assert not found[:, 4:].any()
    assert found.min() >= 0


def test_sweeps_lower_the_perplexity_of_tokens_given_all_others():
    _, values = run(corpus(), np.full(4, 0.2), 0.1, 30)
    assert values[-1] < 0.8 * values[2]
    assert values[-1] < 1.01 * min(values)


@pytest.mark.parametrize("n_topics", [2, 20])
@pytest.mark.parametrize("weight", [1e-3, 0.3, 1.0])
def test_the_prior_predicts_a_single_token(n_topics, weight):
    """Each word is of one document, and each document of one word."""
    X = weight * np.eye(4)
    _, values = run(X, np.full(n_topics, 0.1), 0.5, 30)
    rest = 3 * weight + 4 * 0.5 * n_topics  # of all topics, which are alike
    assert values[-1] == pytest.approx(rest / 0.5 / n_topics, rel=2e-3)


def test_of_many_topics_the_prior_of_those_that_are_kept_counts():
    """With that of all topics the perplexity of as many words was 24 of 129, and 93 of 500."""
    options = {"init": "random", "random_state": 0}
    for n_topics in (128, 129, 500):
        bound = LatentDirichletAllocation(n_topics, **options).fit(np.eye(3)).bound_
        assert 2.9 < bound < 5.1


@pytest.mark.parametrize("alpha", [np.full(20, 0.3), np.linspace(0.1, 0.6, 20)])
def test_topics_that_no_document_has_change_no_perplexity(alpha, monkeypatch):
    """Where topics are alike, a token's chance depends on neither how many are kept nor which."""
    monkeypatch.setattr(collapsed, "MANY", 16)
    X = 1e-3 * np.eye(4)
    _, values = run(X, alpha, 0.5, 30)
    assert values[-1] == pytest.approx(4, rel=2e-3)


def test_the_perplexity_is_near_the_exact_one_of_a_token_given_all_others():
    X, alpha, eta = (
        [[2, 1, 0], [0, 1, 2], [0, 1, 0]],
        [0.6, 0.9],
        [[2.0, 1.0, 0.3], [0.3, 1.0, 2.0]],
    )
    _, values = run(X, alpha, eta, 60)
    assert values[-1] == pytest.approx(exact_perplexity(X, alpha, eta), rel=0.05)


def exact_perplexity(X, alpha, eta):
    """Return exp of minus the mean of log p(token | all others), by all assignments."""
    X, total = np.asarray(X), 0.0
    for d, w in np.argwhere(X):
        without = X.copy()
        without[d, w] -= 1
        total += X[d, w] * (log_evidence(X, alpha, eta) - log_evidence(without, alpha, eta))
    return np.exp(-total / X.sum())


def log_evidence(X, alpha, eta):
    """Return log p(X), of tokens in an order."""
    total = sum(likelihood(*each, alpha, eta) for each in assignments(X))
    return np.log(total) - gammaln(np.sum(X, axis=1) + np.sum(alpha)).sum()


def test_any_number_of_threads_gives_the_same_bits():
    X = corpus(800)
    one, two = (run(X, np.full(4, 0.2), 0.1, 5, n_threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1] == two[1]


@pytest.mark.parametrize(
    "X", [np.zeros((3, 4)), [[1]], [[0, 5, 0], [0, 0, 0]], np.full((2, 3), 1e30)]
)
@pytest.mark.parametrize("n_topics", [1, 5])
def test_odd_documents_give_finite_counts(X, n_topics):
    X = np.asarray(X, dtype=float)
    found, values = run(X, np.full(n_topics, 0.2), 0.1, 8)
    assert np.all(np.isfinite(found)) and np.all(np.isfinite(values))
    np.testing.assert_allclose(found.sum(axis=1), X.sum(axis=0), rtol=1e-4)


@pytest.mark.parametrize("n_topics", [4, 150])
def test_memory_is_as_stated(n_topics):
    documents = documents_of(corpus())
    options = settings_of(40, np.full(n_topics, 0.2), 0.1)
    topics = np.zeros((40, options.width), dtype=np.float32)
    state = Collapsed(documents, topics, options, 1)
    own = sum(
        array.nbytes
        for side in (state.documents, state.words)
        for array in (side.rows, side.velocity, side.normalizers)
    )
    own += state.words.index.nbytes + state.words.counts.nbytes
    if state.documents.topics is not None:
        own += state.documents.topics.nbytes
    assert own == collapsed_bytes(documents, options)


@pytest.mark.parametrize("length", [60, 400, 1000])
def test_of_many_topics_documents_keep_some(length):
    X = np.random.default_rng(0).multinomial(length, np.full(40, 1 / 40), size=100)
    few = topics_kept(documents_of(X), settings_of(40, np.full(200, 0.01), 0.1))
    assert few == {60: 16, 400: 64, 1000: 64}[length]
    assert topics_kept(documents_of(X), settings_of(40, np.full(128, 0.01), 0.1)) == 0


def test_keeping_few_topics_loses_nothing_if_documents_have_no_more(monkeypatch):
    X = corpus(400, n_topics=6)
    alpha = np.full(20, 0.05)
    all_of_them, values = run(X, alpha, 0.1, 40)
    monkeypatch.setattr(collapsed, "MANY", 16)
    found, few_values = run(X, alpha, 0.1, 40)
    np.testing.assert_allclose(found.sum(axis=1), X.sum(axis=0), rtol=1e-5, atol=1e-4)
    assert all_of_them.shape == found.shape
    assert few_values[-1] < 1.03 * values[-1]
    np.testing.assert_array_equal(found, run(X, alpha, 0.1, 40, n_threads=2)[0])


def test_short_memory_leaves_it_to_em(monkeypatch):
    documents, options = documents_of(corpus()), settings_of(40, np.full(4, 0.2), 0.1)
    options = replace(options, max_iter=8)
    reports = []

    def learn():
        reports.clear()
        return cvb0.learn(
            documents, None, options, seed_key(0), 1, lambda *each: bool(reports.append(each))
        )

    learn()
    assert len(reports) == 8
    monkeypatch.setattr(memory, "_physical_bytes", lambda: 1000.0)
    assert not has_room(documents, options)
    found = learn()
    wanted = stepwise.learn(documents, None, options, seed_key(0), 1, lambda *each: False)
    np.testing.assert_array_equal(found.topics, wanted.topics)
    assert len(reports) == 8


@pytest.mark.parametrize("n_topics", [4, 150])
def test_room_is_what_is_allowed(n_topics):
    documents, options = documents_of(corpus()), settings_of(40, np.full(n_topics, 0.2), 0.1)
    wanted = collapsed_bytes(documents, options)
    assert has_room(documents, replace(options, max_bytes=wanted))
    assert not has_room(documents, replace(options, max_bytes=wanted - 1))


@pytest.mark.parametrize("stop_after", [2, 4, 7])
def test_it_stops_on_request(stop_after):
    documents, options = documents_of(corpus()), settings_of(40, np.full(4, 0.2), 0.1)
    reports = []

    def report(topics, objective):
        reports.append(objective)
        return len(reports) == stop_after

    found = cvb0.learn(documents, None, options, seed_key(0), 1, report)
    assert len(reports) == stop_after
    np.testing.assert_allclose(found.topics.sum(), documents.n_tokens, rtol=1e-3)


@pytest.mark.parametrize("max_iter", [0, 1, 5])
def test_max_iter_is_the_number_of_passes(max_iter):
    documents, options = documents_of(corpus()), settings_of(40, np.full(4, 0.2), 0.1)
    reports = []
    cvb0.learn(
        documents,
        None,
        replace(options, max_iter=max_iter),
        seed_key(0),
        1,
        lambda *each: bool(reports.append(each)),
    )
    assert len(reports) == max_iter


def test_a_learned_prior_predicts_new_documents_better():
    X = corpus(900, n_topics=6)
    documents, held = documents_of(X[:600]), X[600:]
    options = settings_of(40, np.full(6, 1.0), 0.1)
    found = cvb0.learn(
        documents,
        None,
        replace(options, learns_doc_topic_prior=True, max_iter=30),
        seed_key(0),
        1,
        lambda *each: False,
    )
    rng = np.random.default_rng(1)
    first = rng.binomial(held, 0.5)
    phi = found.topics + np.float32(0.1)
    phi[:, 6:] = 0
    phi /= phi.sum(axis=0).clip(1e-30)
    values = []
    for prior in (options.doc_topic_prior, found.doc_topic_prior):
        theta = mixtures(documents_of(first), phi, prior, 1, 60, 0.0)
        p = theta / theta.sum(axis=1, keepdims=True) @ phi[:, :6].T
        values.append(((held - first) * np.log(p)).sum())
    assert values[1] > values[0]
