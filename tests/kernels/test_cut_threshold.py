"""Grades of scores, against their definition in numpy."""

import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

from algos.random_cut_forest.threshold import Grading


def plain_grades(scores, decay, z_factor, least, initial, n_initial):
    """Grade scores as the kernel should, from weighted sums over all that came before."""
    cut, grades = np.empty(0), []
    for score in scores:
        weights = np.exp(-decay * np.arange(len(cut))[::-1])
        mean = np.average(cut, weights=weights) if len(cut) else 0.0
        deviation = np.sqrt(np.average((cut - mean) ** 2, weights=weights)) if len(cut) else 0.0
        limit, width = max(least, mean + z_factor * deviation), z_factor * deviation
        if len(cut) < n_initial:
            limit, width = initial, max(width, initial)
        over = max(score - limit, 0)
        grades.append(0.0 if over == 0 else min(over / width, 1) if width else 1.0)
        cut = np.append(cut, min(score, limit + width))
    return np.array(grades)


@settings(deadline=None, max_examples=60)
@given(
    npst.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 5)),
    st.sampled_from([0.0, 0.1]),
)
def test_grades_are_those_of_the_definition(scores, decay):
    settings_ = (decay, 3.0, 0.8, 1.5, 10)
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


def test_the_first_scores_are_held_against_a_fixed_threshold():
    grades, _ = Grading(0.0).graded(np.array([1.4, 1.4, 3.5]), None)
    assert grades.tolist() == [0.0, 0.0, 1.0]


def test_no_score_below_the_least_threshold_is_an_anomaly():
    scores = np.random.default_rng(0).normal(0.3, 1e-3, size=200)
    scores[150] = 0.7
    grades, _ = Grading(0.0).graded(scores, None)
    assert not grades.any()
