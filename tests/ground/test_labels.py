"""Labels: as numbers and back, and what the rows of each class weigh."""

import numpy as np
import pytest

from algos._common.labels import (
    check_known_classes,
    class_decided,
    class_factors,
    class_labels,
    class_numbers,
    encoded_classes,
)


@pytest.mark.parametrize("classes", [["a", "b"], ["a", "b", "c"]])
def test_codes_tell_the_places_of_classes(classes):
    classes = np.array(classes)
    places = np.arange(7) % len(classes)
    codes = encoded_classes(classes[places], classes)
    assert codes.dtype == np.float64
    assert set(codes) == ({-1.0, 1.0} if len(classes) == 2 else {0.0, 1.0, 2.0})
    assert np.array_equal(class_numbers(codes, len(classes)), places)
    decisions = codes if len(classes) == 2 else np.eye(3)[places]
    assert np.array_equal(class_decided(decisions, classes), classes[places])


def test_a_label_of_no_class_is_named():
    with pytest.raises(ValueError, match=r"`y_val` holds the label 'z', which must be one of"):
        encoded_classes(np.array(["a", "z"]), np.array(["a", "b"]), "y_val")
    with pytest.raises(ValueError, match=r"names the class 3, which must be one of \[1, 2\]"):
        check_known_classes({1: 2.0, 3: 1.0}, np.array([1, 2]))


@pytest.mark.parametrize("odd", [1, 2.5])
def test_labels_that_cannot_be_sorted_are_refused(odd):
    labels = np.array(["a", "b", odd, "a"], dtype=object)
    with pytest.raises(
        ValueError, match=r"`y_val` holds labels that cannot be sorted, such as numbers among"
    ):
        class_labels(labels, "y_val")


@pytest.mark.parametrize("y", [np.array([0, 1, 1]), [0, 1, 1], np.array([[0], [1], [1]])[:, 0]])
def test_labels_are_the_same_by_the_short_way_and_by_the_long(y):
    assert class_labels(y).tolist() == [0, 1, 1]


def test_balanced_classes_have_the_same_sum_of_weights():
    classes, sums = np.array(["a", "b", "c"]), np.array([1.0, 3.0, 0.0])
    factors = class_factors("balanced", classes, sums)
    assert factors[0] * sums[0] == pytest.approx(factors[1] * sums[1])
    assert factors[2] == 1  # not met yet


@pytest.mark.parametrize("unit", [1e-305, 1.0, 1e300])
def test_balancing_weights_of_any_size_makes_numbers(unit):
    for sums in ([unit, 2 * unit], [unit, 5e-324]):
        assert np.isfinite(class_factors("balanced", np.array([0, 1]), np.array(sums))).all()


def test_classes_that_a_mapping_does_not_name_weigh_1():
    assert class_factors({"b": 3}, np.array(["a", "b"]), np.ones(2)).tolist() == [1.0, 3.0]
