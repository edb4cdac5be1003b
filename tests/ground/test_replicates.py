"""Copies of equal rows with different targets are distributed over the parts of a split."""

import numpy as np
import pytest

from algos._common.random import seed_key
from algos._common.replicates import find_replicates
from algos._common.row_key import row_and_target_keys, row_keys

KEY = seed_key(0)


def found(x, y, weight=None):
    X = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    of_x, keys = row_and_target_keys(X, KEY, np.asarray(y, dtype=np.float64))
    weight = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=np.float64)
    return find_replicates(of_x, keys, weight, np.asarray(y)), keys, weight


def folds_of(x, y, weight=None, classes=True):
    replicates, keys, weight = found(x, y, weight)
    return replicates.folds(keys, 5, KEY, classes=y if classes else None, weight=weight)


def sums(assignment, x, y):
    """Return the weight of each (x, y) on each side."""
    table = {}
    for row, weight, side in zip(assignment.rows, assignment.weight, assignment.side, strict=True):
        place = float(x[row]), float(y[row]), int(side)
        table[place] = table.get(place, 0) + float(weight)
    return table


def town_table(n=600):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 12, n)
    return x, (rng.random(n) < 0.1 + 0.07 * x).astype(float)


def test_keys_with_and_without_the_target_are_those_of_two_passes():
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    of_x, keys = row_and_target_keys(X, KEY, y)
    np.testing.assert_array_equal(of_x, row_keys(X, KEY))
    np.testing.assert_array_equal(keys, row_keys(X, KEY, y))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0, 1, 2, 3], [0, 1, 0, 1]),
        ([0, 0, 1, 1], [1, 1, 0, 0]),  # copies, none of which another contradicts
        ([0, 0, 1, 2], [0, 1, 0, 1]),  # another target, but no copies
    ],
)
def test_there_are_no_replicates_without_copies_of_different_targets(x, y):
    assert found(x, y)[0] is None


def test_copies_are_distributed_if_the_row_has_another_target():
    x, y = [0] * 5 + [1] * 9 + [2] * 6, [0] * 4 + [1] + [0] * 9 + [1] * 6
    replicates = found(x, y)[0]
    assert replicates.copies.tolist() == [4]  # most copies are of one target: an augmented set
    np.testing.assert_array_equal(replicates.others, np.arange(4, 20))
    x, y = [0] * 9 + [1] * 5, [0] * 4 + [1] * 5 + [0] * 5
    assert sorted(found(x, y)[0].copies.tolist()) == [4, 5, 5]  # a table: all of them


def test_folds_get_equal_shares_of_each_class():
    x, y = town_table()
    assignment = folds_of(x, y)
    for code in (0, 1):
        is_own = y[assignment.rows] == code
        held = np.bincount(assignment.side[is_own], assignment.weight[is_own])
        assert np.ptp(held) <= 1
        assert held.sum() == (y == code).sum()
    spread = [sum((town, code, side) in sums(assignment, x, y) for side in range(5))
              for town in range(12) for code in (0, 1)]  # fmt: skip
    assert min(spread) > 1
    # Drawn, not cut: the share of a town in the folds is about as uneven as chance has it.
    shares = np.array([[sums(assignment, x, y).get((town, 1.0, side), 0) for side in range(5)]
                       for town in range(12)])  # fmt: skip
    expected = shares.mean(axis=1, keepdims=True)
    assert 20 < ((shares - expected) ** 2 / expected).sum() < 80  # 12 * 4 degrees of freedom


def frequencies(n=600):
    """Return each distinct row of a table of towns, with its number of copies."""
    rows, counts = np.unique(np.stack(town_table(n), axis=1), axis=0, return_counts=True)
    return rows[:, 0], rows[:, 1], counts


@pytest.mark.parametrize("unit", [1, 1 / 600])
def test_weights_of_a_table_of_frequencies_are_copies(unit):
    x, y, counts = frequencies()
    repeated = np.random.default_rng(2).permutation(np.repeat(np.arange(len(x)), counts))
    by_weight, by_repeats = folds_of(x, y, counts * unit), folds_of(x[repeated], y[repeated])
    expected = sums(by_repeats, x[repeated], y[repeated])
    found_sums = sums(by_weight, x, y)
    assert found_sums.keys() == expected.keys()
    for place, weight in expected.items():
        assert found_sums[place] == pytest.approx(weight * unit)
    replicates, keys, weight = found(x, y, counts)
    split = replicates.split(keys, 0.2, KEY, classes=y, weight=weight)
    replicates, keys, ones = found(x[repeated], y[repeated])
    again = replicates.split(keys, 0.2, KEY, classes=y[repeated], weight=ones)
    assert sums(split, x, y) == sums(again, x[repeated], y[repeated])


