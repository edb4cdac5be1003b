"""Fitted attributes that are made when they are first read.

A stream of small batches asks for its model far less often than it learns: `partial_fit` and
`merge` update the state and forget the model, and whoever reads it has it made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class Deferred(ABC):
    """Base of estimators whose model follows from a state.

    A class names the attributes of its model in `_deferred` and makes all of them in
    `_make_model`, from the state alone, so that it does not matter when that happens. A model
    that cannot be made must be refused by the learning method.
    """

    _deferred: ClassVar[tuple[str, ...]] = ()

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
                self.__dict__.pop("_is_stale", None)
            if name in self.__dict__:  # made here, or by another thread meanwhile
                return self.__dict__[name]
        return object.__getattribute__(self, name)  # raises what has led here: it says why

    def _make_or_raise(self) -> None:
        try:
            self._make_model()
        except AttributeError as error:  # would look as if there were no model
            raise RuntimeError("the model could not be made") from error
