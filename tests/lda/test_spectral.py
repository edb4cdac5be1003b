"""Topics by the method of moments: planted ones are found, and odd inputs are handled."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_digits

from algos import LatentDirichletAllocation
from algos.lda import learners, spectral
from algos.lda.documents import Documents
from algos.lda.learners import FEWEST_PAIRS
from algos.lda.parameters import Settings


def planted(n, alpha=0.05, n_topics=20, n_words=1000, length=100, seed=0):
    """Return counts of documents that are mixtures of topics, and the topics."""
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(n_words, 0.1), n_topics)
    tokens = [rng.multinomial(length, t) for t in rng.dirichlet(np.full(n_topics, alpha), n)]
    X = sparse.csr_array((n, n_words))
    for k, counts in enumerate(np.transpose(tokens)):
        rows = np.repeat(np.arange(n), counts)
        words = rng.choice(n_words, len(rows), p=topics[k])
        X += sparse.csr_array((np.ones(len(rows)), (rows, words)), shape=X.shape)
    return sparse.csr_array(X), topics


def bars(n, seed=0, length=150):
    """Return the documents of Griffiths and Steyvers (2004): rows and columns of a 5 × 5 square."""
    rng = np.random.default_rng(seed)
    square = np.zeros((10, 5, 5))
    for i in range(5):
        square[i, i], square[5 + i, :, i] = 0.2, 0.2
    topics = square.reshape(10, 25)
    mixtures = rng.dirichlet(np.full(10, 0.1), n)
    return np.array([rng.multinomial(length, p) for p in mixtures @ topics]), topics


def total_variation(topics, found):
    """Return the distance of each topic to the one that is matched with it."""
    distances = np.abs(topics[:, np.newaxis] - found).sum(axis=2) / 2
    pairs = linear_sum_assignment(distances)
    return distances[pairs]


def rows_of(model):
    counts = model.components_ - model.topic_word_prior_
    return counts / counts.sum(axis=1, keepdims=True)


def settings_of(n_topics, n_words, **more):
    return Settings(
        n_topics=n_topics,
        n_words=n_words,
        doc_topic_prior=np.full(n_topics, 1 / n_topics),
        topic_word_prior=np.asarray(1 / n_topics, np.float32),
        **more,
    )


def documents_of(X):
    return Documents.of(sparse.csr_array(np.asarray(X, dtype=np.float64)), "test")


def spectral_model(n_topics, **more):
    return LatentDirichletAllocation(n_topics, learning_method="spectral", random_state=0, **more)


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_topics_are_found_in_5000_documents(seed):
    X, topics = planted(5000, seed=seed)
    assert total_variation(topics, rows_of(spectral_model(20).fit(X))).max() <= 0.08
    alone = spectral_model(20, max_iter=0).fit(X)
    assert total_variation(topics, rows_of(alone)).max() <= 0.1


def test_planted_topics_are_found_the_closer_the_more_documents():
    X, topics = planted(50000)
    assert total_variation(topics, rows_of(spectral_model(20, max_iter=0).fit(X))).max() <= 0.03
    assert total_variation(topics, rows_of(spectral_model(20).fit(X))).max() <= 0.035


def test_sum_of_the_prior_is_found():
    X, topics = planted(5000, alpha=0.2)
    found = spectral_model(20, max_iter=0, doc_topic_prior="auto").fit(X)
    assert found.doc_topic_prior_.sum() == pytest.approx(4, rel=0.2)
    assumed = spectral_model(20, max_iter=0, alpha0=1.0).fit(X)
    worst, worst_assumed = (
        total_variation(topics, rows_of(model)).max() for model in (found, assumed)
    )
    assert worst < 0.6 * worst_assumed


def test_prior_of_each_topic_is_found():
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(200, 0.1), 4)
    alpha = np.array([0.4, 0.3, 0.2, 0.1])
    mixtures = rng.dirichlet(alpha, 20000)
    X = np.array([rng.multinomial(60, p) for p in mixtures @ topics])
    settings = settings_of(4, 200, alpha0=1.0)
    counts, prior = spectral.begin(documents_of(X), settings, 1)[:2]
    found = (counts[:, :4] / counts[:, :4].sum(axis=0)).T
    distances = np.abs(topics[:, np.newaxis] - found).sum(axis=2) / 2
    order = linear_sum_assignment(distances)[1]
    np.testing.assert_allclose(prior[order], alpha, rtol=0.15)
    assert prior.sum() == pytest.approx(1)


def test_all_ten_bars_are_found():
    X, topics = bars(2000)
    for max_iter in (0, "auto"):
        found = rows_of(spectral_model(10, max_iter=max_iter).fit(X))
        assert total_variation(topics, found).max() <= 0.1


def test_another_seed_and_order_find_the_same_topics():
    X, _ = planted(2000)
    order = np.random.default_rng(0).permutation(2000)
    first = spectral_model(20).fit(X).components_
    other = spectral_model(20).set_params(random_state=1).fit(X[order]).components_
    np.testing.assert_allclose(other, first, rtol=0.05, atol=1)


def test_same_bits_for_any_number_of_threads():
    X, _ = planted(600, n_topics=5, n_words=300)
    one, two = (spectral_model(5, n_jobs=n_jobs).fit(X).components_ for n_jobs in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((4, 6)),
        np.eye(6),
        2 * np.eye(40),
        np.ones((1, 1)),
        np.full((5, 1), 7.0),
        np.full((3, 8), 1e34),
        np.array([[3.0, 0, 0], [0, 3, 0]]),
        np.array([[1e30, 0, 0], [0, 1e-30, 0], [2, 1, 5]]),
    ],
    ids=["empty", "short", "pairs", "one", "one-word", "huge", "apart", "mixed"],
)
@pytest.mark.parametrize("n_topics", [1, 3, 12])
@pytest.mark.parametrize("max_iter", [0, 3])
@pytest.mark.filterwarnings("ignore:the moments of `X`", "ignore:no row of `X`")
def test_every_corpus_has_finite_topics(X, n_topics, max_iter):
    model = spectral_model(n_topics, max_iter=max_iter).fit(X)
    assert model.components_.shape == (n_topics, X.shape[1])
    assert np.all(np.isfinite(model.components_))
    assert np.all(model.components_ >= 0)
    assert np.all(np.isfinite(model.transform(X)))


def test_topics_that_documents_do_not_determine_are_uniform():
    X = np.repeat(np.kron(np.eye(2), np.ones((1, 4))) * 5, 30, axis=0)
    settings = settings_of(6, 8, alpha0=0.1)
    counts, prior = spectral.begin(documents_of(X), settings, 1)[:2]
    assert counts.shape == (8, 16)
    assert np.all(counts[:, 6:] == 0)
    assert np.all(np.isfinite(prior)) and np.all(prior > 0)
    assert counts.sum() == pytest.approx(X.sum(), rel=1e-4)


def test_a_third_moment_beyond_memory_is_refused_before_it_is_made():
    X = sparse.csr_array(([4.0], ([0], [99_999])), shape=(1, 100_000))
    settings = settings_of(80_000, 100_000)
    with pytest.raises(MemoryError, match="third moment"):
        spectral.begin(Documents.of(X, "test"), settings, 1)


def test_more_topics_than_words_are_few_directions():
    with pytest.warns(UserWarning, match="determine 3 topics, fewer than n_components=5000"):
        model = spectral_model(5000, max_iter=0).fit(np.eye(3) * 5)
    assert np.all(np.isfinite(model.components_))


@pytest.mark.parametrize("n_topics", [1, 3])
@pytest.mark.parametrize(
    "asked",
    [{"learning_method": "spectral"}, {"learning_method": "cvb0", "init": "spectral"},
     {"learning_method": "batch", "init": "spectral"}],
)  # fmt: skip
def test_counts_without_triples_are_warned_about_if_spectral_topics_are_required(asked, n_topics):
    pairs = np.eye(6) + np.eye(6, k=1)
    lda = LatentDirichletAllocation(n_topics, max_iter=3, random_state=0, **asked)
    with pytest.warns(UserWarning, match="no row of `X` sums to 3 or more"):
        lda.fit(pairs)
    lda.set_params(init="random", learning_method="cvb0").fit(pairs)
    with warnings.catch_warnings():  # one row is enough to begin with, and weights are no counts
        warnings.simplefilter("error")
        lda.set_params(**asked).fit(np.vstack([pairs, np.ones(6)]))
        lda.fit(pairs / 2)


def test_short_counts_begin_at_random_unless_spectral_topics_are_required(capsys):
    pairs = sparse.csr_array(np.tile(np.eye(20) + np.eye(20, k=1), (1300, 1)))
    assert pairs.nnz > FEWEST_PAIRS
    lda = LatentDirichletAllocation(3, max_iter=2, random_state=0)
    found = lda.fit(pairs).components_
    np.testing.assert_array_equal(lda.set_params(init="random").fit(pairs).components_, found)
    lda.set_params(init="auto", verbose=1, alpha0=3.0).fit(pairs)
    printed = capsys.readouterr().out
    assert "init: random counts" in printed and "alpha0 is not used" in printed
    # The moments of one long row are not those of the others.
    lda.fit(sparse.vstack([pairs, sparse.csr_array(np.ones((1, 20)))]).tocsr())
    printed = capsys.readouterr().out
    assert "init: random counts" in printed and "alpha0 is not used" in printed


def test_moments_that_determine_no_topic_leave_a_random_start(capsys, monkeypatch):
    monkeypatch.setattr(learners, "FEWEST_PAIRS", 0)
    lda = LatentDirichletAllocation(3, max_iter=2, random_state=0, verbose=1, alpha0=3.0)
    lda.fit(np.eye(20))
    printed = capsys.readouterr().out
    assert "init: random counts" in printed and "alpha0 is not used" in printed


def test_a_single_topic_of_empty_documents_is_not_told_to_lower_n_components():
    with pytest.warns(UserWarning, match="with max_iter=0; give documents with more words"):
        spectral_model(1, max_iter=0).fit(np.zeros((5, 4)))


def test_mixtures_of_topics_are_searched_for_only_among_few_directions(monkeypatch):
    """Among forty they took minutes, of pictures of 64 pixels."""

    def never(*args, **kwargs):
        raise AssertionError("dependent terms of many directions")

    monkeypatch.setattr(spectral, "dependent_als", never)
    X = load_digits().data
    spectral_only = LatentDirichletAllocation(50, learning_method="spectral", max_iter=0)
    with pytest.warns(UserWarning, match="fewer than n_components=50"):
        assert spectral_only.fit(X).components_.shape == (50, 64)
