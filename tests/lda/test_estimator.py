"""The estimator: scikit-learn's meaning, streams, priors, and topics as words."""

import copy
import pickle

import numpy as np
import pytest
import sklearn.decomposition
import sklearn.preprocessing
from scipy import sparse
from scipy.special import psi
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import HashingVectorizer

from algos import LatentDirichletAllocation
from algos.lda.names import FOREIGN_NAMES
from algos.lda.parameters import Settings
from algos.lda.stopping import PerplexityStopper
from tests.lda.data import blocks, planted, variation

METHODS = ["auto", "batch", "online", "cvb0", "spectral"]
all_methods = pytest.mark.parametrize("method", METHODS)
WORDS = [f"word {j}" for j in range(9)]


@all_methods
def test_topics_without_common_words_are_found(method):
    X = np.repeat(blocks(), 10, axis=0)
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0).fit(X)
    found = {tuple(sorted(words)) for words in lda.top_words(n_words=3)}
    assert found == {(0, 1, 2), (3, 4, 5), (6, 7, 8)}


@all_methods
def test_attributes_are_those_that_scikit_learn_means(method):
    X, _ = planted(200, 30, 3, 40)
    lda = LatentDirichletAllocation(
        3, learning_method=method, random_state=0, topic_word_prior=0.2
    ).fit(X)
    slack = 0.1 if method == "online" else 1e-3  # of batches of unequal documents
    assert lda.components_.sum() == pytest.approx(X.sum() + 3 * 30 * 0.2, rel=slack)
    sums = lda.components_.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        lda.exp_dirichlet_component_, np.exp(psi(lda.components_) - psi(sums)), rtol=1e-5
    )
    assert lda.topic_word_prior_ == 0.2
    assert lda.doc_topic_prior_ == pytest.approx(1 / 3)
    assert lda.learning_method_ in METHODS[1:]
    assert lda.n_batch_iter_ > 1
    assert 1 < lda.bound_ < 60
    assert lda.n_samples_seen_ == 200
    states = [lda.random_state_.randint(2**31, size=3).tolist() for _ in range(2)]
    assert states[0] == states[1]
    with pytest.raises(AttributeError):
        LatentDirichletAllocation().random_state_  # noqa: B018


@all_methods
def test_the_score_is_scikit_learns(method):
    X, _ = planted(150, 30, 3, 40)
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0).fit(X)
    theirs = sklearn.decomposition.LatentDirichletAllocation(3, max_doc_update_iter=100).fit(X)
    theirs.components_ = lda.components_
    theirs.exp_dirichlet_component_ = lda.exp_dirichlet_component_
    assert lda.score(X) == pytest.approx(theirs.score(X), rel=1e-4)
    assert lda.perplexity(X) == pytest.approx(theirs.perplexity(X), rel=1e-4)
    sub_sampled = theirs.perplexity(X, sub_sampling=True)
    lda.set_params(total_samples=1e6)
    assert lda.perplexity(X, sub_sampling=True) == pytest.approx(sub_sampled, rel=1e-4)


@pytest.mark.parametrize("method", ["batch", "online"])
def test_mixtures_of_variational_methods_are_scikit_learns(method):
    X, _ = planted(150, 30, 3, 40)
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0).fit(X)
    theirs = sklearn.decomposition.LatentDirichletAllocation(3).fit(X)
    theirs.components_ = lda.components_
    theirs.exp_dirichlet_component_ = lda.exp_dirichlet_component_
    for normalize in (True, False):
        np.testing.assert_allclose(
            lda.transform(X, normalize=normalize),
            theirs.transform(X, normalize=normalize),
            rtol=2e-3,
            atol=2e-3,
        )


@pytest.mark.parametrize("method", ["cvb0", "spectral"])
def test_mixtures_of_other_methods_are_the_fixed_point(method):
    X, _ = planted(150, 30, 3, 40)
    lda = LatentDirichletAllocation(
        3, learning_method=method, random_state=0, max_doc_update_iter=1000, mean_change_tol=1e-7
    ).fit(X)
    topics = lda.components_ / lda.components_.sum(axis=1, keepdims=True)
    found = lda.transform(X, normalize=False)
    shares = X.toarray() / (found @ topics)
    np.testing.assert_allclose(found, found * (shares @ topics.T) + 1 / 3, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found.sum(axis=1), X.sum(axis=1) + 1, rtol=1e-5)


