"""Offsets and grades: what they are, and what noise does to them."""

import numpy as np
import pytest

from algos import RandomCutForest
from algos.random_cut_forest.threshold import RULE_ROWS, Grading, held_rows, score_limit


@pytest.mark.parametrize("d", [1, 3])
def test_a_clean_stream_has_few_grades_and_a_clean_batch_few_anomalies(d):
    X = np.random.default_rng(0).normal(size=(6000, d))
    forest = RandomCutForest(30, random_state=0)
    _, grades = forest.score_partial_fit(X, return_grade=True)
    assert np.mean(grades > 0) < 0.01
    assert np.mean(forest.fit(X).predict(X) == -1) < 0.06


def test_auto_is_at_least_three_sigma_or_1():
    scores = np.append(np.full(900, 0.5), np.linspace(0.6, 0.9, 100))
    assert score_limit(scores, "auto") == score_limit(scores, "three_sigma")
    scores = np.append(np.full(900, 0.5), np.linspace(0.6, 4.0, 100))
    assert score_limit(scores, "three_sigma") > 1
    assert score_limit(scores, "auto") == 1


def test_a_burst_of_high_scores_does_not_hide_the_next():
    scores = np.random.default_rng(0).normal(1.0, 0.05, size=600)
    scores[300:310] = 8.0
    scores[350] = 3.0
    grades, _ = Grading(1e-3).graded(scores, None)
    assert np.all(grades[300:310] == 1)
    assert grades[350] == 1
    assert np.mean(grades[320:350] > 0) < 0.05


def test_three_sigma_is_the_mean_and_three_deviations():
    scores = np.random.default_rng(0).gamma(2.0, size=500)
    assert score_limit(scores, "three_sigma") == pytest.approx(scores.mean() + 3 * scores.std())


def test_auto_is_three_sigma_where_scores_are_normal_and_anomalies_do_not_move_it():
    scores = np.random.default_rng(0).normal(1.0, 0.1, size=20_000)
    clean = score_limit(scores, "auto")
    assert clean == pytest.approx(score_limit(scores, "three_sigma"), rel=0.01)
    scores[:1000] = 50.0
    assert score_limit(scores, "auto") == pytest.approx(clean, rel=0.05)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_a_contamination_is_the_share_of_anomalies_in_training(share):
    X = np.random.default_rng(0).normal(size=(1000, 3))
    forest = RandomCutForest(20, contamination=share, random_state=0).fit(X)
    assert np.mean(forest.predict(X) == -1) == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize("rule", ["auto", "three_sigma"])
def test_a_rule_finds_the_anomalies_and_few_others(rule):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 3))
    far = rng.normal(size=(100, 3)) + 12
    forest = RandomCutForest(50, contamination=rule, random_state=0).fit(X)
    assert np.all(forest.predict(far) == -1)
    assert np.mean(forest.predict(X) == -1) < 0.06


def test_the_offset_is_made_anew_after_more_rows():
    rng = np.random.default_rng(0)
    forest = RandomCutForest(20, contamination="three_sigma", random_state=0)
    before = forest.fit(rng.normal(size=(500, 2))).offset_
    forest.partial_fit(rng.exponential(size=(3000, 2)) ** 3)
    assert forest.offset_ != before


def test_contamination_may_be_changed_after_partial_fit():
    rng = np.random.default_rng(0)
    forest = RandomCutForest(20, random_state=0).partial_fit(rng.normal(size=(500, 2)))
    forest.set_params(contamination=0.25)
    held = rng.normal(size=(2000, 2))
    assert 0.1 < np.mean(forest.predict(held) == -1) < 0.4


def test_the_threshold_is_that_of_the_next_row():
    rng = np.random.default_rng(0)
    forest = RandomCutForest(30, random_state=0)
    with pytest.raises(AttributeError, match="score_partial_fit"):
        forest.threshold_  # noqa: B018
    forest.score_partial_fit(rng.normal(size=(1000, 2)))
    threshold = forest.threshold_
    scores, grades = forest.score_partial_fit(np.array([[9.0, 9.0]]), return_grade=True)
    assert scores[0] > threshold
    assert grades[0] > 0


def test_another_score_has_a_threshold_of_its_own():
    rng = np.random.default_rng(0)
    forest = RandomCutForest(30, random_state=0)
    forest.score_partial_fit(rng.normal(size=(1000, 2)))
    forest.set_params(score_method="displacement")
    with pytest.raises(AttributeError, match="by 'displacement'"):
        forest.threshold_  # noqa: B018
    forest.score_partial_fit(rng.normal(size=(1000, 2)))
    assert forest.threshold_ > 3


def held_by(forest):
    return held_rows(forest._held().forest)


def test_the_offset_rests_on_many_rows_where_trees_hold_few():
    X = np.random.default_rng(0).normal(size=(1000, 2))
    with pytest.warns(UserWarning, match="disjoint_samples"):
        forest = RandomCutForest(50, disjoint_samples=True, random_state=0).fit(X)
    assert len(held_by(forest)) == 1000
    whole = RandomCutForest(50, random_state=0).fit(X[:200])
    assert len(held_by(whole)) == 200  # which every tree holds
    assert len(held_by(whole.forget(X[:150]))) == RULE_ROWS
    sampled = RandomCutForest(50, random_state=0).fit(X)
    assert len(held_by(sampled.forget(X[:40]))) == RULE_ROWS
