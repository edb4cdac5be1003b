"""Online learning: the result depends on the documents, not on how they are split into calls."""

import copy

import numpy as np
import pytest

from algos import LatentDirichletAllocation
from algos._common.random import seed_key
from algos.lda import seen_documents, streams
from algos.lda.documents import Documents
from algos.lda.parameters import Settings, document_prior, word_prior
from algos.lda.variational import random_topics, step_size
from tests.lda.data import planted

KEY = seed_key(0)
PARAMETERS = {"n_components": 6, "random_state": 0, "total_samples": 3000}


def settings_of(n_words, **others):
    priors = document_prior(None, 6), word_prior(None, 6, n_words)
    return Settings(6, n_words, *priors, **{"total_samples": 3000.0} | others)


def streamed(X, size, **others):
    lda = LatentDirichletAllocation(**PARAMETERS | others)
    for start in range(0, X.shape[0], size):
        lda.partial_fit(X[start : start + size])
    return lda


def test_steps_cover_a_call_and_grow_to_whole_batches():
    steps = list(streams.likely_steps(5000, 0, settings_of(10)))
    sizes = [stop - start for start, stop, _ in steps]
    assert [start for start, _, _ in steps[1:]] == [stop for _, stop, _ in steps[:-1]]
    assert (steps[0][0], steps[-1][1]) == (0, 5000)
    assert sizes[0] == streams.FIRST and max(sizes) == 128
    assert sizes[:-1] == sorted(sizes[:-1])
    later = list(streams.likely_steps(500, 10_000, settings_of(10)))
    assert [stop - start for start, stop, _ in later] == [128, 128, 128, 116]


def test_parts_of_a_batch_weigh_as_much_as_the_whole():
    """To a change of the rate within the batch."""
    settings = settings_of(10)
    seen = 128 * 50
    [(_, _, whole)] = streams.likely_steps(128, seen, settings)
    assert whole == pytest.approx(step_size(settings, 51))
    for size in (1, 16, 64):
        kept = 1.0
        for start in range(0, 128, size):
            [(_, _, weight)] = streams.likely_steps(size, seen + start, settings)
            kept *= 1 - weight
        assert 1 - kept == pytest.approx(whole, rel=0.02)


def test_variational_steps_are_scikit_learns():
    settings = settings_of(10, batch_size=100)
    steps = list(streams._steps_of(250, 3, settings))
    assert [step[:2] for step in steps] == [(0, 100), (100, 200), (200, 250)]
    assert [step[2] for step in steps] == [step_size(settings, n) for n in (3, 4, 5)]


def test_two_calls_learn_what_one_does():
    X, _ = planted(400, 40, 6, 30)
    documents, settings = Documents.of(X, "test"), settings_of(40)
    begin = streams.State(random_topics(settings, KEY), 0.0, 0.0, 1)

    def followed(state, start, stop):
        return streams.follow(
            documents.part(start, stop), state, settings, 1, n_seen=start, is_variational=False,
            report=lambda number: None,
        )  # fmt: skip

    once = followed(begin, 0, 400)
    cut = next(stop for _, stop, _ in streams.likely_steps(400, 0, settings) if stop > 150)
    twice = followed(followed(begin, 0, cut), cut, 400)
    assert twice[1:] == pytest.approx(once[1:])
    np.testing.assert_allclose(twice.topics, once.topics, rtol=1e-2, atol=0.1)


def test_calls_of_any_size_learn_about_as_much():
    X, _ = planted(3300, 200, 6, 40)
    X, new = X[:3000], X[3000:]
    fitted = LatentDirichletAllocation(**PARAMETERS).fit(X).perplexity(new, held_out=0.5)
    values = [streamed(X, size).perplexity(new, held_out=0.5) for size in (10, 100, 600, 3000)]
    assert max(values) < 1.1 * fitted, (values, fitted)


def test_few_documents_in_one_call_are_not_learned_in_a_few_slow_steps():
    """With one step for 128 documents each perplexity was half as large again as that of a fit."""
    X, _ = planted(700, 200, 6, 40)
    X, new = X[:400], X[400:]
    fitted = LatentDirichletAllocation(**PARAMETERS).fit(X).perplexity(new, held_out=0.5)
    for size in (100, 400):
        assert streamed(X, size).perplexity(new, held_out=0.5) < 1.3 * fitted