@all_methods
def test_mixtures_sum_to_one_and_those_of_empty_documents_are_the_prior(method):
    X, _ = planted(100, 30, 3, 40)
    prior = [0.1, 0.2, 0.7]
    lda = LatentDirichletAllocation(
        3, learning_method=method, doc_topic_prior=prior, random_state=0
    ).fit(X)
    assert lda.doc_topic_prior_.tolist() == prior
    assert np.abs(lda.transform(X).sum(axis=1) - 1).max() < 1e-12
    assert np.abs(lda.transform(X.astype(np.float32)).sum(axis=1) - 1).max() < 1e-6
    np.testing.assert_allclose(lda.transform(np.zeros((2, 30))), [prior] * 2, rtol=1e-5)


@all_methods
def test_unseen_words_weigh_their_prior(method):
    X, _ = planted(100, 30, 3, 40)
    X = sparse.csr_array(np.hstack([X.toarray(), np.zeros((100, 2))]))
    prior = np.linspace(0.1, 0.5, 32)
    lda = LatentDirichletAllocation(
        3, learning_method=method, topic_word_prior=prior, random_state=0, max_iter=60
    ).fit(X)
    assert lda.topic_word_prior_.tolist() == prior.tolist()
    if method != "online":  # where a start fades and never ends
        np.testing.assert_allclose(lda.components_[:, 30:], [prior[30:]] * 3, rtol=1e-3)


@all_methods
def test_a_matrix_of_priors_guides_topics(method):
    X = np.repeat(blocks(), 10, axis=0)
    guide = np.full((3, 9), 0.1)
    for topic, word in enumerate([8, 0, 5]):
        guide[topic, word] = 60.0
    lda = LatentDirichletAllocation(
        3, learning_method=method, topic_word_prior=guide, random_state=0, init="random"
    ).fit(X)
    assert [words.tolist()[0] for words in lda.top_words(n_words=1)] == [8, 0, 5]


@all_methods
@pytest.mark.parametrize("strength", [20.0, 2000.0])
def test_spectral_topics_are_ordered_by_a_guiding_prior(method, strength):
    X, topics = planted(600, 2000, 5, 60)
    order = np.array([3, 0, 4, 2, 1])
    guide = np.full((5, 2000), 0.1)
    for place, topic in enumerate(order[:4]):
        own = np.argsort(topics[topic] - np.delete(topics, topic, 0).max(axis=0))[-3:]
        guide[place, own] = strength
    lda = LatentDirichletAllocation(
        5, learning_method=method, topic_word_prior=guide, random_state=0, init="spectral"
    ).fit(X)
    found = lda.components_ - guide
    likeness = found / np.linalg.norm(found, axis=1, keepdims=True) @ topics.T
    assert (likeness / np.linalg.norm(topics, axis=1)).argmax(axis=1).tolist() == order.tolist()


@pytest.mark.filterwarnings("ignore:no row of `X`")
@all_methods
@pytest.mark.parametrize("shape", [(1, 4), (5, 1), (1, 1), (3, 4)])
@pytest.mark.parametrize("value", [0.0, 1.0, 1e30])
def test_tiny_and_huge_corpora_give_numbers(method, shape, value):
    X = np.full(shape, value)
    for k in (1, 2, 20):
        lda = LatentDirichletAllocation(k, learning_method=method, random_state=0, max_iter=5)
        found = lda.fit_transform(X)
        assert np.all(np.isfinite(found))
        assert np.abs(found.sum(axis=1) - 1).max() < 1e-6
        assert np.all(np.isfinite(lda.components_))
        assert np.all(np.isfinite(lda.exp_dirichlet_component_))
        assert not np.isnan(lda.score(X))
        assert not np.isnan(lda.perplexity(X))
        assert not np.isnan(lda.bound_)


@pytest.mark.filterwarnings("ignore:no row of `X`")
@all_methods
@pytest.mark.parametrize("X", [np.zeros((5, 40)), np.eye(40), np.eye(40) * 1e-30])
def test_documents_too_short_to_have_moments_give_numbers(method, X):
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0).fit(X)
    assert np.abs(lda.transform(X).sum(axis=1) - 1).max() < 1e-6
    assert np.all(np.isfinite(lda.components_))


