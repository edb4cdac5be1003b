"""Variational Bayes: scikit-learn's results from the same start, and the bound."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import LatentDirichletAllocation as Theirs

from algos._common.random import seed_key
from algos.lda import variational
from algos.lda.documents import Documents
from algos.lda.parameters import Settings, document_prior, padded_columns, word_prior

KEY = seed_key(0)


class Fixed(np.random.RandomState):
    """Gives topics a start, and documents 1 in every topic."""

    def __init__(self, start):
        super().__init__(0)
        self.start = start

    def gamma(self, shape, scale, size):
        return self.start.copy() if size == self.start.shape else np.ones(size)


def corpus(n=150, n_words=120, k=6, seed=0, length=60):
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(n_words, 0.08), k)
    mixtures = rng.dirichlet(np.full(k, 0.2), n)
    return np.array([rng.multinomial(rng.poisson(length), m) for m in mixtures @ topics])


def settings_for(X, k, **given):
    alpha, eta = given.pop("doc_topic_prior", None), given.pop("topic_word_prior", None)
    return Settings(
        n_topics=k,
        n_words=X.shape[1],
        doc_topic_prior=document_prior(alpha, k),
        topic_word_prior=word_prior(eta, k, X.shape[1]),
        **given,
    )


def documents_of(X):
    return Documents.of(X.astype(np.float64), "test")


class Report:
    """Keeps the objectives, and asks to stop after so many passes."""

    def __init__(self, stop_after=None):
        self.objectives, self.topics, self.stop_after = [], [], stop_after

    def __call__(self, topics, objective):
        self.objectives.append(objective)
        self.topics.append(topics())
        return len(self.objectives) == self.stop_after


def learn(X, k, method="batch", start=None, n_threads=1, report=None, **given):
    settings = settings_for(X, k, **given)
    learner = {"batch": variational.learn_batch, "online": variational.learn_online}[method]
    if start is not None:
        prior = np.asarray(settings.topic_word_prior, dtype=np.float64)
        start = padded_columns(start.T - prior)
    learned = learner(documents_of(X), start, settings, KEY, n_threads, report or Report())
    return learned, learned.topics[:, :k].T + np.float64(settings.topic_word_prior)


@pytest.mark.parametrize("method", ["batch", "online"])
@pytest.mark.parametrize("k", [2, 6, 20])
def test_components_are_scikit_learns_from_the_same_start(method, k):
    X = corpus()
    start = np.random.default_rng(1).gamma(100, 0.01, (k, X.shape[1]))
    given = {"max_iter": 4, "mean_change_tol": 1e-4, "batch_size": 32}
    theirs = Theirs(k, learning_method=method, random_state=Fixed(start), n_jobs=1, **given)
    theirs.fit(X)
    learned, components = learn(X, k, method, start, **given)
    np.testing.assert_allclose(components, theirs.components_, rtol=1e-3)
    assert learned.perplexity == pytest.approx(theirs.bound_, rel=1e-4)
    assert learned.n_updates == theirs.n_batch_iter_ - 1


def test_priors_by_topic_and_by_word_are_those_of_repeated_numbers():
    X, k = corpus(), 5
    start = np.random.default_rng(1).gamma(100, 0.01, (k, X.shape[1]))
    one = learn(X, k, start=start, doc_topic_prior=0.3, topic_word_prior=0.2)[1]
    for eta in (np.full(X.shape[1], 0.2), np.full((k, X.shape[1]), 0.2)):
        settings = settings_for(X, k, doc_topic_prior=np.full(k, 0.3), topic_word_prior=eta)
        wide = padded_columns(start.T - 0.2)
        many = variational.learn_batch(documents_of(X), wide, settings, KEY, 1, Report())
        np.testing.assert_allclose(many.topics[:, :k].T + 0.2, one, rtol=1e-3)


def test_the_bound_is_scikit_learns():
    X, k = corpus(), 7
    theirs = Theirs(k, random_state=0, max_iter=3).fit(X)
    settings = settings_for(X, k)
    counts = padded_columns(theirs.components_.T - 1 / k)
    found = variational.approximate_bound(documents_of(X), counts, settings, 1)
    assert found == pytest.approx(theirs.score(X), rel=1e-6)
    some = documents_of(X[:30])
    found = variational.approximate_bound(some, counts, settings, 1, n_documents=1e6)
    theirs.total_samples = 1e6
    exact = -np.log(theirs.perplexity(X[:30], sub_sampling=True)) * X[:30].sum() * 1e6 / 30
    assert found == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("prior", [0.01, None, 2.0])
def test_the_bound_never_decreases_over_whole_passes(seed, prior):
    X = corpus(n=80, n_words=50, seed=seed, length=20)
    report = Report()
    learn(X, 8, report=report, max_iter=60, doc_topic_prior=prior, topic_word_prior=prior)
    bounds = -np.log(report.objectives)
    tokens = X.sum()
    assert np.all(np.diff(bounds * tokens) >= -1e-7 * np.abs(bounds[1:] * tokens))


@pytest.mark.parametrize("method", ["batch", "online"])
def test_any_number_of_threads_gives_the_same_bits(method):
    X = corpus(n=700)
    found = [learn(X, 9, method, n_threads=n, max_iter=3)[0] for n in (1, 2, 3)]
    assert len({learned.topics.tobytes() for learned in found}) == 1
    assert len({learned.perplexity for learned in found}) == 1


def test_the_size_of_blocks_does_not_change_the_result(monkeypatch):
    X = corpus(n=300)
    _, whole = learn(X, 5, max_iter=4)
    monkeypatch.setattr(variational, "BLOCK", 64)
    _, parts = learn(X, 5, max_iter=4)
    np.testing.assert_allclose(parts, whole, rtol=1e-4)


def test_a_stream_is_the_online_method():
    X, k = corpus(n=200), 6
    settings = settings_for(X, k, batch_size=50)
    start = variational.random_topics(settings, KEY)
    learned = learn(X, k, "online", max_iter=1, batch_size=50)[0]
    state, documents = variational.Stream(start, settings, 1), documents_of(X)
    for number in range(4):
        batch = documents.part(number * 50, number * 50 + 50)
        state.learn(batch, variational.step_size(settings, number + 1), 200 / 50)
    np.testing.assert_allclose(state.counts(), learned.topics, rtol=1e-5, atol=1e-9)


def test_long_streams_do_not_drift():
    X = corpus(n=400)
    settings = settings_for(X, 4, learning_decay=0.51, learning_offset=1.0)
    state = variational.Stream(variational.random_topics(settings, KEY), settings, 1)
    documents = documents_of(X)
    for number in range(300):
        start = 20 * (number % 20)
        batch = documents.part(start, start + 20)
        state.learn(batch, variational.step_size(settings, number + 1), 20.0)
    counts = state.counts()
    assert counts.sum(dtype=np.float64) == pytest.approx(X.sum(), rel=0.2)
    assert np.all(counts >= 0)


def test_streams_take_counts_of_any_size():
    X, k = corpus(n=60), 4
    settings = settings_for(X, k)
    state = variational.Stream(variational.random_topics(settings, KEY), settings, 1)
    for number, scale in enumerate((1.0, 1e31, 1e-6, 1e31, 1.0)):
        state.learn(documents_of(X * scale), variational.step_size(settings, number + 1), 1e4)
        counts = state.counts()
        assert np.all(np.isfinite(counts)) and np.all(counts >= 0)
        if number == 1:
            weight = variational.step_size(settings, 2)
            exact = weight * 1e4 * 1e31 * X.sum()
            assert counts.sum(dtype=np.float64) == pytest.approx(exact, rel=1e-3)
    again = variational.Stream(counts, settings, 1)
    np.testing.assert_allclose(again.counts(), counts, rtol=1e-5)


def test_a_report_can_stop():
    X = corpus()
    report = Report(stop_after=2)
    learned = learn(X, 4, report=report, max_iter=9)[0]
    assert learned.n_updates == 2
    np.testing.assert_array_equal(report.topics[-1], learned.topics)


@pytest.mark.parametrize("method", ["batch", "online"])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 4), dtype=int),
        np.array([[0, 0], [3, 0], [0, 0]]),
        np.array([[2]]),
        np.array([[1e30, 1.0], [1.0, 1e-30], [0, 5e29]]),
        np.full((2, 3), 1e-20),
        np.full((4, 3), 1e35 / 12),
    ],
)
@pytest.mark.parametrize("k", [1, 3, 20])
def test_any_counts_give_finite_topics(X, k, method):
    with np.errstate(all="raise", under="ignore"):
        learned, components = learn(X, k, method, max_iter=5)
    assert np.all(np.isfinite(components)) and np.all(components > 0)
    if method == "batch":
        assert components.sum() == pytest.approx(X.sum() + X.shape[1], rel=1e-3)
    assert not np.isnan(learned.perplexity)


@pytest.mark.parametrize("prior", [1e-12, 1e-3, 50.0, 1e6])
def test_any_priors_give_finite_topics(prior):
    X = corpus(n=30)
    learned, components = learn(X, 5, doc_topic_prior=prior, topic_word_prior=prior)
    assert np.all(np.isfinite(components)) and np.all(components > 0)
    assert learned.topics.sum() == pytest.approx(X.sum(), rel=1e-3)


def test_dense_and_sparse_documents_are_the_same():
    X = corpus()
    dense = documents_of(X)
    other = Documents.of(sparse.csr_array(X.astype(np.float64)), "test")
    np.testing.assert_array_equal(dense.words, other.words)
    np.testing.assert_array_equal(dense.counts, other.counts)