@pytest.mark.parametrize("method", ["cvb0", "batch"])
def test_what_copies_have_learned_before_they_parted_counts_once(method):
    X, _ = planted(2000, 40, 6, 30)
    base = LatentDirichletAllocation(**PARAMETERS, learning_method=method).fit(X[:800])
    one, two = copy.deepcopy(base), copy.deepcopy(base)
    one.partial_fit(X[800:1200])
    for start in range(1200, 2000, 200):
        two.partial_fit(X[start : start + 200])
    merged = copy.deepcopy(one).merge(two)
    assert merged.n_samples_seen_ == 2000
    tokens = merged.components_.sum() - merged.components_.size / 6
    assert tokens == pytest.approx(X.sum(), rel=0.05)
    other = copy.deepcopy(two).merge(one)
    totals = np.sort(other.components_.sum(axis=1))
    np.testing.assert_allclose(np.sort(merged.components_.sum(axis=1)), totals, rtol=1e-3)
    again = merged.components_.copy()
    np.testing.assert_allclose(merged.merge(two).components_, again, rtol=1e-4)
    np.testing.assert_allclose(merged.merge(base).components_, again, rtol=1e-4)
    assert merged.n_samples_seen_ == 2000
    same = copy.deepcopy(merged).merge(copy.deepcopy(merged))
    assert same.n_samples_seen_ == 2000
    np.testing.assert_allclose(same.components_, again, rtol=1e-4)
    with pytest.raises(ValueError, match="rows count once however often it is merged"):
        merged.merge(merged)


def test_models_of_other_documents_have_nothing_in_common():
    X, _ = planted(600, 40, 6, 30)
    one, two = (LatentDirichletAllocation(**PARAMETERS).partial_fit(X[rows]) for rows in
                (slice(0, 200), slice(200, 600)))  # fmt: skip
    assert one.merge(two).n_samples_seen_ == 600


def test_marks_are_few_however_long_the_past():
    def learned(before, numbers):
        for number in numbers:
            before = seen_documents.after(before, KEY, np.array([number], dtype=np.uint64))
        return before

    common = learned(seen_documents.NOTHING, range(2000))
    assert len(common) <= seen_documents.MOST
    assert seen_documents.n_common(common, common) == 2000
    one, two = learned(common, range(5000, 5300)), learned(common, range(7000, 7010))
    assert 1000 <= seen_documents.n_common(one, two) <= 2000
    assert seen_documents.n_common(one, learned(seen_documents.NOTHING, range(1, 300))) == 0
    both = seen_documents.joined(one, two, 2310)
    assert seen_documents.n_common(both, two) == 2010
    assert seen_documents.n_common(both, one) == 2300


@pytest.mark.parametrize(
    ("name", "then", "now"),
    [
        ("doc_topic_prior", None, 0.7),
        ("doc_topic_prior", "auto", 0.7),
        ("doc_topic_prior", 0.7, None),
        ("topic_word_prior", 0.7, None),
        ("doc_topic_prior", 0.2, np.linspace(0.1, 0.6, 6)),
        ("topic_word_prior", None, 0.7),
        ("topic_word_prior", 0.2, np.linspace(0.1, 0.6, 40)),
        ("topic_word_prior", np.full((6, 40), 0.2), np.full((6, 40), 0.3)),
    ],
)
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_a_stream_refuses_priors_that_it_was_not_learned_by(name, then, now, learn):
    X, _ = planted(100, 40, 6, 30)
    model = LatentDirichletAllocation(**PARAMETERS, **{name: then})
    getattr(model, learn)(X)
    before = model.components_.copy()
    with pytest.raises(ValueError, match=rf"`{name}`=.* must be .*; set it back, or call `fit`"):
        model.set_params(**{name: now}).partial_fit(X)
    np.testing.assert_array_equal(model.components_, before)
    model.set_params(**{name: then}).partial_fit(X)