@all_methods
@pytest.mark.parametrize("n_topics", [3, 140])
def test_words_that_a_later_batch_has_first_may_be_huge(method, n_topics):
    X, _ = planted(60, 40, 4, 30)
    lda = LatentDirichletAllocation(n_topics, learning_method=method, random_state=0)
    lda.set_params(max_iter=6, total_samples=1000).fit(X * 1e30)
    assert lda.components_.sum() == pytest.approx(X.sum() * 1e30, rel=0.5)
    for _ in range(2):
        lda.partial_fit(X * 1e30)
    assert lda.components_.sum() == pytest.approx(X.sum() * 1e30 * 1000 / 60, rel=1)
    lda = LatentDirichletAllocation(n_topics, learning_method=method, total_samples=1000)
    lda.partial_fit(X[:5]).partial_fit(X[5:] * 1e30)
    assert np.all(np.isfinite(lda.components_))
    assert np.abs(lda.transform(X).sum(axis=1) - 1).max() < 1e-6


@all_methods
def test_priors_of_zero_give_numbers(method):
    X, _ = planted(60, 20, 3, 20)
    lda = LatentDirichletAllocation(
        3, learning_method=method, doc_topic_prior=0, topic_word_prior=0, random_state=0
    ).fit(X)
    assert np.all(np.isfinite(lda.transform(X)))
    assert np.all(np.isfinite(lda.transform(np.zeros((1, 20)))))
    assert np.isfinite(lda.score(X))


@all_methods
def test_the_order_of_documents_changes_no_bit(method):
    X, _ = planted(300, 40, 4, 30)
    order = np.random.default_rng(0).permutation(300)
    one, other = (
        LatentDirichletAllocation(4, learning_method=method, random_state=0).fit(rows)
        for rows in (X, X[order])
    )
    assert one.components_.tolist() == other.components_.tolist()


@all_methods
def test_a_stream_finds_topics_and_goes_on_after_a_fit(method):
    X, topics = planted(4000, 40, 4, 60, eta=0.1)
    lda = LatentDirichletAllocation(  # "batch" misses a topic from two of eight random starts
        4, learning_method=method, random_state=1, total_samples=4000, learning_offset=2.0
    )
    for _ in range(2):
        for start in range(0, 4000, 500):
            lda.partial_fit(X[start : start + 500])
    first = variation(lda.components_, topics).mean()
    lda.fit(X)
    fitted = lda.components_.copy()
    n_updates = lda.n_batch_iter_
    lda.partial_fit(X)
    assert lda.n_batch_iter_ == n_updates + 32
    assert lda.n_samples_seen_ == 8000
    assert variation(lda.components_, fitted / fitted.sum(axis=1, keepdims=True)).max() < 0.1
    assert first < 0.3


@all_methods
def test_a_merged_model_has_the_documents_of_both(method):
    X, _ = planted(2000, 40, 4, 60, eta=0.1)
    base = LatentDirichletAllocation(4, learning_method=method, random_state=0).fit(X)
    order = [2, 0, 3, 1]
    other = copy.deepcopy(base)
    other.components_ = base.components_[order]
    other._totals = base._totals[order]
    other._past = base._past + np.uint64(1)  # as if it had learned other documents
    before = base.components_.copy()
    base.merge(other)
    prior = 1 / 4
    np.testing.assert_allclose(base.components_ - prior, 2 * (before - prior), rtol=1e-3, atol=1e-3)
    assert base.n_samples_seen_ == 4000


def test_merging_weighs_streams_by_the_documents_they_saw():
    X, _ = planted(1000, 40, 4, 60, eta=0.1)
    parameters = {"n_components": 4, "random_state": 0}
    fitted = LatentDirichletAllocation(**parameters).fit(X[:600])
    streamed = LatentDirichletAllocation(**parameters)
    for start in range(0, 400, 100):
        streamed.partial_fit(X[600 + start : 700 + start])
    fitted.merge(streamed)
    assert fitted.components_.sum() == pytest.approx(X.sum(), rel=0.05)


