"""Stepwise expectation maximisation, and mixtures where topics are fixed."""

from dataclasses import replace

import numpy as np
import pytest

from algos._common.random import seed_key
from algos.lda import expectation, stepwise
from algos.lda.documents import Documents
from algos.lda.em_inference import few_mixtures, mixtures
from algos.lda.parameters import Settings, document_prior, padded_width, word_prior

KEY = seed_key(0)


def silent(topics, objective):
    return False


def planted(n=600, n_topics=4, n_words=60, length=40, seed=0):
    """Return documents, and the topics that they were drawn from: words of a block each."""
    rng = np.random.default_rng(seed)
    topics = np.full((n_topics, n_words), 0.1 / n_words)
    for k, block in enumerate(np.array_split(np.arange(n_words), n_topics)):
        topics[k, block] += 0.9 / len(block)
    theta = rng.dirichlet(np.full(n_topics, 0.1), size=n)
    X = np.array([rng.multinomial(length, p) for p in theta @ topics], dtype=np.float32)
    return Documents.of(X, "test"), topics


def settings_of(documents, n_topics, *, eta=0.05, alpha=0.1, **others):
    return Settings(
        n_topics=n_topics,
        n_words=documents.n_words,
        doc_topic_prior=document_prior(alpha, n_topics),
        topic_word_prior=word_prior(eta, n_topics, documents.n_words),
        **others,
    )


def learned(documents, settings, topics=None, n_threads=1, key=KEY, report=silent):
    return stepwise.learn(documents, topics, settings, key, n_threads, report)


def total_variation(counts, topics):
    """Return the distance of each topic from the nearest that was learned."""
    found = counts[:, : len(topics)].T / counts[:, : len(topics)].sum(axis=0)[:, None]
    return np.abs(topics[:, None] - found).sum(axis=2).min(axis=1) / 2


@pytest.mark.parametrize("n", [60, 600, 3000])
def test_planted_topics_are_found(n):
    documents, topics = planted(n)
    found = learned(documents, settings_of(documents, 4))
    assert total_variation(found.topics, topics).max() < (0.2 if n < 100 else 0.1)


def test_every_token_is_in_the_counts():
    documents, _ = planted()
    found = learned(documents, settings_of(documents, 4))
    assert found.topics.sum(dtype=float) == pytest.approx(documents.n_tokens, rel=1e-5)
    tokens = np.bincount(documents.words, documents.counts, documents.n_words)
    np.testing.assert_allclose(found.topics.sum(axis=1), tokens, rtol=1e-4)
    assert not found.topics[:, 4:].any()


def test_perplexity_falls_in_whole_passes():
    documents, _ = planted()
    reports = []
    settings = settings_of(documents, 4, max_iter=20)
    start = stepwise.random_counts(documents, settings, KEY)
    learned(documents, settings, start, report=lambda topics, value: reports.append(value))
    assert len(reports) == 20
    assert np.all(np.diff(reports) < 1e-3 * reports[-1]) and reports[-1] < 0.8 * reports[0]


def plain_pass(documents, counts, settings, n_steps):
    """One pass over all documents, in double."""
    k, alpha = settings.n_topics, settings.doc_topic_prior
    eta = settings.topic_word_prior.astype(float)
    eta = eta[:, :k] if eta.ndim == 2 else eta[:, None] if eta.ndim == 1 else eta
    phi = counts[:, :k].astype(float) + eta
    phi /= phi.sum(axis=0)
    new = np.zeros_like(phi)
    for d in range(len(documents)):
        entries = slice(*documents.indptr[d : d + 2])
        words, c = documents.words[entries], documents.counts[entries].astype(float)
        theta = alpha
        for _ in range(n_steps):
            share = c / (phi[words] @ theta)
            before, theta = theta, alpha + theta * (share @ phi[words])
        np.add.at(new, words, share[:, None] * before * phi[words])
    return new


