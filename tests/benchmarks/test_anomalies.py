"""The scores of benchmarks against cases computed by hand."""

import numpy as np
import pytest

from benchmarks import anomalies
from benchmarks.cases import anomaly_data
from benchmarks.peers.detectors import Detectors

N, FIRST, LAST = 100, 40, 49  # a window of ten rows; rows 0 … 14 are probation
WINDOWS = np.array([[0, FIRST, LAST]])


def scored(*alarms):
    scores = np.zeros(N)
    scores[list(alarms)] = 1.0
    return anomalies.nab_scores(scores, [N], WINDOWS)


def test_probation_is_a_share_of_at_most_5000_rows():
    assert [anomalies.probation(n) for n in (100, 5000, 22695)] == [15, 750, 750]


def test_alarm_at_first_sight_scores_100():
    assert scored(FIRST) == pytest.approx({"standard": 100, "low FP": 100, "low FN": 100})


def test_no_alarm_scores_0():
    assert scored() == pytest.approx({"standard": 0, "low FP": 0, "low FN": 0})


def test_alarms_in_probation_do_not_count():
    assert scored(3, FIRST) == scored(FIRST)


def test_only_the_first_alarm_of_a_window_counts():
    assert scored(FIRST, FIRST + 3, LAST) == scored(FIRST)


def test_late_alarm_earns_what_the_sigmoid_says():
    # The last row is a tenth of a width before the end: 2 / (1 + e^-0.5) - 1 of 2 / (1 + e^-5) - 1.
    gain = (2 / (1 + np.exp(-0.5)) - 1) / (2 / (1 + np.exp(-5)) - 1)
    assert scored(LAST)["standard"] == pytest.approx(100 * (gain + 1) / 2)
    assert scored(LAST)["low FN"] == pytest.approx(100 * (gain + 2) / 3)


def test_false_alarms_cost_their_weight():
    # Before any window -1 each; nine rows (one width less one) behind it the sigmoid of 1.
    behind = 2 / (1 + np.exp(5.0)) - 1
    found = scored(20, FIRST, LAST + 9)
    assert found["standard"] == pytest.approx(100 * (2 + 0.11 * (behind - 1)) / 2)
    assert found["low FP"] == pytest.approx(100 * (2 + 0.22 * (behind - 1)) / 2)


def test_one_threshold_serves_all_series():
    scores = np.zeros(2 * N)
    scores[FIRST], scores[N + FIRST], scores[N + 20] = 3.0, 1.0, 2.0
    found = anomalies.nab_scores(scores, [N, N], np.array([[0, FIRST, LAST], [1, FIRST, LAST]]))
    assert found["standard"] == pytest.approx(100 * (2 - 0.11 + 2) / 4)
    assert found["low FN"] == pytest.approx(100 * (2 - 0.11 + 4) / 6)


def test_delay_counts_missed_stretches_whole():
    y = np.array([0, 1, 1, 1, 0, 1, 1, 0])
    alarms = np.array([1, 0, 0, 1, 0, 0, 0, 1], dtype=bool)
    assert anomalies.stretches(y) == [(1, 4), (5, 7)]
    assert anomalies.delay(y, alarms) == 2.0


def test_best_threshold_is_that_of_the_best_f1():
    y, scores = np.array([0, 0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    assert anomalies.best_threshold(y, scores) == 0.3


def test_spread_is_the_deviation_over_runs():
    assert anomalies.with_spread([{"a": 1.0}, {"a": 3.0}]) == {
        "a": 2.0,
        "a ±": pytest.approx(2**0.5),
    }


@pytest.fixture
def two_tables(monkeypatch):
    X = np.arange(24.0).reshape(12, 2)
    parts = [(X[:7], np.array([0, 1, 0, 0, 0, 1, 0]), "a"), (X[7:], np.array([0, 0, 0, 0, 1]), "b")]
    monkeypatch.setattr(anomaly_data, "tables", lambda divisor=1: anomaly_data.packed(parts))
    return X


def test_novelties_are_half_of_the_ordinary_rows_and_then_all_others(two_tables):
    new = anomaly_data.novelties()
    assert new["learned"].tolist() == [2, 2]
    assert new["scored"].tolist() == [5, 3]
    assert new["y"].tolist() == [0, 0, 0, 1, 1, 0, 0, 1]
    assert new["X"].reshape(-1, 2)[[5, 6, 11]].tolist() == two_tables[[1, 5, 11]].tolist()
    assert np.sort(new["X"]).tolist() == list(range(24))


class _Means(Detectors):
    """Scores rows by their distance from the mean of those learned."""

    def detector(self, n_trees, sample_size, seed, n_jobs):
        return {}

    def learn(self, model, X):
        model["mean"] = X.mean(axis=0)

    def scores(self, model, X):
        return np.abs(X - model["mean"]).sum(axis=1)


def test_rows_behind_the_learned_ones_are_scored(two_tables):
    new = anomaly_data.novelties()
    scores = _Means().detect_in_tables(**new, n_trees=1, sample_size=2, n_seeds=2, n_jobs=1)()
    tables = anomaly_data.unpacked(new["X"], new["shapes"])
    wanted = [np.abs(X[2:] - X[:2].mean(axis=0)).sum(axis=1) for X in tables]
    np.testing.assert_allclose(scores["scores"], [np.concatenate(wanted)] * 2)


def test_all_rows_are_scored_where_all_are_learned(two_tables):
    all_rows = anomaly_data.tables()
    scores = _Means().detect_in_tables(**all_rows, n_trees=1, sample_size=2, n_seeds=1, n_jobs=1)()
    assert scores["scores"].shape == (1, 12)
