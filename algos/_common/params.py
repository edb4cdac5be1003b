"""The constraint table: the values that each parameter accepts, and the error for others.

A class states `_parameters: dict[str, list[Constraint]]`; a value must meet one of the
listed constraints. `None` in a list stands for itself.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import sklearn
from scipy import sparse

Init = TypeVar("Init", bound=Callable[..., None])


class InvalidParameterError(ValueError, TypeError):
    """A parameter value that no constraint accepts; both exception types, as in scikit-learn."""


@runtime_checkable
class Constraint(Protocol):
    """One kind of accepted value; its `str()` completes "must be …"."""

    def accepts(self, value: Any) -> bool: ...


@dataclass(frozen=True)
class Interval:
    """A number between two bounds.

    Parameters
    ----------
    kind : type
        `Integral` or `Real`; a bool is neither.
    low, high : float or None
        The bounds. None accepts all finite numbers on that side; to accept infinity, make it a
        closed bound.
    closed : {"left", "right", "both", "neither"}, default="left"
        Which bounds belong to the interval.
    remedy : callable, default=None
        Takes a rejected value and returns what to write instead, or None.
    """

    kind: type
    low: float | None
    high: float | None
    closed: str = "left"
    remedy: Callable[[Any], str | None] | None = None

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, self.kind) or isinstance(value, (bool, np.bool_)):
            return False
        return _is_a_number(value) and self._above(value) and self._below(value)

    def _above(self, value: Any) -> bool:
        if self.low is None:
            return self.kind is Integral or value > 0 or _is_finite(value)
        return value >= self.low if self.closed in ("left", "both") else value > self.low

    def _below(self, value: Any) -> bool:
        if self.high is None:
            return self.kind is Integral or value < 0 or _is_finite(value)
        return value <= self.high if self.closed in ("right", "both") else value < self.high

    def __str__(self) -> str:
        noun = "an int" if self.kind is Integral else "a float"
        left = "[" if self.closed in ("left", "both") and self.low is not None else "("
        right = "]" if self.closed in ("right", "both") and self.high is not None else ")"
        low = "-inf" if self.low is None else self.low
        high = "inf" if self.high is None else self.high
        return f"{noun} in {left}{low}, {high}{right}"


@dataclass(frozen=True)
class Jobs(Interval):
    """A number of threads; negative ones count from the end, and 0 is an error."""

    def accepts(self, value: Any) -> bool:
        return super().accepts(value) and value != 0

    def __str__(self) -> str:
        return "an int other than 0"


def _of_no_jobs(value: Any) -> str | None:
    if isinstance(value, Integral) and value == 0:
        return "write n_jobs=1 for one thread, None for all cores"
    return None


def _is_a_number(value: Any) -> bool:
    return bool(value >= 0 or value < 0)  # NaN is neither


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that no float is as large as
        return False


class Options:
    """One of a few strings (or other plain values).

    Parameters
    ----------
    *options : str or other plain values
    aliases : mapping of str to str, default=None
        Other libraries' names and ours, for the error message; these are not accepted.
    elsewhere : mapping of str to str, default=None
        Values that belong to another class, and the call to write instead.
    """

    def __init__(
        self,
        *options: Any,
        aliases: Mapping[str, str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self.options = options
        self._aliases, self._elsewhere = aliases or {}, elsewhere or {}

    def accepts(self, value: Any) -> bool:
        # By type too, since 1 == True; numpy's strings come from grids made of arrays.
        kind = str if isinstance(value, str) else type(value)
        return any(kind is type(option) and value == option for option in self.options)

    def nearest(self, value: Any) -> str | None:
        """Return the option that a misspelt or foreign value probably means."""
        name = str(value).lower()
        if name in self._aliases:
            return self._aliases[name]
        names = [option for option in self.options if isinstance(option, str)]
        found = difflib.get_close_matches(name, names, n=1)
        return found[0] if found else None

    def call_elsewhere(self, value: Any) -> str | None:
        """Return the call of another class that has the value."""
        return self._elsewhere.get(str(value).lower())

    def __str__(self) -> str:
        texts = [repr(option) for option in self.options]
        return texts[0] if len(texts) == 1 else "one of {" + ", ".join(texts) + "}"


class Instance:
    """An instance of one of some classes."""

    def __init__(self, *kinds: type) -> None:
        self.kinds = kinds

    def accepts(self, value: Any) -> bool:
        return isinstance(value, self.kinds)

    def __str__(self) -> str:
        return "an instance of " + " or ".join(kind.__name__ for kind in self.kinds)


class Boolean:
    """True or False, numpy's included."""

    def accepts(self, value: Any) -> bool:
        return isinstance(value, (bool, np.bool_))

    def __str__(self) -> str:
        return "a bool"


