"""Threshold calibration against every threshold tried one by one."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from algos.linear_learner.threshold import CRITERIA, Criterion, ThresholdCurve

CALIBRATED = CRITERIA[1:]


def measures(decision, target, weight, threshold, beta):
    """Return accuracy, F score, precision and recall of what one threshold predicts."""
    above, positive = decision > threshold, target > 0
    hits, alarms = weight[above & positive].sum(), weight[above & ~positive].sum()
    missed = weight[~above & positive].sum()
    accuracy = weight[above == positive].sum() / weight.sum()
    precision = hits / (hits + alarms) if hits + alarms > 0 else 0.0
    f_beta = (1 + beta**2) * hits / ((1 + beta**2) * hits + beta**2 * missed + alarms)
    return accuracy, f_beta, precision, hits / (hits + missed)


def best_by_trial(decision, target, weight, asked):
    """Return the highest score that any threshold reaches."""
    values = np.unique(decision)
    trials = [values[0] - 1, *((values[1:] + values[:-1]) / 2), values[-1] + 1]
    best = -np.inf
    for threshold in trials:
        accuracy, f_beta, precision, recall = measures(
            decision, target, weight, threshold, asked.beta
        )
        score = {
            "accuracy": accuracy,
            "f_beta": f_beta,
            "precision_at_target_recall": precision if recall >= asked.recall - 1e-12 else -2.0,
            "recall_at_target_precision": (
                recall
                if precision >= asked.precision - 1e-12
                else min(precision - asked.precision, -1e-12)
            ),
        }[asked.name]
        best = max(best, score)
    return best


rows = st.integers(2, 12).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=st.integers(-4, 4).map(float)),
        arrays(np.float64, n, elements=st.sampled_from([-1.0, 1.0])),
        arrays(np.float64, n, elements=st.integers(1, 3).map(float)),
    )
)


@pytest.mark.parametrize("criterion", CALIBRATED)
@settings(max_examples=60, deadline=None)
@given(rows=rows, beta=st.sampled_from([0.5, 1.0, 2.0]), share=st.sampled_from([0.3, 0.8, 0.99]))
def test_no_threshold_is_better(criterion, rows, beta, share):
    decision, target, weight = rows
    if not (target > 0).any():
        target = -target
    asked = Criterion(criterion, beta, share, share)
    curve = ThresholdCurve(decision, target, weight)
    place, score = curve.best(asked)
    assert score == pytest.approx(best_by_trial(decision, target, weight, asked), abs=1e-9)
    found = measures(decision, target, weight, curve.thresholds[place], beta)
    table = (curve.accuracy, curve.f_beta(beta), curve.precision, curve.recall)
    np.testing.assert_allclose([column[place] for column in table], found, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(rows=rows)
def test_the_area_is_that_of_every_pair(rows):
    decision, target, weight = rows
    area = ThresholdCurve(decision, target, weight).roc_auc()
    if len(np.unique(target)) < 2:
        assert np.isnan(area)
    else:
        expected = roc_auc_score(target > 0, decision, sample_weight=weight)
        assert area == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("beta", [1e-300, 1e-9, 1e9, 1e200])
def test_a_beta_of_any_size_weighs_recall_against_precision(beta):
    decision, target = np.array([3.0, 2, 1, 0]), np.array([1.0, -1, 1, -1])
    curve = ThresholdCurve(decision, target, np.ones(4))
    expected = curve.recall if beta > 1 else curve.precision
    np.testing.assert_allclose(curve.f_beta(beta), expected, rtol=1e-8)


def test_neighbouring_decision_values_are_told_apart():
    low = np.nextafter(1.0, 2.0)
    decision, target = np.array([low, np.nextafter(low, 2.0)]), np.array([-1.0, 1.0])
    curve = ThresholdCurve(decision, target, np.ones(2))
    place, score = curve.best(Criterion("accuracy", 1.0, 0.8, 0.8))
    assert score == 1
    assert ((decision > curve.thresholds[place]) == (target > 0)).all()


def test_huge_decision_values_have_thresholds_between_them():
    decision, target = np.array([-1.7e308, 1.7e308]), np.array([-1.0, 1.0])
    curve = ThresholdCurve(decision, target, np.ones(2))
    place, _ = curve.best(Criterion("accuracy", 1.0, 0.8, 0.8))
    assert np.isfinite(curve.thresholds).all()
    assert ((decision > curve.thresholds[place]) == (target > 0)).all()
