"""Document completion and coherence, against sums over all pairs."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from algos import LatentDirichletAllocation
from algos.lda import coherence
from algos.lda.completion import halves, log_probability
from algos.lda.documents import Documents
from algos.metrics import held_out_likelihood, topic_coherence
from tests.lda.data import planted

KEY = np.array([3, 4], dtype=np.uint64)


def matrix(documents):
    return documents.matrix().toarray()


@pytest.mark.parametrize("scale", [1.0, 2.5, 1e12])
def test_what_is_observed_and_what_is_held_out_are_the_whole(scale):
    X = np.random.default_rng(0).poisson(3.0, (40, 30)) * scale
    observed, held = halves(Documents.of(X, "here"), 0.3, KEY)
    np.testing.assert_allclose(matrix(observed) + matrix(held), X, rtol=1e-6)
    assert matrix(held).sum() / X.sum() == pytest.approx(0.3, abs=0.03)
    if scale == 1:
        assert np.all(matrix(held) == np.rint(matrix(held)))


def test_halves_do_not_hang_on_the_order_of_rows():
    X = np.random.default_rng(0).poisson(1.0, (40, 30)).astype(float)
    order = np.random.default_rng(1).permutation(40)
    _, one = halves(Documents.of(X, "here"), 0.5, KEY)
    _, other = halves(Documents.of(X[order], "here"), 0.5, KEY)
    assert matrix(one)[order].tolist() == matrix(other).tolist()


def test_the_log_probability_is_the_sum_over_words():
    rng = np.random.default_rng(0)
    X = rng.poisson(1.0, (30, 20)).astype(float)
    topics = rng.dirichlet(np.ones(20), 5)
    mixtures = rng.dirichlet(np.ones(5), 30)
    wide = np.zeros((20, 16), dtype=np.float32)
    wide[:, :5] = topics.T
    found = log_probability(Documents.of(X, "here"), mixtures, wide)
    assert found == pytest.approx((X * np.log(mixtures @ topics)).sum(), rel=1e-5)


def test_a_better_model_has_a_lower_perplexity_of_completion():
    X, _ = planted(600, 60, 4, 60)
    train, test = X[:400], X[400:]
    good = LatentDirichletAllocation(4, random_state=0).fit(train)
    poor = LatentDirichletAllocation(1, random_state=0).fit(train)
    assert good.perplexity(test, held_out=0.5) < 0.8 * poor.perplexity(test, held_out=0.5)
    assert poor.perplexity(test, held_out=0.5) < 60


def test_completion_takes_what_is_held_out_as_a_matrix():
    X, _ = planted(200, 30, 3, 40)
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    observed, held = halves(Documents.of(X, "here"), 0.5, KEY)
    value = lda.perplexity(observed.matrix(), held_out=held.matrix())
    assert value == pytest.approx(lda.perplexity(X, held_out=0.5), rel=0.05)
    topics = lda.components_ / lda.components_.sum(axis=1, keepdims=True)
    p = lda.transform(matrix(observed)) @ topics
    expected = np.exp(-(matrix(held) * np.log(p)).sum() / held.n_tokens)
    assert value == pytest.approx(expected, rel=1e-5)


def test_wrong_held_out_words_are_refused():
    X, _ = planted(50, 30, 3, 40)
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    for share in (0, 1, 1.5, True):
        with pytest.raises(ValueError, match=r"`held_out`=.* must be"):
            lda.perplexity(X, held_out=share)
    with pytest.raises(ValueError, match="20 rows and must have 50"):
        lda.perplexity(X, held_out=X[:20])
    with pytest.raises(ValueError, match="holds out no word; "):
        lda.perplexity(X, held_out=sparse.csr_array(X.shape))


def counted(components, X, n_words, measure):
    """The definition, pair by pair."""
    occurs = np.asarray(X) > 0
    n = len(occurs)
    found = []
    for topic in components:
        words = np.argsort(-topic, kind="stable")[:n_words]
        values = []
        for place, a in enumerate(words):
            for b in words[place + 1 :]:
                both = np.sum(occurs[:, a] & occurs[:, b])
                p_a, p_b, p = occurs[:, a].mean(), occurs[:, b].mean(), both / n
                if measure == "u_mass":
                    values.append(np.log((1 + both) / max(p_a * n, 1)))
                elif both == 0:
                    values.append(-1)
                else:
                    values.append(1 if both == n else np.log(p / p_a / p_b) / -np.log(p))
        found.append(np.mean(values) if values else 0)
    return found


@pytest.mark.parametrize("measure", ["npmi", "u_mass"])
@pytest.mark.parametrize("n_words", [2, 3, 5, 50])
def test_coherence_counts_documents_that_hold_pairs_of_words(measure, n_words):
    rng = np.random.default_rng(0)
    X = rng.poisson(0.4, (60, 12)).astype(float)
    X[:, 3], X[:, 4], X[:, 5] = 0, 1, 1
    components = rng.random((4, 12)).round(1)
    expected = counted(components, X, n_words, measure)
    for rows in (X, sparse.csr_array(X), X.astype(np.int64), sparse.csr_array(X.astype(np.int64))):
        found = topic_coherence(components, rows, measure=measure, n_words=n_words)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_an_estimator_computes_the_coherence_of_its_topics():
    X, _ = planted(300, 40, 3, 50)
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    found = lda.coherence(X, "u_mass", 5)
    assert (
        found.tolist() == topic_coherence(lda.components_, X, measure="u_mass", n_words=5).tolist()
    )
    shuffled = np.random.default_rng(0).permuted(lda.components_, axis=1)
    assert lda.coherence(X).mean() > topic_coherence(shuffled, X).mean()
    with pytest.raises(ValueError, match="`measure`='c_v' must be one of"):
        lda.coherence(X, "c_v")
    for ask in (lda.coherence, partial(topic_coherence, lda.components_)):
        with pytest.raises(ValueError, match=r"`n_words`=1 must be an int in \[2, inf\)"):
            ask(X, n_words=1)
    with pytest.raises(ValueError, match=r"Negative values in data passed to .*coherence"):
        lda.coherence(-X)


def test_held_out_likelihood_is_of_completion_and_chooses_topics():
    X, _ = planted(300, 40, 3, 50)
    lda = LatentDirichletAllocation(3, random_state=0)
    value = held_out_likelihood(lda.fit(X[:200]), X[200:])
    assert value == pytest.approx(-np.log(lda.perplexity(X[200:], held_out=0.5)))
    grid = {"n_components": [1, 3]}
    search = GridSearchCV(lda, grid, scoring=held_out_likelihood, cv=2).fit(X)
    assert search.best_params_ == {"n_components": 3}
    with pytest.raises(TypeError, match="`estimator` is a CountVectorizer and must be"):
        held_out_likelihood(CountVectorizer(), X)


def test_held_out_likelihood_takes_what_a_pipeline_takes():
    texts = ["cat dog cat", "dog cat", "bond stock", "stock bond bond"] * 5
    lda = LatentDirichletAllocation(2, random_state=0)
    pipeline = make_pipeline(CountVectorizer(), lda).fit(texts)
    counts = pipeline[0].transform(texts)
    assert held_out_likelihood(pipeline, texts) == held_out_likelihood(lda, counts)
    assert held_out_likelihood(make_pipeline(lda), counts) == held_out_likelihood(lda, counts)


def test_a_sample_of_documents_has_no_held_out_perplexity():
    X, _ = planted(60, 40, 3, 50)
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"`sub_sampling`=True .* must be False with `held_out`"):
        lda.perplexity(X, sub_sampling=True, held_out=0.5)
    as_if = lda.perplexity(X[:20], sub_sampling=True)
    assert lda.set_params(total_samples=60).perplexity(X[:20], sub_sampling=True) == as_if


def test_an_interrupted_coherence_leaves_no_state(monkeypatch):
    X, _ = planted(100, 40, 3, 50)
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    before = dict(vars(lda))

    def stopped(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(coherence, "_npmi", stopped)
        with pytest.raises(KeyboardInterrupt):
            lda.coherence(X)
    assert vars(lda).keys() == before.keys()
    assert all(vars(lda)[name] is value for name, value in before.items())
    assert np.all(np.isfinite(lda.coherence(X)))