class NoneValue:
    """None itself."""

    def accepts(self, value: Any) -> bool:
        return value is None

    def __str__(self) -> str:
        return "None"


class ArrayLike:
    """An array or anything that numpy converts to one: a sequence, a frame, a sparse matrix."""

    def accepts(self, value: Any) -> bool:
        if isinstance(value, (str, bytes, type)):
            return False
        if sparse.issparse(value) or hasattr(value, "__array__"):
            return True
        return isinstance(value, Sequence)

    def __str__(self) -> str:
        return "array-like"


class IsCallable:
    """A function or another callable object."""

    def accepts(self, value: Any) -> bool:
        return callable(value)

    def __str__(self) -> str:
        return "callable"


class RandomState:
    """A seed that `algos._common.random.seed_key` accepts."""

    def accepts(self, value: Any) -> bool:
        if isinstance(value, (bool, np.bool_)):
            return False
        if isinstance(value, Integral):
            return 0 <= int(value) < 2**32
        return value is None or isinstance(value, (np.random.RandomState, np.random.Generator))

    def __str__(self) -> str:
        return "an int in [0, 2**32), a numpy RandomState, a numpy Generator or None"


# Constraints that every room needs.
POSITIVE_INT = Interval(Integral, 1, None)
NON_NEGATIVE = Interval(Real, 0, None)
POSITIVE = Interval(Real, 0, None, closed="neither")
SHARE = Interval(Real, 0, 1, closed="neither")
N_JOBS: list[Constraint | None] = [Jobs(Integral, None, None, remedy=_of_no_jobs), None]
VERBOSE: list[Constraint | None] = [Interval(Integral, 0, None), Boolean()]


def as_constraints(listed: Iterable[Constraint | None]) -> list[Constraint]:
    """Return the constraints of a parameter, with None replaced by `NoneValue`."""
    return [NoneValue() if item is None else item for item in listed]


def check_params(estimator: Any) -> None:
    """Check every parameter of `estimator` against its class's table.

    Raises
    ------
    InvalidParameterError
        At the first parameter, in the order of the table, that meets no constraint.
    """
    if sklearn.get_config()["skip_parameter_validation"]:
        return
    owner: Any = type(estimator)
    checks, values_of = _checks(owner)
    values = values_of(estimator)  # get_params reads the signature anew each time
    accepted = _ACCEPTED.get(owner)
    if accepted is not None and all(map(operator.is_, values, accepted)):
        return
    for (name, listed, default), value in zip(checks, values, strict=True):
        if value is not default and not _meets(value, listed):
            raise InvalidParameterError(_message(owner, name, value, as_constraints(listed)))
    if all(type(value) in _UNCHANGING for value in values):
        _ACCEPTED[owner] = values


# The values accepted last, by class: the batches of a stream repeat them.
_ACCEPTED: dict[type, tuple[Any, ...]] = {}
_UNCHANGING = frozenset({bool, int, float, str, type(None)})


def knows_foreign_names(names: Mapping[str, str]) -> Callable[[Init], Init]:
    """Make an `__init__` explain misspelt parameters and those of other libraries.

    All wrong names of a call are reported together. The signature is unchanged.

    Parameters
    ----------
    names : mapping of str to str
        What to write instead, by foreign parameter name.
    """

    def decorate(init: Init) -> Init:
        known = inspect.signature(init).parameters

        @functools.wraps(init)
        def checked(self: Any, *args: Any, **kwargs: Any) -> None:
            wrong = [name for name in kwargs if name not in known]
            if wrong:
                raise TypeError(_answer(type(self).__name__, wrong, names, known))
            init(self, *args, **kwargs)

        checked.foreign_names = names  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return decorate


def answer_unknown(owner: Any, wrong: Sequence[str]) -> str:
    """Return the error message for names, for `set_params`, that are not parameters of a class."""
    names = getattr(owner.__init__, "foreign_names", {})
    return _answer(owner.__name__, wrong, names, inspect.signature(owner).parameters)