@all_methods
def test_priors_that_are_set_later_are_those_of_the_next_fit(method):
    X, _ = planted(80, 20, 3, 30)
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0, total_samples=80)
    lda.fit(X)
    as_it_was = copy.deepcopy(lda).partial_fit(X)
    score, held = lda.score(X), lda.perplexity(X, held_out=0.5)
    lda.set_params(topic_word_prior=np.ones(7), doc_topic_prior=[0.5])
    assert lda.score(X) == score
    assert lda.perplexity(X, held_out=0.5) == held
    for learn in (lda.fit, lda.partial_fit):
        with pytest.raises(ValueError, match="_prior` of shape"):
            learn(X)
    lda.set_params(topic_word_prior=np.ones(20), doc_topic_prior=[0.5, 1, 2])
    with pytest.raises(ValueError, match=r"_prior`=.* must be .*; set it back, or call `fit`"):
        lda.partial_fit(X)
    lda.set_params(topic_word_prior=None, doc_topic_prior=None)
    np.testing.assert_array_equal(lda.partial_fit(X).components_, as_it_was.components_)


def test_a_stream_refuses_other_topics_or_methods():
    X = blocks()
    lda = LatentDirichletAllocation(3, random_state=0).partial_fit(X)
    with pytest.raises(ValueError, match=r"`n_components`=4 must be 3.*; set it back"):
        lda.set_params(n_components=4).partial_fit(X)
    lda.set_params(n_components=3)
    with pytest.raises(ValueError, match="`learning_method`='batch' must be 'cvb0'"):
        lda.set_params(learning_method="batch").partial_fit(X)


@all_methods
def test_a_start_that_is_given_is_begun_with(method):
    X = np.repeat(blocks(), 10, axis=0)
    start = np.kron(np.eye(3)[[2, 0, 1]], np.full((1, 3), 5.0))
    lda = LatentDirichletAllocation(3, learning_method=method, init=start, random_state=0)
    assert lda.fit(X).top_words(n_words=3)[:, 0].tolist() == [6, 0, 3]
    with pytest.raises(ValueError, match=r"`init` of shape \(2, 9\) must be of shape \(3, 9\)"):
        lda.set_params(init=start[:2]).fit(X)
    for wrong, named in ((np.nan, "nan"), (np.inf, "inf"), (-1.0, "-1")):
        start[1, 2] = wrong
        with pytest.raises(ValueError, match=rf"`init` holds {named}.* must hold finite counts"):
            lda.set_params(init=start).fit(X)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
@all_methods
def test_numbers_that_float32_cannot_hold_are_no_start_and_no_prior(method, learn):
    X, _ = planted(60, 40, 3, 50)
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0)
    for much in (1e35, 1e37, 1e300):
        with pytest.raises(
            ValueError, match=r"`init` must hold counts whose sum is at most 1e\+36"
        ):
            getattr(clone(lda).set_params(init=np.full((3, 40), much)), learn)(X)
    start = np.full((3, 40), 1e33) + 1e32 * np.eye(3, 40)
    lda.set_params(init=start)
    assert 1 < getattr(lda, learn)(X).perplexity(X, held_out=0.5) < 1000
    for name in ("doc_topic_prior", "topic_word_prior"):
        with pytest.raises(ValueError, match=rf"`{name}` holds 1e\+13 and must be in \[0, 1e\+12"):
            getattr(clone(lda).set_params(init="auto", **{name: 1e13}), learn)(X)
        lda.set_params(init="auto", **{name: 1e12})
        assert getattr(clone(lda), learn)(X).perplexity(X) > 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("doc_topic_prior", [0.1, 0.2]),
        ("doc_topic_prior", [0.1, 0.2, -1]),
        ("doc_topic_prior", [0.1, 0.2, np.nan]),
        ("topic_word_prior", np.ones((9, 3))),
        ("topic_word_prior", ["a"] * 9),
    ],
)
def test_wrong_priors_are_named(name, value):
    lda = LatentDirichletAllocation(3, **{name: value})
    with pytest.raises(ValueError, match=f"`{name}` .*must be .*; "):
        lda.fit(blocks())


def test_top_words_have_names():
    X = np.repeat(blocks(), 10, axis=0)
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    words = lda.top_words(WORDS, n_words=3)
    assert words.shape == (3, 3)
    assert sorted(words.ravel()) == WORDS
    assert lda.top_words(n_words=100).shape == (3, 9)
    with pytest.raises(ValueError, match="`feature_names` of shape"):
        lda.top_words(WORDS[:3])
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=WORDS)
    named = LatentDirichletAllocation(3, random_state=0).fit(frame)
    assert named.top_words(n_words=3).tolist() == words.tolist()