def test_priors_of_the_same_numbers_are_the_same():
    X, _ = planted(100, 40, 6, 30)
    model = LatentDirichletAllocation(**PARAMETERS).fit(X)
    plain = copy.deepcopy(model).partial_fit(X).partial_fit(X).partial_fit(X)
    same = {"doc_topic_prior": np.full(6, 1 / 6), "topic_word_prior": np.full(40, 1 / 6)}
    model.set_params(**same).partial_fit(X)
    model.set_params(doc_topic_prior=1 / 6, topic_word_prior=np.full((6, 40), 1 / 6)).partial_fit(X)
    model.set_params(doc_topic_prior="auto", topic_word_prior=None).partial_fit(X)
    np.testing.assert_array_equal(model.components_, plain.components_)


def test_a_given_prior_of_documents_stays_when_models_are_merged():
    X, _ = planted(200, 40, 6, 30)
    given = np.linspace(0.1, 0.6, 6)
    one, two = (
        LatentDirichletAllocation(**PARAMETERS, doc_topic_prior=given).fit(part)
        for part in (X[:100], X[100:])
    )
    np.testing.assert_array_equal(one.merge(two).doc_topic_prior_, given)
    one.partial_fit(X)


@pytest.mark.parametrize("name", ["topic_word_prior", "doc_topic_prior"])
def test_models_of_other_priors_are_not_merged(name):
    X, _ = planted(200, 40, 6, 30)
    one = LatentDirichletAllocation(**PARAMETERS, **{name: 0.2}).fit(X[:100])
    two = LatentDirichletAllocation(**PARAMETERS, **{name: 0.3}).fit(X[100:])
    two.set_params(**{name: 0.2})
    with pytest.raises(ValueError, match=rf"`{name}_`=0\.3 of the other .* must be 0\.2"):
        one.merge(two)


def test_a_batch_stands_for_the_documents_seen_by_default():
    auto, given = settings_of(10, total_samples=None), settings_of(10)
    assert streams.total_of(given, 70, 0.5) == 3000
    assert streams.total_of(auto, 70, 1.0) == 70
    assert streams.total_of(auto, 70, 0.0) == 70 + streams.IMAGINED
    assert streams.total_of(auto, 70, 0.9) == pytest.approx(70 + streams.IMAGINED / 10)


@pytest.mark.parametrize("method", ["cvb0", "batch"])
def test_a_fit_goes_on_with_the_number_of_its_documents(method):
    """With a million, one document made the perplexity of new ones half as large again."""
    X, _ = planted(800, 400, 6, 40)
    X, new = X[:600], X[600:]
    fitted = LatentDirichletAllocation(6, random_state=0, learning_method=method).fit(X[:599])
    before = fitted.perplexity(new, held_out=0.5)
    given = copy.deepcopy(fitted).set_params(total_samples=600)
    fitted.partial_fit(X[599:])
    assert fitted.perplexity(new, held_out=0.5) < 1.05 * before
    np.testing.assert_array_equal(fitted.components_, given.partial_fit(X[599:]).components_)


@pytest.mark.parametrize("method", ["cvb0", "batch"])
def test_a_stream_from_nothing_does_not_keep_its_random_start(method):
    X, _ = planted(800, 400, 6, 40)
    X, new = X[:600], X[600:]

    def reached(total_of_call):
        lda = LatentDirichletAllocation(6, random_state=0, learning_method=method)
        for start in range(0, 600, 20):
            lda.set_params(total_samples=total_of_call(start + 20))
            lda.partial_fit(X[start : start + 20])
        return lda.perplexity(new, held_out=0.5)

    auto, seen = reached(lambda n_seen: "auto"), reached(lambda n_seen: n_seen)
    assert auto < 0.95 * seen
    assert auto < 1.1 * reached(lambda n_seen: 600)


@pytest.mark.parametrize("method", ["cvb0", "batch"])
def test_fewer_documents_than_there_are_is_warned_of(method):
    X, _ = planted(200, 40, 6, 30)
    lda = LatentDirichletAllocation(6, random_state=0, learning_method=method, total_samples=150)
    with pytest.warns(UserWarning, match=r"`total_samples`=150 is less than the 200 documents"):
        copy.deepcopy(lda).partial_fit(X)
    for start in (0, 50, 100, 0, 50, 100):  # twice all of them
        lda.partial_fit(X[start : start + 50])
    with pytest.warns(UserWarning, match=r"`total_samples`=150 is less than the 200 documents"):
        lda.fit(X).partial_fit(X[:10])
