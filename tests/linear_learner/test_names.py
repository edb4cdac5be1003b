"""Names of other libraries are refused with ours in the message."""

import inspect
import re

import pytest
from sklearn.base import clone

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.names import (
    CLASSIFIER_FOREIGN_NAMES,
    REGRESSOR_FOREIGN_NAMES,
)

FOREIGN = {
    LinearLearnerClassifier: CLASSIFIER_FOREIGN_NAMES,
    LinearLearnerRegressor: REGRESSOR_FOREIGN_NAMES,
}
BOTH = list(FOREIGN)
X, Y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("kind", "name", "value", "ours"),
    [
        (LinearLearnerClassifier, "loss", "logistic", "loss='log_loss'"),
        (LinearLearnerClassifier, "loss", "LOG", "loss='log_loss'"),
        (LinearLearnerClassifier, "loss", "softmax_loss", "loss='log_loss'"),
        (LinearLearnerClassifier, "loss", "hinge_loss", "loss='hinge'"),
        (LinearLearnerRegressor, "loss", "mse", "loss='squared_error'"),
        (LinearLearnerRegressor, "loss", "squared_loss", "loss='squared_error'"),
        (LinearLearnerRegressor, "loss", "l2", "loss='squared_error'"),
        (LinearLearnerRegressor, "loss", "mae", "loss='absolute_error'"),
        (LinearLearnerRegressor, "loss", "pinball", "loss='quantile'"),
        (LinearLearnerRegressor, "loss", "poison", "loss='poisson'"),
        (LinearLearnerRegressor, "selection_criterion", "mae", "='absolute_error'"),
        (LinearLearnerClassifier, "selection_criterion", "f1", "='f_beta'"),
        (LinearLearnerClassifier, "solver", "newton-cholesky", "='newton'"),
    ],
)
def test_a_borrowed_name_is_answered_with_ours(kind, name, value, ours):
    with pytest.raises(ValueError, match=re.escape(f"{value!r} must be")) as caught:
        kind(**{name: value}).fit(X, Y)
    assert str(caught.value).endswith(f"did you mean {kind.__name__}({name}={ours.split('=')[1]})?")


@pytest.mark.parametrize(
    ("kind", "loss", "call"),
    [
        (LinearLearnerClassifier, "squared_error", "LinearLearnerRegressor(loss='squared_error')"),
        (LinearLearnerClassifier, "mse", "LinearLearnerRegressor(loss='squared_error')"),
        (LinearLearnerRegressor, "log_loss", "LinearLearnerClassifier(loss='log_loss')"),
        (LinearLearnerRegressor, "logistic", "LinearLearnerClassifier(loss='log_loss')"),
    ],
)
def test_a_loss_of_the_other_class_is_answered_with_that_class(kind, loss, call):
    with pytest.raises(ValueError, match=re.escape(f"{call} has it")):
        kind(loss).fit(X, Y)


@pytest.mark.parametrize("name", ["auc", "roc_auc"])
def test_an_area_under_a_curve_is_for_a_search(name):
    with pytest.raises(ValueError, match=re.escape("GridSearchCV(scoring='roc_auc') has it")):
        LinearLearnerClassifier(selection_criterion=name).fit(X, Y)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "name",
    [
        "positive",
        "selection",
        "precompute",
        "copy_X",
        "shuffle",
        "average",
        "intercept_scaling",
    ],
)
def test_parameters_of_scikit_learn_s_linear_models_are_answered(kind, name):
    assert name in FOREIGN[kind]


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in FOREIGN.items() for name in names]
)
def test_parameters_of_other_libraries_are_answered_with_ours(kind, name):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no parameter '{name}'; write "):
        kind(**{name: 1})


@pytest.mark.parametrize("kind", BOTH)
def test_answers_name_parameters_that_there_are(kind):
    own = set(inspect.signature(kind).parameters)
    assert not own & set(FOREIGN[kind])
    for text in FOREIGN[kind].values():
        assert set(re.findall(r"(\w+)=", text)) <= own


@pytest.mark.parametrize("kind", BOTH)
def test_any_other_unknown_parameter_is_refused(kind):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no parameter 'foo'"):
        kind(foo=1)
    assert clone(kind(alpha=0.5)).alpha == 0.5


def described(kind):
    """Return the texts of a class's parameters and attributes, by name."""
    text = inspect.getdoc(kind).split("See Also")[0]
    return dict(re.findall(r"^(\w+) : (.*?)(?=^\w+ : |^\w+\n---|\Z)", text, re.M | re.S))


def test_what_both_classes_take_and_set_is_described_in_the_same_words():
    one, other = map(described, BOTH)
    differ = {"loss", "selection_criterion", "coef_", "intercept_", "candidates_"}
    differ |= {"validation_fraction", "refit"}  # of each class; and thresholds
    shared = one.keys() & other.keys() - differ
    assert len(shared) > 40
    for name in shared:
        assert one[name] == other[name], name
