"""The validation split: by class, by content, by weight."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from algos._common.random import seed_key
from algos._common.row_key import row_keys
from algos._common.split import has_few_keys, validation_folds, validation_split


def keys_of(X):
    return row_keys(np.asarray(X, dtype=np.float64).reshape(len(X), -1), seed_key(0))


def test_each_class_gives_its_share():
    classes = np.repeat([0, 1], [900, 100])
    train, validation = validation_split(keys_of(np.arange(1000)), 0.2, classes=classes)
    assert np.bincount(classes[validation]).tolist() == [180, 20]
    assert sorted([*train, *validation]) == list(range(1000))


@given(st.lists(st.integers(0, 9), min_size=2), st.floats(0.05, 0.6), st.randoms())
def test_copies_stay_together_and_order_does_not_matter(rows, fraction, random):
    if len(set(rows)) < 2:
        return
    shuffled = rows.copy()
    random.shuffle(shuffled)
    sides = []
    for some in (rows, shuffled):
        with_warning = np.asarray(some)
        try:
            train, validation = validation_split(keys_of(some), fraction)
        except UserWarning:
            return
        sides.append((set(with_warning[train]), set(with_warning[validation])))
    assert sides[0] == sides[1]
    assert not sides[0][0] & sides[0][1]


def test_weights_are_repeats():
    rng = np.random.default_rng(0)
    X = np.arange(100)
    weight = rng.integers(1, 5, size=100)
    repeated = np.repeat(X, weight)
    by_weight = validation_split(keys_of(X), 0.25, weight=weight.astype(float))
    by_repeats = validation_split(keys_of(repeated), 0.25)
    for rows, copies in zip(by_weight, by_repeats, strict=True):
        assert set(X[rows]) == set(repeated[copies])


def test_a_tenth_of_ten_rows_is_one_row():
    for n_rows, fraction in [(10, 0.1), (10, 0.7), (1000, 0.3)]:
        _, validation = validation_split(keys_of(np.arange(n_rows)), fraction)
        assert len(validation) == round(n_rows * fraction)


@pytest.mark.parametrize("classes", [None, np.array([0, 0, 0, 1])])
def test_too_few_rows_serve_both_sides_with_a_warning(classes):
    X = np.zeros(4) if classes is None else np.arange(4)
    with pytest.warns(UserWarning, match=r"`validation_fraction`=0.1 .* all 4 rows"):
        train, validation = validation_split(keys_of(X), 0.1, classes=classes)
    assert train.tolist() == validation.tolist() == [0, 1, 2, 3]


def contents(rows, folds):
    return {tuple(sorted(set(np.asarray(rows)[held]))) for _, held in folds}


@given(st.lists(st.integers(0, 30), min_size=2, max_size=60), st.randoms())
def test_folds_hold_each_row_out_once_whatever_the_order(rows, random):
    folds = validation_folds(keys_of(rows), 5)
    if len(set(rows)) < 2:
        assert not folds
        return
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(len(rows)))
    assert 2 <= len(folds) <= 5
    for train, held in folds:
        assert sorted([*train, *held]) == list(range(len(rows)))
        assert not set(np.asarray(rows)[train]) & set(np.asarray(rows)[held])
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert contents(shuffled, validation_folds(keys_of(shuffled), 5)) == contents(rows, folds)


@given(st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=12))
def test_what_folds_train_on_never_lacks_a_class(weight):
    keys, classes = keys_of(np.arange(len(weight))), np.arange(len(weight)) % 2
    folds = validation_folds(keys, 5, classes=classes, weight=np.array(weight))
    assert len(folds) >= 2 or len(weight) < 4
    for train, _ in folds:
        assert set(classes[train]) == {0, 1}


def test_rows_of_one_class_alone_judge_nothing():
    keys, rare = keys_of(np.arange(20)), (np.arange(20) == 3).astype(int)
    assert not validation_folds(keys, 5, classes=rare)
    assert validation_folds(keys, 5, classes=rare + np.arange(20) % 2)  # two others judge
    assert validation_folds(keys, 5, classes=np.zeros(20))  # there is but one


def test_folds_take_weights_for_repeats_and_are_alike():
    X, weight = np.arange(100), np.random.default_rng(0).integers(1, 5, size=100)
    repeated = np.repeat(X, weight)
    by_weight = validation_folds(keys_of(X), 5, weight=weight.astype(float))
    assert contents(X, by_weight) == contents(repeated, validation_folds(keys_of(repeated), 5))
    sums = [weight[held].sum() for _, held in by_weight]
    assert max(sums) - min(sums) <= 8
    assert [len(held) for _, held in validation_folds(keys_of(X), 5)] == [20] * 5


def test_copies_are_no_more_keys():
    assert has_few_keys(keys_of(np.arange(30)), 30)
    assert has_few_keys(keys_of(np.tile(np.arange(30), 9)), 30)
    assert not has_few_keys(keys_of(np.append(np.zeros(500), np.arange(40))), 30)
    assert not has_few_keys(keys_of(np.arange(31)), 30)