def test_what_pyldavis_takes_is_whole():
    X, _ = planted(50, 30, 3, 40)
    X = X.toarray()
    X[4] = 0
    X[:, 7] = 0
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    found = lda.to_pyldavis(X)
    occurs = np.flatnonzero(X.sum(axis=0))
    assert found["topic_term_dists"].shape == (3, len(occurs))
    assert found["doc_topic_dists"].shape == (49, 3)
    for name in ("topic_term_dists", "doc_topic_dists"):
        np.testing.assert_allclose(found[name].sum(axis=1), 1)
    assert found["doc_lengths"].sum() == found["term_frequency"].sum() == X.sum()
    assert found["vocab"].tolist() == occurs.astype(str).tolist()
    with pytest.raises(ValueError, match="a document with a word"):
        lda.to_pyldavis(np.zeros((2, 30)))


def test_counts_of_any_type_are_the_same_counts():
    X, _ = planted(100, 30, 3, 40)
    expected = LatentDirichletAllocation(3, random_state=0).fit(X).components_
    for dtype in (np.int64, np.int32, np.uint8, np.float32):
        for rows in (X.astype(dtype), X.toarray().astype(dtype)):
            found = LatentDirichletAllocation(3, random_state=0).fit(rows).components_
            assert found.dtype == (np.float32 if dtype == np.float32 else np.float64)
            assert found.tolist() == expected.astype(found.dtype).tolist()


def test_duplicate_entries_are_summed():
    X = sparse.csr_array((np.ones(4), np.array([1, 1, 0, 2]), np.array([0, 3, 4])), shape=(2, 3))
    one = LatentDirichletAllocation(2, random_state=0).fit(X)
    other = LatentDirichletAllocation(2, random_state=0).fit(X.toarray())
    assert one.components_.tolist() == other.components_.tolist()
    assert X.nnz == 4


@pytest.mark.parametrize("method", ["auto", "batch", "online"])
def test_a_fit_stops_when_the_perplexity_has_come_to_rest(method):
    X, _ = planted(200, 30, 3, 40)
    lda = LatentDirichletAllocation(
        3, learning_method=method, random_state=0, evaluate_every=2, perp_tol=0.5, max_iter=200
    ).fit(X)
    assert lda.n_iter_ < 200
    assert np.isfinite(lda.history_["objective"][-1])


@all_methods
def test_verbose_prints_the_method_and_each_pass(method, capsys):
    X, _ = planted(100, 30, 3, 40)
    LatentDirichletAllocation(3, learning_method=method, random_state=0, max_iter=3, verbose=1).fit(
        X
    )
    lines = capsys.readouterr().out.splitlines()
    assert any("learning_method 'cvb0': " in line for line in lines) == (method == "auto")
    assert sum(" pass " in line for line in lines) == 3


@all_methods
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_a_pickle_has_no_derived_attributes(learn, method):
    X = planted(60, 200, 3, 30)[0]
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0)
    getattr(lda, learn)(X)
    before = pickle.dumps(lda)
    read = lda.components_, lda.exp_dirichlet_component_
    after = pickle.dumps(lda)
    assert len(after) <= len(before)
    for one in (pickle.loads(after), copy.deepcopy(lda)):
        found = one.components_, one.exp_dirichlet_component_
        assert all(map(np.array_equal, found, read))
    assert lda.exp_dirichlet_component_ is read[1]


@all_methods
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda lda: pickle.loads(pickle.dumps(lda))])
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", ["components_", "exp_dirichlet_component_"])
def test_copies_keep_what_was_written_to_the_model(learn, method, name, copied):
    X = planted(60, 40, 3, 30)[0]
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0)
    getattr(lda, learn)(X)
    begun = copy.deepcopy(lda)
    setattr(begun, name, np.full((3, 40), 2.0))  # before the model was made
    np.testing.assert_array_equal(getattr(copied(begun), name), np.full((3, 40), 2.0))
    begun.transform(X)
    assert begun.components_.shape == begun.exp_dirichlet_component_.shape
    np.testing.assert_array_equal(getattr(begun, name), np.full((3, 40), 2.0))
    getattr(lda, name)[0] *= 5
    np.testing.assert_array_equal(getattr(copied(lda), name), getattr(lda, name))
    setattr(lda, name, getattr(lda, name)[::-1])
    np.testing.assert_array_equal(getattr(copied(lda), name), getattr(lda, name))


