"""The constraint table: what it accepts, and what it says."""

import inspect
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import pytest
import sklearn
from scipy import sparse

from algos._common.base import Estimator
from algos._common.params import (
    ArrayLike,
    Boolean,
    Instance,
    Interval,
    InvalidParameterError,
    IsCallable,
    Options,
    RandomState,
    check_params,
    knows_foreign_names,
)

ACCEPTED = [
    (Interval(Integral, 1, None), [1, np.int32(5), 10**400], [0, 1.0, True, "1", None, np.True_]),
    (Interval(Real, 0, 1), [0, 0.0, 0.5, np.float32(0.5)], [1.0, -1e-300, np.nan, np.inf, 1j]),
    (Interval(Real, 0, 1, closed="right"), [1, 1e-300], [0.0, 1.0001]),
    (Interval(Real, 0, 1, closed="both"), [0, 1], [-1, 2]),
    (Interval(Real, 0, 1, closed="neither"), [0.5], [0, 1, np.nan]),
    (Interval(Real, None, None), [-1e308, 0, 3], [np.nan, np.float32("nan"), "0", -np.inf, np.inf]),
    (Interval(Real, 0, None), [0, np.float32(3e38), 1e308], [np.float32("inf"), np.inf, 10**400]),
    (Interval(Real, 0, np.inf, closed="both"), [0, np.inf], [-1, np.nan]),
    (Options("auto", "full"), ["auto", np.str_("full")], ["Auto", None, 1, ["auto"]]),
    (Options("auto", 1), ["auto", 1], [1.0, True]),
    (Instance(dict, list), [{}, []], [(), None]),
    (Boolean(), [True, False, np.True_], [0, 1, None, "True"]),
    (ArrayLike(), [[1], (1,), np.ones(2), sparse.eye(2)], ["auto", b"x", 1, None, list, {1}]),
    (IsCallable(), [len, lambda: 0], ["len", None, [len]]),
    (
        RandomState(),
        [None, 0, 2**32 - 1, np.int64(3), np.random.RandomState(0), np.random.default_rng(0)],
        [-1, 2**32, 1.0, True, "0", np.random],
    ),
]


@pytest.mark.parametrize(("constraint", "right", "wrong"), ACCEPTED, ids=lambda v: str(v)[:40])
def test_a_constraint_accepts_what_it_says(constraint, right, wrong):
    assert all(constraint.accepts(value) for value in right)
    assert not any(constraint.accepts(value) for value in wrong)


class Toy(Estimator):
    _parameters: ClassVar = {
        "size": [Interval(Integral, 1, None)],
        "mode": [Options("random", "k-means++"), IsCallable(), None],
    }

    def __init__(self, size=3, *, mode="random"):
        self.size = size
        self.mode = mode


MESSAGES = [
    (
        {"size": 0},
        "`size`=0 must be an int in [1, inf); the default is Toy(size=3)",
    ),
    (
        {"size": 4.0},
        "`size`=4.0 must be an int in [1, inf); write Toy(size=4)",
    ),
    (
        {"mode": "kmeans++"},
        "`mode`='kmeans++' must be one of {'random', 'k-means++'}, callable or None; "
        "did you mean Toy(mode='k-means++')?",
    ),
    (
        {"mode": 7},
        "`mode`=7 must be one of {'random', 'k-means++'}, callable or None; "
        "the default is Toy(mode='random')",
    ),
]


@pytest.mark.parametrize(("parameters", "message"), MESSAGES)
def test_the_message_says_what_was_given_what_may_be_and_what_to_do(parameters, message):
    with pytest.raises(InvalidParameterError) as caught:
        check_params(Toy(**parameters))
    assert str(caught.value) == message
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TypeError)


def test_scikit_learns_switch_turns_the_checks_off():
    with sklearn.config_context(skip_parameter_validation=True):
        check_params(Toy(size=-1))


def test_options_know_what_others_call_them_and_who_else_has_a_value():
    options = Options("mean", "median", aliases={"l1": "median"}, elsewhere={"mode": "Other()"})
    assert not options.accepts("l1")
    assert options.nearest("L1") == "median"
    assert options.nearest("meen") == "mean"
    assert options.call_elsewhere("mode") == "Other()"
    assert options.call_elsewhere("l1") is None


def test_an_init_answers_foreign_names_and_keeps_its_signature():
    class Model:
        @knows_foreign_names({"C": "alpha=1 / C"})
        def __init__(self, alpha=1.0):
            self.alpha = alpha

    assert Model(alpha=2.0).alpha == 2.0
    assert list(inspect.signature(Model).parameters) == ["alpha"]
    with pytest.raises(TypeError, match="Model has no parameter 'C'; write alpha=1 / C"):
        Model(C=1.0)
    with pytest.raises(TypeError, match=r"has no parameter 'alph'; did you mean 'alpha'\?$"):
        Model(alph=1.0)
    with pytest.raises(TypeError, match=r"Model has no parameter 'dual'; see help\(Model\)"):
        Model(dual=1.0)


def test_all_wrong_names_of_a_call_are_answered_at_once():
    class Model:
        @knows_foreign_names({"C": "alpha=1 / C", "dual": "nothing"})
        def __init__(self, alpha=1.0):
            self.alpha = alpha

    with pytest.raises(TypeError) as caught:
        Model(C=1.0, alpha=2.0, dual=True, zzz=3, alph=4)
    assert str(caught.value) == (
        "Model has no parameters 'C', 'dual', 'zzz', 'alph'; write\n  for 'C': alpha=1 / C\n"
        "  for 'dual': nothing\n  'zzz' is not known\n  for 'alph': alpha, if that is meant"
    )


def test_truth_values_and_seeds_given_as_strings_are_answered_with_what_they_mean():
    class Model:
        _parameters = {"centered": [Boolean()], "random_state": [RandomState()]}  # noqa: RUF012

        def __init__(self, centered=True, random_state=None):
            self.centered, self.random_state = centered, random_state

    with pytest.raises(InvalidParameterError, match=r"write Model\(centered=False\)"):
        check_params(Model(centered="false"))
    with pytest.raises(InvalidParameterError, match=r"write Model\(random_state=42\)"):
        check_params(Model(random_state="42"))
    with pytest.raises(InvalidParameterError, match=r"the default is Model\(random_state=None\)"):
        check_params(Model(random_state=-1))