def test_large_counts_are_copies_in_about_their_ratios():
    x, y, counts = frequencies()
    replicates, *_ = found(x, y, counts * 1e6 + 7)
    assert replicates.copies.sum() < 2**29 + len(x)
    np.testing.assert_allclose(np.sort(replicates.copies), np.sort(counts) * 2**29 / 600, rtol=1e-4)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.uniform(2, 4, n),
        lambda rng, n: rng.integers(1, 366, n),
        lambda rng, n: np.full(n, 1000),
        lambda rng, n: rng.lognormal(0, 300, n),
    ],
)
def test_rows_of_any_weight_are_on_one_side(draw):
    x, y = town_table()
    weight = draw(np.random.default_rng(1), len(x)) + 0.0
    replicates, *_ = found(x, y, weight)
    assert replicates.copies.sum() + len(replicates.others) == len(x)
    assert (found(x, y, weight * 1024)[0].copies == replicates.copies).all()


@pytest.mark.parametrize(
    "weight", [[2.5, 4.1, 3.3, 2.2], [0.3] * 4, [0.5, 1, 1.5, 2], [1e-300, 1e300, 1, 1]]
)
def test_distinct_rows_whose_weights_are_no_counts_are_single(weight):
    assert found([0, 0, 1, 1], [0, 1, 0, 1], weight)[0] is None


def test_weights_of_measured_targets_are_no_counts():
    assert found([0, 0, 1, 1], [0.1, 1.2, 0.7, 1.9], [5, 3, 4, 2])[0] is None
    assert found([0, 0, 1, 1], [0, 1, 0, 1], [5, 3, 4, 2])[0].copies.sum() == 14


@pytest.mark.parametrize("divisor", [1, 192])
def test_counts_need_no_common_measure_of_one(divisor):
    weight = np.array([37, 41, 53, 61]) / divisor
    assert found([0, 0, 1, 1], [0, 1, 0, 1], weight)[0].copies.sum() == 192
    assert found([0, 0, 1, 1], [0, 1, 0, 1], [20, 40, 60, 20])[0].copies.sum() == 140


def test_a_split_holds_out_the_fraction_of_each_class():
    x, y = town_table(1000)
    replicates, keys, weight = found(x, y)
    assignment = replicates.split(keys, 0.1, KEY, classes=y, weight=weight)
    for code in (0, 1):
        held = assignment.weight[(y[assignment.rows] == code) & (assignment.side == 1)].sum()
        assert held == pytest.approx(0.1 * (y == code).sum(), abs=1)
    assert assignment.copies.sum() == assignment.weight.sum() == 1000


@pytest.mark.parametrize("scale", [1 / 600, 0.3, 1.0, 1e15])
def test_equal_weights_are_one_copy_each(scale):
    x, y = town_table()
    assignment = folds_of(x, y, np.full(len(x), scale))
    assert assignment.weight.sum() == pytest.approx(600 * scale)
    held = np.bincount(assignment.side, assignment.weight)
    np.testing.assert_allclose(held, 120 * scale, rtol=0.05)


def test_classes_of_few_copies_are_on_both_sides():
    x, y = [0] * 8, [0, 0, 0, 0, 1, 1, 2, 2]
    for assignment in (folds_of(x, y), folds_of(x, y, [100] * 8)):
        for fold in np.unique(assignment.side):
            assert len({y[row] for row in assignment.rows[assignment.side != fold]}) == 3
    replicates, keys, weight = found(x, y)
    assignment = replicates.split(keys, 0.01, KEY, classes=y, weight=weight)
    for side in (0, 1):
        assert {y[row] for row in assignment.rows[assignment.side == side]} == {0, 1, 2}


def test_sides_that_would_lack_a_class_are_refused():
    x, y = [0] * 8, [0, 0, 0, 0, 0, 1, 1, 2]  # one row of class 2
    replicates, keys, weight = found(x, y)
    assert replicates.split(keys, 0.2, KEY, classes=y, weight=weight) is None
    assert folds_of(x, y) is not None  # two other classes are judged
    assert folds_of([0] * 5, [0, 0, 0, 0, 1]) is None
    assert folds_of([0] * 5, [0, 0, 0, 0, 1], classes=False) is not None


def test_a_single_distinct_row_beside_replicates_is_held_out_too():
    x, y = [0] * 12 + [1] * 200, [0] * 6 + [1] * 6 + [1] * 200
    assignment = folds_of(x, y)
    assert (assignment.side >= 0).all()