@all_methods
def test_a_pickle_of_a_stream_learns_on(method):
    X, _ = planted(300, 30, 3, 40)
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0).partial_fit(X[:200])
    other = pickle.loads(pickle.dumps(lda))
    one, two = lda.partial_fit(X[200:]), other.partial_fit(X[200:])
    assert one.components_.tolist() == two.components_.tolist()


def test_an_unfitted_model_raises():
    lda = LatentDirichletAllocation()
    for call in (lda.perplexity, lda.score, lda.coherence, lda.to_pyldavis):
        with pytest.raises(NotFittedError):
            call(blocks())
    with pytest.raises(NotFittedError):
        lda.top_words()


def test_invalid_starts_have_their_own_messages():
    lda = LatentDirichletAllocation(3, init=sparse.csr_array(np.ones((3, 9))))
    with pytest.raises(ValueError, match=r"`init` is sparse .*; write init=init.toarray\(\)"):
        lda.fit(blocks())
    with pytest.raises(ValueError, match=r"`init` must be numbers of shape .*could not convert"):
        lda.set_params(init=[["a"] * 9] * 3).fit(blocks())
    with pytest.raises(ValueError, match="`init`='kmeans' must be"):
        lda.set_params(init="kmeans").fit(blocks())


TEXTS = ["the cat sat", "the dog sat", "the mat"]


@pytest.mark.parametrize(
    "X", [TEXTS, tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, dtype=object),
          [text.split() for text in TEXTS]],
)  # fmt: skip
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_texts_are_to_be_counted_first(X, learn):
    with pytest.raises(ValueError, match=r"`X` holds texts .*CountVectorizer\(\)"):
        getattr(LatentDirichletAllocation(2), learn)(X)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_a_column_of_texts_is_named(learn):
    learns = getattr(LatentDirichletAllocation(2), learn)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"stars": [1, 2, 3], "review": TEXTS})
    with pytest.raises(
        ValueError, match=r"column 'review' of `X` .*fit_transform\(X\['review'\]\)"
    ):
        learns(frame)
    with pytest.raises(ValueError, match=r"column 1 of `X` .*fit_transform\(X\[:, 1\]\)"):
        learns(frame.to_numpy())
    learns(np.array([["1", 2], ["3", 4]], dtype=object))  # numbers all the same


@pytest.mark.parametrize(("library", "kind"), [("polars", "DataFrame"), ("pyarrow", "table")])
def test_a_column_of_texts_in_other_frames_is_named(library, kind):
    make = getattr(pytest.importorskip(library), kind)
    frame = make({"stars": [1, 2, 3], "review": TEXTS})
    with pytest.raises(ValueError, match=r"column 'review' of `X` holds texts"):
        LatentDirichletAllocation(2).fit(frame)


@pytest.mark.parametrize("corpus", [
    [[(0, 1), (2, 3)], [(1, 1)]], [[(0, 1.0), (2, 3.0)], [(1, 1.0), (2, 1.0)]], [[], [(1, 1)]],
    ([(0, 1)],),
])  # fmt: skip
def test_a_corpus_of_gensim_is_to_be_made_a_matrix(corpus):
    with pytest.raises(ValueError, match=r"gensim\.matutils\.corpus2csc\(corpus\)\.T"):
        LatentDirichletAllocation(2).fit(corpus)


def test_signed_hashes_are_refused_with_the_way_out():
    X = HashingVectorizer(n_features=64).fit_transform(TEXTS)
    with pytest.raises(ValueError, match=r"Negative values .*alternate_sign=False, norm=None"):
        LatentDirichletAllocation(2).fit(X)


def test_numbers_and_names_are_not_mistaken_for_each_other():
    lda = LatentDirichletAllocation(3, random_state=0).fit(blocks())
    with pytest.raises(ValueError, match=r"`feature_names`=10 .*write n_words=10"):
        lda.top_words(10)
    with pytest.raises(ValueError, match=r"`held_out`='0\.5' must be a float"):
        lda.perplexity(blocks(), held_out="0.5")


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_shares_of_documents_are_warned_of_once(norm, learn):
    X = sklearn.preprocessing.normalize(planted(100, 30, 3, 40)[0], norm)
    lda = LatentDirichletAllocation(3, random_state=0, max_iter=2)
    with pytest.warns(UserWarning, match="row of `X` .* TF-IDF do: .*; give counts") as caught:
        getattr(lda, learn)(X)
    assert len(caught) == 1 and caught[0].filename == __file__
    if learn == "partial_fit":
        lda.partial_fit(X)


