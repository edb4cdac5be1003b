"""DESIGN section 3, points 2 and 9: parameters have one table, one docstring, one wording."""

import ast
import inspect
import re
from numbers import Integral

import pytest

from algos._common.params import Interval, InvalidParameterError, Options, as_constraints
from tests.common.estimators import all_cases, learned


def section(kind, title):
    """Return a numpydoc section as {name: (type line, description)}."""
    text = inspect.getdoc(kind)
    match = re.search(
        rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-{{3,}}$|\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert match, f"{kind.__name__} has no section {title}"
    items = re.split(r"^(?=\w)", match[1], flags=re.MULTILINE)[1:]
    entries = {}
    for item in items:
        head, _, body = item.partition("\n")
        names, _, type_line = head.partition(" : ")
        for name in names.split(", "):
            entries[name.strip()] = (type_line.strip(), body)
    return entries


@all_cases
def test_table_signature_and_docstring_name_the_same_parameters(case):
    signature = list(inspect.signature(case.kind).parameters)
    assert set(case.kind._parameters) == set(signature)
    assert list(section(case.kind, "Parameters")) == signature


@all_cases
def test_the_table_accepts_every_default(case):
    for name, value in case.kind().get_params(deep=False).items():
        constraints = as_constraints(case.kind._parameters[name])
        assert any(constraint.accepts(value) for constraint in constraints), name


@all_cases
def test_the_docstring_states_every_default(case):
    documented = section(case.kind, "Parameters")
    for name, parameter in inspect.signature(case.kind).parameters.items():
        if parameter.default is inspect.Parameter.empty:
            continue
        match = re.search(r"default=(.*)$", documented[name][0])
        assert match, f"{name} has no default in the docstring"
        assert ast.literal_eval(match[1]) == parameter.default, name


@all_cases
def test_the_docstring_names_every_option(case):
    documented = section(case.kind, "Parameters")
    for name, constraints in case.kind._parameters.items():
        for constraint in as_constraints(constraints):
            if isinstance(constraint, Options):
                text = " ".join(documented[name])
                missing = [option for option in constraint.options if str(option) not in text]
                assert not missing, f"{name}: {missing}"


@all_cases
def test_the_docstring_names_every_fitted_attribute(case):
    documented = section(case.kind, "Attributes")
    assert set(learned(case.fitted())) <= set(documented)


@all_cases
def test_a_wrong_parameter_is_named_with_its_value_and_a_remedy(case):
    X = case.rows(50)
    for name in case.kind._parameters:
        wrong = {"not": name}
        estimator = case.make().set_params(**{name: wrong})  # nothing is checked before fit
        with pytest.raises(InvalidParameterError) as caught:
            estimator.fit(X, case.target(X))
        pattern = rf"`{name}`=\{{'not': '{name}'\}} must be .+; .*{case.kind.__name__}"
        assert re.match(pattern, str(caught.value)), str(caught.value)


def just_outside(interval):
    """Return the nearest wrong numbers of an interval."""
    step = 1 if interval.kind is Integral else 1e-9
    if interval.low is not None:
        yield interval.low - (step if interval.closed in ("left", "both") else 0)
    if interval.high is not None:
        yield interval.high + (step if interval.closed in ("right", "both") else 0)


@all_cases
def test_a_number_just_outside_its_interval_is_refused(case):
    X = case.rows(50)
    for name, constraints in case.kind._parameters.items():
        allowed = as_constraints(constraints)
        intervals = [c for c in allowed if isinstance(c, Interval)]
        for value in (v for interval in intervals for v in just_outside(interval)):
            if not any(constraint.accepts(value) for constraint in allowed):
                with pytest.raises(InvalidParameterError, match=f"^`{name}`="):
                    case.make(**{name: value}).fit(X, case.target(X))


@all_cases
def test_init_only_stores(case):
    source = inspect.signature(case.kind).parameters
    values = {name: object() for name in source}
    estimator = case.kind(**values)
    assert vars(estimator) == values
