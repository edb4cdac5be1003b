"""Fitted attributes that are made when they are first read.

A stream of small batches asks for its model far less often than it learns: `partial_fit` and
`merge` update the state and forget the model, and whoever reads it has it made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Self


class Deferred(ABC):
    """Base of estimators whose model follows from a state.

    A class names the attributes of its model in `_deferred` and makes all of them in
    `_make_model`, from the state alone, so that it does not matter when that happens. A model
    that cannot be made must be refused by the learning method.

    Where `_follows_parameters`, those that are set later count for the model, whether somebody
    has read it before or not.
    """

    _deferred: ClassVar[tuple[str, ...]] = ()
    _follows_parameters: ClassVar[bool] = False

    @abstractmethod
    def _make_model(self) -> None:
        """Set every attribute that `_deferred` names."""

    def _defer_model(self) -> None:
        """Forget the model; it is made anew when an attribute of it is read."""
        for name in self._deferred:
            self.__dict__.pop(name, None)
        self._is_stale = True

    def __getattr__(self, name: str) -> Any:
        # Python asks here only for what no instance or class attribute answers.
        if name in type(self)._deferred:
            if self.__dict__.get("_is_stale", False):
                self._make_or_raise()
                self._is_stale = False
            if name in self.__dict__:  # made here, or by another thread meanwhile
                return self.__dict__[name]
        return object.__getattribute__(self, name)  # raises what has led here: it says why

    def __dir__(self) -> Iterable[str]:
        waiting = self._deferred if self.__dict__.get("_is_stale", False) else ()
        return [*super().__dir__(), *(name for name in waiting if not name.startswith("_"))]

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            By name.

        Returns
        -------
        self : estimator
        """
        super().set_params(**params)  # type: ignore[misc]  # of scikit-learn's BaseEstimator
        was_read = self.__dict__.get("_is_stale") is False
        if params and was_read and self._follows_parameters:
            self._defer_model()
        return self

    def _make_or_raise(self) -> None:
        try:
            self._make_model()
        except AttributeError as error:  # would look as if there were no model
            raise RuntimeError("the model could not be made") from error
