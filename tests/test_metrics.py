"""Metrics of rankings against scikit-learn, and against random orders."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.metrics import ndcg_score

from algos.metrics import hit_rate_at_k, ndcg_at_k


@settings(max_examples=50, deadline=None)
@given(
    n_groups=st.integers(1, 8),
    size=st.integers(2, 9),
    k=st.integers(1, 12),
    n_levels=st.integers(1, 6),
    seed=st.integers(0, 2**20),
)
def test_ndcg_equals_that_of_scikit_learn_in_any_order_of_rows(n_groups, size, k, n_levels, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, (n_groups, size))
    y[:, 0] = 1
    score = rng.integers(0, n_levels, (n_groups, size)) / 8
    order = rng.permutation(y.size)
    groups = np.repeat(np.arange(n_groups), size)[order]
    found = ndcg_at_k(y.ravel()[order], score.ravel()[order], groups, k)
    assert found == pytest.approx(ndcg_score(y, score, k=k), abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(n_groups=st.integers(1, 6), k=st.integers(1, 6), seed=st.integers(0, 2**20))
def test_equal_scores_count_as_random_orders_do(n_groups, k, seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, 30)
    y = (rng.random(30) < 0.3).astype(int)
    y[0] = 1
    score = rng.integers(0, 3, 30).astype(float)
    rates = [hit_rate_at_k(y, score + 1e-9 * rng.random(30), groups, k) for _ in range(400)]
    spread = np.std(rates) / np.sqrt(len(rates))
    assert abs(hit_rate_at_k(y, score, groups, k) - np.mean(rates)) <= 5 * spread + 1e-9


def test_groups_are_of_any_type_and_need_a_relevant_row():
    y, score = [1, 0, 0, 0, 1, 0], [0.9, 0.1, 0.8, 0.7, 0.2, 0.3]
    for groups in (list("aabbbc"), [3, 3, 1, 1, 1, 9]):
        assert hit_rate_at_k(y, score, groups, 1) == 0.5
        assert hit_rate_at_k(y, score, groups, 3) == 1.0
    assert ndcg_at_k(y, y, list("aabbbc")) == 1.0


@pytest.mark.parametrize("metric", [hit_rate_at_k, ndcg_at_k])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], [1, 2], [0, 0]), "`y_true` has no relevant row"),
        (([-1, 1], [1, 2], [0, 0]), "not negative"),
        (([0, 1], [1, np.nan], [0, 0]), "NaN"),
        (([0, 1], [1, 2, 3], [0, 0]), "inconsistent"),
        (([0, 1], [1, 2], [0, 0], 0), "`k`=0 must be a positive int"),
    ],
)
def test_bad_input_is_named(metric, arguments, message):
    with pytest.raises(ValueError, match=message):
        metric(*arguments)