def _answer(
    owner: str, wrong: Sequence[str], names: Mapping[str, str], known: Mapping[str, Any]
) -> str:
    """Return the error message for names that are not parameters of a class."""
    shared = {name: ours for name, ours in _SHARED.items() if ours in known}
    names = {**shared, **names}
    foreign = {name: _TRIAL if name.endswith(_OF_TRIALS) else names.get(name) for name in wrong}
    near = {name: _nearest_parameter(name, known) for name in wrong}
    if len(wrong) == 1:
        (hint,), (other,) = foreign.values(), near.values()
        guess = f"did you mean {other!r}?" if other else f"see help({owner})"
        remedy = f"write {hint}" if hint else guess
        return f"{owner} has no parameter {wrong[0]!r}; {remedy}"
    lines = []
    for name, hint in foreign.items():
        guess = f"for {name!r}: {near[name]}, if that is meant"
        lines.append(guess if near[name] else f"{name!r} is not known")
        if hint:
            lines[-1] = f"for {name!r}: {hint}"
    text = "".join(f"\n  {line}" for line in lines)
    return f"{owner} has no parameters {', '.join(map(repr, wrong))}; write{text}"


# Names that are answered wherever a class has the parameter.
_SHARED = {
    "random_seed": "random_state",
    "max_iterations": "max_iter",
    "max_iteration": "max_iter",
    "n_centers": "n_clusters",
}
# The ends of names under which a search space lets a trial of optuna choose, and the remedy.
_OF_TRIALS = (" (index)", " (quantile)")
_TRIAL = "space.suggest(optuna.trial.FixedTrial(study.best_params)) for study.best_params"


def _nearest_parameter(name: str, known: Iterable[str]) -> str | None:
    """Return the parameter that a misspelt name probably means."""
    ours = [one for one in known if one != "self"]
    found = difflib.get_close_matches(name.lower(), ours, n=1, cutoff=_ALIKE)
    return found[0] if found else None


_ALIKE = 0.8  # from 0 to 1; at difflib's 0.6, "ncomp" is taken for "copy"


def _meets(value: Any, listed: Iterable[Constraint | None]) -> bool:
    return any(value is None if one is None else one.accepts(value) for one in listed)


Check = tuple[str, list[Constraint | None], Any]


@functools.cache
def _checks(owner: Any) -> tuple[list[Check], Callable[[Any], tuple[Any, ...]]]:
    """Return the rows of a class's table, and a function that fetches all their values.

    A row includes the default, which is not checked again if it met the constraints.
    """
    parameters = inspect.signature(owner).parameters
    checks: list[Check] = []
    for name, listed in owner._parameters.items():
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        checks.append((name, listed, default if _meets(default, listed) else object()))
    names = [name for name, *_ in checks]
    if len(names) < 2:  # of one name, attrgetter returns no tuple
        return checks, lambda estimator: tuple(getattr(estimator, name) for name in names)
    return checks, operator.attrgetter(*names)


def _message(owner: type, name: str, value: Any, constraints: Sequence[Constraint]) -> str:
    *firsts, last = map(str, constraints)
    allowed = f"{', '.join(firsts)} or {last}" if firsts else last
    remedy = _remedy(owner, name, value, constraints)
    return f"`{name}`={value!r} must be {allowed}; {remedy}"


def _remedy(owner: type, name: str, value: Any, constraints: Sequence[Constraint]) -> str:
    for constraint in constraints:
        if isinstance(constraint, Interval) and constraint.remedy is not None:
            own = constraint.remedy(value)
            if own is not None:
                return own
        if not isinstance(constraint, Options) or not isinstance(value, str):
            continue
        elsewhere = constraint.call_elsewhere(value)
        if elsewhere is not None:
            return f"{elsewhere} has it"
        nearest = constraint.nearest(value)
        if nearest is not None:
            return f"did you mean {owner.__name__}({name}={nearest!r})?"
    truth = _TRUTHS.get(str(value).lower())
    if truth is not None and any(isinstance(c, Boolean) for c in constraints):
        return f"write {owner.__name__}({name}={truth})"
    meant = _number_meant(value)
    numeric = [c for c in constraints if isinstance(c, (Interval, RandomState))]
    if meant is not None and any(c.accepts(meant) for c in numeric):
        return f"write {owner.__name__}({name}={meant})"
    default = inspect.signature(owner).parameters[name].default
    if default is inspect.Parameter.empty:
        return f"see {name} in help({owner.__name__})"
    return f"the default is {owner.__name__}({name}={default!r})"


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _number_meant(value: Any) -> int | float | None:
    """Return the number that a value such as 3.0, "3" or "1e-4" means."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return None
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return None