@pytest.mark.parametrize("kind", ["one", "words", "topics"])
def test_a_pass_is_that_of_plain_numpy(kind):
    documents, _ = planted(100)
    rng = np.random.default_rng(1)
    eta = {"one": 0.05, "words": rng.uniform(0.01, 1, 60), "topics": rng.uniform(0.01, 1, (4, 60))}
    settings = settings_of(documents, 4, eta=eta[kind], max_iter=1)
    start = stepwise.random_counts(documents, settings, KEY)
    found = learned(documents, settings, start).topics
    expected = plain_pass(documents, start, settings, stepwise.BEGUN_STEPS)
    np.testing.assert_allclose(found[:, :4], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("eta", [0.05, np.linspace(0.01, 1, 60), np.full((4, 60), 0.05)])
def test_threads_change_no_bit(eta):
    documents, _ = planted(900)
    settings = settings_of(documents, 4, eta=eta, max_iter=6)
    one = learned(documents, settings)
    for n_threads in (2, 3):
        other = learned(documents, settings, n_threads=n_threads)
        np.testing.assert_array_equal(one.topics, other.topics)
        assert one.perplexity == other.perplexity


def test_priors_of_one_value_are_that_number():
    documents, _ = planted(300)
    one, *others = (
        learned(documents, settings_of(documents, 4, eta=eta, max_iter=6)).topics
        for eta in (0.05, np.full(60, 0.05), np.full((4, 60), 0.05))
    )
    for other in others:
        np.testing.assert_allclose(other, one, rtol=2e-2, atol=0.3)


def test_guided_topics_follow_their_prior():
    documents, _ = planted()
    eta = np.full((4, 60), 0.01)
    for k in range(4):
        eta[k, 15 * ((k + 1) % 4)] = 200.0
    found = learned(documents, settings_of(documents, 4, eta=eta)).topics
    heaviest = found[:, :4].reshape(4, 15, 4).sum(axis=1).argmax(axis=0)
    np.testing.assert_array_equal(heaviest, [1, 2, 3, 0])


def test_less_room_comes_to_like_topics(monkeypatch):
    documents, topics = planted(2000)
    settings = settings_of(documents, 4)
    monkeypatch.setattr(stepwise, "KEPT_BYTES", 0)
    monkeypatch.setattr(stepwise, "BATCH_BYTES", 4 * 16 * 500)
    found = learned(documents, settings)
    assert total_variation(found.topics, topics).max() < 0.1
    assert found.topics.sum(dtype=float) == pytest.approx(documents.n_tokens, rel=1e-2)


def test_max_iter_is_the_number_of_passes():
    documents, _ = planted(300)
    for n_passes in (0, 1, 3, 7):
        reports: list[float] = []
        settings = settings_of(documents, 4, max_iter=n_passes)
        found = learned(documents, settings, report=lambda _, x, to=reports: to.append(x))
        assert len(reports) == n_passes
        assert np.isfinite(found.topics).all()
    seen = []
    settings = settings_of(documents, 4, max_iter=7)
    learned(documents, settings, report=lambda _, value: seen.append(value) or len(seen) == 2)
    assert len(seen) == 2


def test_a_start_is_not_written_to():
    documents, _ = planted(100)
    settings = settings_of(documents, 4, max_iter=2)
    start = stepwise.random_counts(documents, settings, KEY)
    before = start.copy()
    learned(documents, settings, start)
    np.testing.assert_array_equal(start, before)


@pytest.mark.parametrize("k", [1, 5, 40])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 4)),
        np.ones((1, 1)),
        np.array([[0, 3.0], [0, 0]]),
        np.full((4, 3), 1e30),
        np.full((4, 3), 1e-30),
        np.diag([1e30, 1.0, 1e-30]),
    ],
)
def test_odd_documents_have_finite_topics(X, k):
    documents = Documents.of(X.astype(np.float32), "test")
    found = learned(documents, settings_of(documents, k))
    assert np.isfinite(found.topics).all() and (found.topics >= 0).all()
    assert found.topics.sum(dtype=float) == pytest.approx(X.sum(), rel=1e-4, abs=1e-30)