@pytest.mark.parametrize("X", [np.eye(9), np.full((3, 5), 0.5), 1.5 * blocks(), np.zeros((2, 3))])
def test_possible_counts_are_not_warned_about(X):
    LatentDirichletAllocation(2, random_state=0, max_iter=1).fit(X)


def test_verbose_prints_the_starting_point(capsys):
    X, _ = planted(100, 30, 3, 40)
    quick = {"verbose": 1, "max_iter": 1, "random_state": 0}

    def said(rows, **parameters):
        LatentDirichletAllocation(3, **quick, **parameters).fit(rows)
        return capsys.readouterr().out

    assert "init: random counts" in said(X)
    assert "alpha0 is not used" in said(X, alpha0=0.5)
    assert "init: the given counts" in said(X, init=np.ones((3, 30)))
    printed = said(X, init="spectral", alpha0=0.5)
    assert "init: 3 of 3 topics by the moments of 100 documents" in printed
    assert "alpha0" not in printed
    with pytest.warns(UserWarning, match="no row of `X` sums to 3 or more"):
        short = said(np.eye(30), learning_method="spectral")
    assert "documents of 3 words or more are missing" in short
    assert "determine no more" in said(np.kron(np.eye(2), np.full((3, 15), 2.0)), init="spectral")


def test_spectral_topics_are_left_out_where_memory_does_not_hold_them(monkeypatch):
    from algos._common import memory
    from algos.lda import learners

    X, _ = planted(200, 30, 3, 40)
    monkeypatch.setattr(learners, "FEWEST_PAIRS", 10)
    spectral = LatentDirichletAllocation(3, random_state=0, max_iter=1).fit(X)
    monkeypatch.setattr(memory, "_physical_bytes", lambda: 1e4)
    lda = LatentDirichletAllocation(3, random_state=0, max_iter=1).fit(X)
    random = LatentDirichletAllocation(3, random_state=0, max_iter=1, init="random").fit(X)
    assert lda.components_.tolist() == random.components_.tolist() != spectral.components_.tolist()
    with pytest.raises(MemoryError, match=r"topics over 30 words needs .*init=\"random\""):
        lda.set_params(init="spectral").fit(X)


def test_max_memory_leaves_it_to_em(monkeypatch, capsys):
    from algos._common import memory
    from algos.lda import learners

    X, _ = planted(200, 30, 3, 40)
    monkeypatch.setattr(learners, "FEWEST_PAIRS", 10)
    lda = LatentDirichletAllocation(3, random_state=0, max_iter=8)
    spectral = clone(lda).set_params(max_memory=100).fit(X)
    assert spectral.components_.tolist() == clone(lda).fit(X).components_.tolist()
    capsys.readouterr()
    short = clone(lda).set_params(max_memory=0.001, verbose=1).fit(X)
    printed = capsys.readouterr().out
    assert "init: random" in printed and "all passes are expectation maximisation: CVB0" in printed
    assert "`max_memory`=0.001 is less" in printed and "shortest time" not in printed
    monkeypatch.setattr(memory, "_physical_bytes", lambda: 1e4)
    with pytest.warns(
        UserWarning, match=r"CVB0 would take 0\.\d+ MB.*; raise `max_memory`"
    ) as caught:
        em_alone = clone(lda).set_params(init="random").fit(X)
    assert len(caught) == 1 and caught[0].filename == __file__
    clone(lda).set_params(init="random", max_iter=4).fit(X)  # of EM in any case
    assert short.components_.tolist() == em_alone.components_.tolist()
    assert short.components_.tolist() != spectral.components_.tolist()


@pytest.mark.parametrize("method", ["cvb0", "online"])
def test_documents_gathered_in_each_pass_are_learned_to_the_same_bits(method, monkeypatch):
    from algos.lda import learners, stepwise

    monkeypatch.setattr(stepwise, "BATCH_BYTES", 64 * 20)  # several batches in each pass
    X, _ = planted(200, 30, 3, 40)
    lda = LatentDirichletAllocation(
        3, learning_method=method, init="random", random_state=0, max_iter=8, max_memory=0
    )
    gathered = clone(lda).fit(X)
    monkeypatch.setattr(learners, "_visits_all_at_once", lambda *_: True)
    copied = clone(lda).fit(X)
    assert gathered.components_.tolist() == copied.components_.tolist()


