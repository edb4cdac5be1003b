"""The measures of topics against cases computed by hand, and the corpora they are of."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from benchmarks import recommenders, topics
from benchmarks.cases import lda, topic_data
from benchmarks.peers import topic_models


def test_parts_are_tenths_and_the_same_each_time():
    part = topics.parts(1000, 3)
    assert part.shape == (3, 1000)
    np.testing.assert_array_equal(
        [np.bincount(of_split) for of_split in part], [[800, 100, 100]] * 3
    )
    np.testing.assert_array_equal(part, topics.parts(1000, 3))
    assert (part[0] != part[1]).any()


@pytest.mark.parametrize(("n_docs", "n_used"), [(100, 5), (395, 3), (500, 2), (1000, 1)])
def test_settings_of_few_documents_are_chosen_on_several_splits(n_docs, n_used):
    part = topics.parts(n_docs, 5)
    np.testing.assert_array_equal(topics.splits_that_choose(part), part[:n_used])


def test_every_token_goes_to_one_half():
    X = sparse.csr_array(np.random.default_rng(0).poisson(3.0, size=(20, 30)))
    seen, held = topics.halves(X, seed=1)
    np.testing.assert_array_equal((seen + held).toarray(), X.toarray())
    assert 0.4 < seen.sum() / X.sum() < 0.6
    np.testing.assert_array_equal(topics.halves(X, seed=1)[0].toarray(), seen.toarray())


def test_completion_of_one_topic_is_the_likelihood_of_its_words():
    topic = np.array([[2.0, 1.0, 1.0]])  # need not be normalised
    seen, held = sparse.csr_array([[1, 0, 0]]), sparse.csr_array([[3, 1, 0]])
    expected = (3 * np.log(0.5) + np.log(0.25)) / 4
    assert topics.completion(topic, seen, held) == pytest.approx(expected, rel=1e-6)


def test_completion_takes_the_mixture_that_the_seen_words_tell():
    two = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    seen, held = sparse.csr_array([[10, 0, 0, 0]]), sparse.csr_array([[0, 4, 0, 0]])
    share = (10 + topics.PRIOR) / (10 + 2 * topics.PRIOR)  # the fixed point of the steps
    assert topics.completion(two, seen, held) == pytest.approx(np.log(share / 2), rel=1e-5)


def test_completion_of_a_document_without_seen_words_takes_the_mean_of_topics():
    two = np.array([[1.0, 0.0], [0.0, 1.0]])
    seen, held = sparse.csr_array((1, 2), dtype=int), sparse.csr_array([[1, 1]])
    assert topics.completion(two, seen, held) == pytest.approx(np.log(0.5), rel=1e-6)


def test_completion_is_finite_for_words_that_no_topic_has():
    seen, held = sparse.csr_array([[1, 0]]), sparse.csr_array([[0, 1]])
    assert topics.completion(np.array([[1.0, 0.0]]), seen, held) == pytest.approx(
        np.log(topics.FLOOR), rel=1e-4
    )


def test_true_topics_foretell_better_than_others():
    arrays = topic_data.planted(1, 400, n_words=60, n_topics=3)
    seen, held = topics.halves(arrays["X"], seed=0)
    others = np.random.default_rng(0).dirichlet(np.ones(60), size=3)
    true = topics.completion(arrays["truth"], seen, held)
    assert true > topics.completion(others, seen, held) + 0.3


def test_npmi_of_words_that_always_and_never_meet():
    X = sparse.csr_array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 5]])
    assert topics.npmi(np.array([[3.0, 2.0, 1.0]]), X, n_words=2) == pytest.approx(1.0)
    assert topics.npmi(np.array([[3.0, 1.0, 2.0]]), X, n_words=2) == pytest.approx(-1.0)


def test_npmi_by_the_formula():
    X = sparse.csr_array([[1, 1], [1, 0], [0, 1], [0, 0]])
    assert topics.npmi(np.array([[1.0, 1.0]]), X, n_words=2) == pytest.approx(0.0)


def test_variations_do_not_hang_on_the_order_of_topics():
    truth = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = np.array([[0.0, 0.0, 9.0], [0.8, 0.0, 0.2], [0.0, 3.0, 0.0]])
    np.testing.assert_allclose(topics.variations(found, truth), [0.2, 0.0, 0.0], atol=1e-12)


def test_overlap_of_matched_topics():
    one = np.array([[9.0, 8, 1, 0, 0, 0], [0, 0, 0, 1, 8, 9]])
    assert topics.overlap(one, one[::-1], n_words=2) == 1.0
    other = np.array([[0, 0, 0, 8.0, 1, 9], [9, 8, 1, 0, 0, 0]])
    assert topics.overlap(one, other, n_words=2) == pytest.approx((1 + 1 / 3) / 2)
    assert topics.stability([one, one, one]) == 1.0


def test_seconds_to_a_level_of_a_curve():
    seconds, values = [1.0, 10.0, 100.0], [-9.0, -8.0, -7.0]
    assert topics.seconds_to(-9.5, seconds, values) == 1.0
    assert topics.seconds_to(-8.0, seconds, values) == pytest.approx(10.0)
    assert topics.seconds_to(-7.5, seconds, values) == pytest.approx(10**1.5)
    assert topics.seconds_to(-6.0, seconds, values) is None


def test_bars_are_the_rows_and_columns_of_a_square():
    bars = topic_data.bar_topics().reshape(10, 5, 5)
    np.testing.assert_allclose(bars.sum(axis=(1, 2)), 1.0)
    for i in range(5):
        np.testing.assert_allclose(bars[i, i, :], 0.2)
        np.testing.assert_allclose(bars[5 + i, :, i], 0.2)


def test_drawn_documents_have_the_tokens_asked_for(monkeypatch):
    monkeypatch.setattr(topic_data, "_DRAWN_AT_ONCE", 100)  # several blocks
    truth = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    lengths = np.array([30, 80, 0, 150, 20])
    mixtures = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])
    X = topic_data.drawn(np.random.default_rng(0), truth, mixtures, lengths)
    np.testing.assert_array_equal(X.sum(axis=1), lengths)
    np.testing.assert_array_equal(X[[0, 4]].toarray()[:, 2], 0)
    assert X[[1]].toarray()[0].tolist() == [0, 0, 80]
    assert X.has_canonical_format and X.data.dtype == np.int32


def test_zipf_words_fall_in_frequency_as_the_law_has_it():
    arrays = topic_data.zipf(500, n_words=5000)
    counts = arrays["X"].sum(axis=0)
    shares = counts[:1000].reshape(4, -1).sum(axis=1) / counts.sum()
    assert (np.diff(shares) < 0).all() and 0.6 < shares.sum() < 0.9
    assert arrays["X"].sum() / arrays["X"].shape[0] == pytest.approx(200, rel=0.1)


def test_curves_sum_the_time_of_steps_and_not_that_of_fits(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = clock.process_time = lambda: clock.now
    monkeypatch.setattr(topic_models, "time", clock)

    class Steps(topic_models.TopicModels):
        def learn_counts(self, documents, model, passes):
            yield None
            for number in passes:
                clock.now += number
                yield lambda number=number: np.full((1, 2), number)

    def walls(anew):
        peer = Steps()
        peer.anew = anew
        return [
            point.wall for point in peer.curve(None, topic_models.Model(1, None, 0, 1), [1, 2, 3])
        ]

    assert walls(anew=False) == [1, 3, 6]
    assert walls(anew=True) == [1, 2, 3]


def test_settings_say_what_they_are():
    assert str(topics.Setting(0.1, 0.01)) == "α 0.1, η 0.01"
    assert str(topics.Setting(None, 0.01, "online")) == "α default, η 0.01, online"


class OneStep(topic_models.TopicModels):
    """Topics of equal chances but for the first word, which the setting weighs."""

    title, passes, enough = "one step", (1, 2), 4
    settings = (topics.Setting(0.1, 100.0), topics.Setting(0.1, 1.0))

    def version(self):
        return "1"

    def learn_counts(self, documents, model, passes):
        yield None
        for _ in passes:
            found = np.ones((model.n_topics, documents.shape[1]))
            found[:, 0] = model.setting.eta
            yield lambda found=found: found


@pytest.fixture
def peer(monkeypatch, tmp_path):
    monkeypatch.setattr(recommenders, "_CHOSEN", tmp_path / "settings.json")
    return OneStep()


def corpus():
    X = sparse.csr_array(np.random.default_rng(0).poisson(1.0, size=(100, 12)))
    return {"X": X, "part": topics.parts(100, 2)}


def test_the_setting_that_foretells_validation_documents_is_taken(peer):
    outcome = peer.lda_curve(**corpus(), n_topics=3, n_jobs=1, times=5)()
    assert outcome["note"] == "α 0.1, η 1, 10 passes"
    assert len(outcome["topics"]) == len(outcome["seconds"]) == 2


def test_curves_and_values_are_judged(peer):
    arrays = corpus()
    curve = lda.of_curve(peer.lda_curve(**arrays, n_topics=3, n_jobs=1)(), arrays, "reuters395")
    value = lda.of_value(peer.lda_value(**arrays, n_topics=3, n_jobs=1, n_seeds=2)(), arrays)
    assert curve["LL"] == pytest.approx(np.log(1 / 12), rel=1e-4)
    assert value["LL"] == pytest.approx(np.log(1 / 12), rel=1e-4)
    assert value["LL ±"] == pytest.approx(0.0) and value["same words"] == 1.0


def test_planted_topics_are_judged(peer):
    X = corpus()["X"]
    found = lda.of_planted(peer.lda_planted(X, n_topics=2, n_jobs=1)(), {"truth": np.eye(2, 12)})
    assert found["lost"] == 1  # the first word has nearly all; nothing is near the second
