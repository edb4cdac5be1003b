"""Grades of scores, against their definition in numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

from algos.random_cut_forest.threshold import Grading


def plain_grades(scores, decay, z, most_skew, least, n_initial, n_young, narrowest):
    """Grade scores as the kernel should, from weighted sums over all that came before."""
    cut, grades = np.empty(0), []
    for score in scores:
        age, number = np.arange(len(cut))[::-1], np.arange(1, len(cut) + 1)
        weights = np.exp(-decay * age) * np.minimum(number / n_young, 1) ** 2
        mean = np.average(cut, weights=weights) if len(cut) else 0.0
        deviation = np.sqrt(np.average((cut - mean) ** 2, weights=weights)) if len(cut) else 0.0
        reach = usual_reach = z * deviation
        if deviation > 1e-9:
            skew = np.average((cut - mean) ** 3, weights=weights) / deviation**3
            reach += deviation * np.clip(skew, 0, most_skew) * (z**2 - 1) / 6
        limit = np.inf if len(cut) < n_initial else max(least, mean + reach)
        over = max(score - limit, 0)
        grades.append(0.0 if over == 0 else min(over / max(narrowest, limit - mean), 1))
        most = max(least, mean + usual_reach) + max(narrowest, usual_reach)
        most = np.inf if len(cut) < n_initial else most
        cut = np.append(cut, min(score, most))
    return np.array(grades)


@settings(deadline=None, max_examples=60)
@given(
    npst.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 5)),
    st.sampled_from([0.0, 0.1]),
)
def test_grades_are_those_of_the_definition(scores, decay):
    settings_ = (decay, 3.0, 2.0, 0.8, 10, 16, 0.05)
    found, _ = Grading(*settings_).graded(scores, None)
    np.testing.assert_allclose(found, plain_grades(scores, *settings_), atol=1e-6)
    assert np.all((found >= 0) & (found <= 1))


def test_grading_in_blocks_is_grading_at_once():
    scores = np.random.default_rng(0).gamma(5.0, size=300)
    grading = Grading(0.01)
    whole, after = grading.graded(scores, None)
    usual, parts = None, []
    for start in range(0, 300, 7):
        grades, usual = grading.graded(scores[start : start + 7], usual)
        parts.append(grades)
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(usual, after)


def test_scores_that_were_all_alike_do_not_fix_the_threshold():
    rng = np.random.default_rng(0)
    scores = np.append(np.full(3000, 1.0), rng.normal(2, 0.3, size=10_000))
    grades, _ = Grading(0.0).graded(scores, None)
    assert np.mean(grades[3500:] > 0) < 0.02


def test_a_score_just_above_the_least_threshold_has_a_small_grade():
    grades, _ = Grading(0.0).graded(np.append(np.full(100, 0.5), 0.81), None)
    assert 0.03 < grades[-1] < 0.04


def test_the_first_scores_are_not_graded():
    grades, _ = Grading(0.0).graded(np.array([1.4] * 10 + [3.5]), None)
    assert grades.tolist() == [0.0] * 10 + [1.0]


def test_high_scores_of_a_small_forest_do_not_raise_the_threshold_for_long():
    rng = np.random.default_rng(0)
    scores = rng.normal(0.7, 0.1, size=1000)
    young = scores.copy()
    young[:60] += np.linspace(2, 0.5, 60)
    _, usual = Grading(0.0).graded(scores, None)
    _, after = Grading(0.0).graded(young, None)
    assert Grading(0.0).threshold(after) < 1.25 * Grading(0.0).threshold(usual)


@pytest.mark.parametrize("law", ["normal", "gamma", "exponential"])
def test_few_scores_are_graded_whatever_their_law(law):
    rng = np.random.default_rng(0)
    scores = {
        "normal": rng.normal(1, 0.05, size=50_000),
        "gamma": 1 + rng.gamma(2, size=50_000),
        "exponential": 1 + rng.exponential(size=50_000),
    }[law]
    grades, _ = Grading(1e-5).graded(scores, None)
    assert 0.0005 < np.mean(grades[1000:] > 0) < 0.006


def test_no_score_below_the_least_threshold_is_an_anomaly():
    scores = np.random.default_rng(0).normal(0.3, 1e-3, size=200)
    scores[150] = 0.7
    grades, _ = Grading(0.0).graded(scores, None)
    assert not grades.any()