@pytest.mark.parametrize("options", [{"init": "spectral"}, {"learning_method": "spectral"}])
def test_required_spectral_topics_take_no_more_than_max_memory(options):
    X, _ = planted(200, 30, 3, 40)
    lda = LatentDirichletAllocation(3, random_state=0, max_iter=1, max_memory=0.005, **options)
    with pytest.raises(MemoryError, match=r"`max_memory`=0\.005 is less; raise it, or"):
        lda.fit(X)
    lda.set_params(max_memory=10).fit(X)


@pytest.mark.parametrize("bad", [-1, "1 GB", [1.0], np.nan])
def test_max_memory_is_a_number_of_megabytes(bad):
    with pytest.raises(ValueError, match=r"`max_memory`=.* must be a float in \[0, inf\) or None"):
        LatentDirichletAllocation(3, max_memory=bad).fit(np.eye(3))


@pytest.mark.parametrize("name", ["doc_topic_prior", "topic_word_prior"])
def test_a_stream_refuses_a_prior_of_a_wrong_length_and_goes_on(name):
    X = planted(60, 30, 3, 20)[0]
    model = LatentDirichletAllocation(3, random_state=0).partial_fit(X)
    before = model.components_.copy()
    with pytest.raises(ValueError, match=rf"`{name}` of shape \(7,\) must be"):
        model.set_params(**{name: np.full(7, 0.1)}).partial_fit(X)
    np.testing.assert_array_equal(model.components_, before)
    assert model.n_samples_seen_ == 60
    assert model.set_params(**{name: None}).partial_fit(X).n_samples_seen_ == 120


@pytest.mark.parametrize("asking", [{"evaluate_every": 1, "perp_tol": 0}, {"verbose": 1}])
def test_the_perplexity_of_every_pass_is_recorded_on_request_and_changes_nothing(asking):
    X = planted(60, 30, 3, 20)[0]
    lda = LatentDirichletAllocation(3, max_iter=9, random_state=0).fit(X)
    asked = clone(lda).set_params(**asking).fit(X)
    np.testing.assert_array_equal(asked.components_, lda.components_)
    assert asked.bound_ == lda.bound_ == lda.history_["objective"][-1]
    found, every = lda.history_["objective"], asked.history_["objective"]
    assert np.all(np.isfinite(every)) and 0 < np.isnan(found).sum() < len(found)
    np.testing.assert_array_equal(every[~np.isnan(found)], found[~np.isnan(found)])


def test_a_perplexity_that_changes_direction_has_not_settled():
    settings = Settings(3, 3, np.ones(3), np.ones(3, np.float32), evaluate_every=1, perp_tol=0.5)
    stopper = PerplexityStopper(lambda *_: False, settings, is_monotone=False)
    losses = [1300.0, 1310.0, 1310.3, 1310.1, 1308.0, 1304.0, 1303.8, 1303.9, 1303.7, 1303.6]
    assert [stopper(lambda: None, loss) for loss in losses] == [False] * 9 + [True]


def test_a_sparse_prior_of_words_is_refused_with_the_way_out():
    prior = sparse.csr_array(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"sparse.*topic_word_prior.toarray\(\)"):
        LatentDirichletAllocation(2, topic_word_prior=prior).fit(np.ones((5, 4)))


@pytest.mark.parametrize(
    ("name", "ours"),
    [("num_topics", "n_components"), ("k", "n_components"), ("alpha", "doc_topic_prior"),
     ("passes", "max_iter"), ("workers", "n_jobs")],
)  # fmt: skip
def test_names_of_other_libraries_advise_ours(name, ours):
    with pytest.raises(TypeError, match=f"has no parameter '{name}'; write {ours}"):
        LatentDirichletAllocation(**{name: 5})


def test_foreign_names_are_not_parameters():
    assert not FOREIGN_NAMES.keys() & LatentDirichletAllocation().get_params().keys()


def test_priors_are_searched():
    space = LatentDirichletAllocation().search_space()
    assert {"n_components", "doc_topic_prior", "topic_word_prior"} == set(space)
    assert "alpha0" in LatentDirichletAllocation(learning_method="spectral").search_space()
