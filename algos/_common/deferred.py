"""Fitted attributes that are computed when they are first read.

A stream of small batches is read far less often than it learns: `partial_fit` and `merge` update
the state and discard the model, which is computed again when it is next read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Self


class Deferred(ABC):
    """Base of estimators whose model is computed from a state on demand.

    A class lists the attributes of its model in `_deferred` and sets all of them in `_make_model`,
    from the state alone, so that it does not matter when that happens. If no model can be
    computed from a state, the learning method must raise.

    If `_follows_parameters`, parameters that are set later take effect, even if the model has
    been read already.
    """

    _deferred: ClassVar[tuple[str, ...]] = ()
    _follows_parameters: ClassVar[bool] = False

    @abstractmethod
    def _make_model(self) -> None:
        """Set every attribute that `_deferred` lists."""

    def _defer_model(self) -> None:
        """Discard the model; it is computed again when one of its attributes is read."""
        for name in self._deferred:
            self.__dict__.pop(name, None)
        self._is_stale = True

    def __getattr__(self, name: str) -> Any:
        # Python calls this only if neither the instance nor the class has the attribute.
        if name in type(self)._deferred:
            if self.__dict__.get("_is_stale", False):
                self._make_or_raise()
                self._is_stale = False
            if name in self.__dict__:  # set here, or by another thread meanwhile
                return self.__dict__[name]
        return object.__getattribute__(
            self, name
        )  # raises the error that led here, which has the reason

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
            raise RuntimeError("the model could not be computed") from error
