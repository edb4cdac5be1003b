"""The measures of recommenders against cases computed by hand, and the data they are of."""

import numpy as np
import pytest
from scipy import sparse

from benchmarks import recommenders
from benchmarks.cases import laws, recommender_data


def test_predictions_are_brought_into_range():
    assert recommenders.rmse(np.array([1.0, 5.0, 3.0]), np.array([-7.0, 9.0, 4.0])) == (
        pytest.approx((1 / 3) ** 0.5)
    )


def test_log_loss_is_of_chances_and_finite_at_certainty():
    y = np.array([1, 0])
    assert recommenders.log_loss(y, np.array([0.8, 0.4])) == pytest.approx(
        -(np.log(0.8) + np.log(0.6)) / 2
    )
    assert recommenders.log_loss(y, np.array([0.0, 1.0])) == pytest.approx(-np.log(1e-7))


def test_ranks_leave_out_what_was_seen_and_count_ties():
    scores = np.array([[5.0, 4.0, 3.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    seen = np.array([[True, False, False, False], [False, False, False, True]])
    found = recommenders.ranks(scores, seen, np.array([2, 0]))
    np.testing.assert_array_equal(found, [1, 2])
    assert recommenders.hit_rate(found, 2) == 0.5
    assert recommenders.ndcg(found, 3) == pytest.approx((1 / np.log2(3) + 1 / 2) / 2)


def test_the_first_setting_of_least_loss_is_chosen_once(monkeypatch, tmp_path):
    monkeypatch.setattr(recommenders, "_CHOSEN", tmp_path / "settings.json")
    tried = []

    def loss(setting):
        tried.append(setting)
        return abs(setting.learning_rate - 0.2) + abs(setting.epochs - 5)

    best = recommenders.chosen("a", loss)
    assert best == next(s for s in recommenders.GRID if s.learning_rate == 0.2 and s.epochs == 5)
    assert recommenders.chosen("a", loss) == best
    assert len(tried) == len(recommenders.GRID) == 36


def test_one_hot_rows_have_a_one_in_each_block():
    X = recommender_data.one_hot(np.array([[0, 1], [2, -1]]), [3, 2])
    assert sparse.issparse(X)
    np.testing.assert_array_equal(X.toarray(), [[1, 0, 0, 0, 1], [0, 0, 1, 0, 0]])


def test_clicks_of_any_number_of_rows_are_of_one_machine():
    # The share of ones of the same codes must not depend on how many rows are drawn.
    shares = [laws.clicks(n)[1].mean() for n in (20_000, 40_000)]
    assert shares[0] == pytest.approx(shares[1], abs=0.02)
    codes, y = laws.clicks(1000)
    assert codes.shape == (1000, 30)
    assert (codes.max(axis=0) < np.array(laws.CLICK_FIELDS)).all()
    assert set(np.unique(y)) == {0, 1}


def test_generated_ratings_are_stars_of_all_users():
    codes, y = laws.generated_ratings(20_000, 100, 50)
    assert codes.max(axis=0).tolist() == [99, 49]
    assert set(np.unique(y)) == {1, 2, 3, 4, 5}