def test_counts_are_those_of_a_scale_that_vanishes():
    documents, _ = planted(300)
    settings = settings_of(documents, 4)
    topics = expectation.Topics(stepwise.random_counts(documents, settings, KEY), settings)
    learner = expectation.Learner(topics, settings, 1)
    batch = expectation.Batch(documents)
    for _ in range(30):
        learner.learn(batch, 0.7, 1.0, 3)
    assert topics.scale > expectation.LEAST_SCALE / 2
    np.testing.assert_allclose(topics.totals, topics.stored.sum(axis=0, dtype=float), rtol=1e-4)
    assert topics.counts().sum() == pytest.approx(documents.n_tokens, rel=1e-3)


def test_mixtures_of_fixed_topics_are_the_maximum():
    documents, topics = planted(50)
    wide = np.zeros((60, padded_width(4)), dtype=np.float32)
    wide[:, :4] = topics.T
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    found = mixtures(documents, wide, prior, 1, 2000, 1e-6)
    for d in range(50):
        entries = slice(*documents.indptr[d : d + 2])
        words, c = documents.words[entries], documents.counts[entries]
        p = topics[:, words] * (c / (found[d] @ topics[:, words]))
        np.testing.assert_allclose(found[d], prior + found[d] * p.sum(axis=1), rtol=1e-3)
    np.testing.assert_allclose(found.sum(axis=1), 41, rtol=1e-5)
    np.testing.assert_array_equal(found, mixtures(documents, wide, prior, 3, 2000, 1e-6))


def test_settings_may_stay_as_they_are():
    documents, _ = planted(100)
    settings = settings_of(documents, 4, max_iter=1)
    one = learned(documents, settings)
    np.testing.assert_array_equal(one.topics, learned(documents, replace(settings)).topics)


@pytest.mark.parametrize("eta", [0.05, np.linspace(0.01, 1, 60)])
def test_documents_of_few_topics_find_planted_ones(monkeypatch, eta):
    documents, topics = planted(2000)
    settings = settings_of(documents, 130, eta=eta, alpha=0.01)
    one = learned(documents, settings)
    blocks = one.topics.reshape(4, 15, -1).sum(axis=1)  # parts of planted topics, not mixed
    assert blocks.max(axis=0).sum() > 0.75 * blocks.sum()
    np.testing.assert_array_equal(one.topics, learned(documents, settings, n_threads=2).topics)
    assert one.topics.sum(dtype=float) == pytest.approx(documents.n_tokens, rel=1e-3)
    monkeypatch.setattr(expectation, "MOST_WHOLE", 1)
    found = learned(documents, settings_of(documents, 4))
    assert total_variation(found.topics, topics).max() < 0.1


def test_few_mixtures_are_those_of_all_topics_where_no_others_are_large():
    documents, topics = planted(200)
    wide = np.full((60, padded_width(90)), 1e-9, dtype=np.float32)
    wide[:, :4], wide[:, 90:] = topics.T, 0
    prior = np.full(90, 0.01)
    found = few_mixtures(documents, wide, prior, 1, 40, 16)
    np.testing.assert_allclose(found, mixtures(documents, wide, prior, 1, 40, 0.0), atol=0.05)
    np.testing.assert_array_equal(found, few_mixtures(documents, wide, prior, 3, 40, 16))


def test_few_mixtures_of_documents_without_words_are_the_prior():
    documents = Documents.of(np.zeros((3, 4), dtype=np.float32), "test")
    prior = np.linspace(0.1, 1, 40)
    found = few_mixtures(documents, np.ones((4, padded_width(40)), np.float32), prior, 1, 3, 16)
    np.testing.assert_allclose(found, np.tile(prior, (3, 1)), rtol=1e-6)
