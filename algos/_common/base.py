"""Base of all estimators: parameter checks, callbacks, and fits that roll back on failure."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from numbers import Number
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from algos._common.callbacks import CallbackSupport, with_callbacks
from algos._common.params import Constraint, answer_unknown, check_params
from algos._common.search import Searchable

Method = TypeVar("Method", bound=Callable[..., Any])

# These change how a model is computed or reported, never which model it is.
NOT_OF_THE_MODEL = frozenset({"n_jobs", "verbose", "random_state"})


class Estimator(CallbackSupport, Searchable, BaseEstimator):
    """Base of all estimators; scikit-learn's mixins stand left of it.

    A class defines its constraint table in `_parameters` and its search ranges in `_ranges`, and
    decorates `fit`, `partial_fit` and `merge` with `learning`.
    """

    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A pickle of an older release lacks parameters that were added since.
        owner: Any = type(self)
        super().__setstate__({**defaults_of(owner), **state})

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameters by name.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            For a name that is not a parameter. If it is another library's, the error says what to
            write instead.
        """
        try:
            return super().set_params(**params)
        except ValueError as error:
            owner: Any = type(self)
            wrong = [name for name in params if name not in inspect.signature(owner).parameters]
            if not wrong:
                raise
            raise ValueError(f"{error}\n{answer_unknown(owner, wrong)}") from None


@functools.cache
def defaults_of(owner: Any) -> dict[str, Any]:
    """Return the default of each parameter that has one."""
    parameters = inspect.signature(owner).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def learning(method: Method) -> Method:
    """Decorate a method that changes the fitted state.

    It runs after the parameters are checked and inside scikit-learn's callback management.
    If it raises anything, KeyboardInterrupt included, the estimator's attributes are restored
    to those before the call. Only references are saved, so a learning method must replace
    arrays and never write into one that an attribute holds. It must not call another
    learning method of the same estimator, which would end the callbacks of this one.
    """
    managed = with_callbacks(method)
    # Only `fit` can finish the fit that a checkpoint left (algos/_common/checkpoint.py).
    starts_or_resumes = method.__name__ == "fit"

    @functools.wraps(method)
    def learn(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(self.__dict__)
        try:
            check_params(self)
            if starts_or_resumes:
                # Callbacks must not see the choices of the fit before.
                self.__dict__.pop("auto_params_", None)
            else:
                self.__dict__.pop("_unfinished", None)
            # Without callbacks, managing them would be a visible cost for a single row.
            run = managed if self.__dict__.get("_skl_callbacks") else method
            return run(self, *args, **kwargs)
        except BaseException:
            self.__dict__ = before
            raise

    return learn  # type: ignore[return-value]


TWICE = "whose rows would count twice; where that is meant, merge a copy (copy.deepcopy)"
ONCE = "whose rows count once however often it is merged; merge a model of other rows"


def check_mergeable(estimator: Any, other: Any, *, itself: str = TWICE) -> None:
    """Raise ValueError unless `other` may be merged into `estimator`; both must be fitted.

    `itself` completes the error for `other is estimator`: `ONCE` where copies add nothing.
    """
    name = type(estimator).__name__
    if type(other) is not type(estimator):
        raise ValueError(
            f"`other`={other!r} must be a fitted {name}; merge estimators of one class"
        )
    if other is estimator:
        raise ValueError(f"`other` must be another {name} and not this one, {itself}")
    check_is_fitted(
        estimator,
        msg="This %(name)s is not fitted, so there is nothing to merge into; call `fit` or "
        "`partial_fit` first, or begin with a copy of the other one (copy.deepcopy).",
    )
    check_is_fitted(
        other, msg="The other %(name)s is not fitted; fit it before you merge it into this one."
    )
    theirs = other.get_params(deep=False)
    for key, value in estimator.get_params(deep=False).items():
        if key not in NOT_OF_THE_MODEL and not is_same(value, theirs[key]):
            raise ValueError(
                f"`{key}`={theirs[key]!r} of the other {name} must be {value!r}; "
                f"fit both with the same parameters"
            )
    for key in ("n_features_in_", "feature_names_in_", "classes_"):
        mine, its = getattr(estimator, key, None), getattr(other, key, None)
        if not is_same(mine, its):
            raise ValueError(
                f"`{key}`={its!r} of the other {name} must be {mine!r}; "
                f"fit both on the same columns and classes"
            )


def is_same(a: Any, b: Any) -> bool:
    """Return whether two values of a parameter or an attribute are equal."""
    if hasattr(a, "__array__") or hasattr(b, "__array__"):
        return bool(np.array_equal(np.asarray(a), np.asarray(b)))
    comparable = type(a) is type(b) or (isinstance(a, Number) and isinstance(b, Number))
    return a is b or (comparable and bool(a == b))
