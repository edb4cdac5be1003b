"""Inherited methods, renamed after the public class so that errors of wrong calls name it."""

from __future__ import annotations

import inspect
from types import CellType, FunctionType
from typing import Any, TypeVar

Kind = TypeVar("Kind", bound=type)


def named(kind: Kind) -> Kind:
    """Redefine the inherited public methods of a class under its own name; a decorator.

    Python's error for a wrong call names the class where the method was written, such as
    `Fitted.predict()`; users know `KMeans.predict()`.
    """
    for name in dir(kind):
        method: Any = inspect.getattr_static(kind, name)
        if name.startswith("_") or name in vars(kind) or not _is_ours(method):
            continue
        if isinstance(method, FunctionType):
            setattr(kind, name, renamed(method, kind))
        elif hasattr(method, "renamed"):  # a descriptor that has a function inside
            setattr(kind, name, method.renamed(kind))
    return kind


def _is_ours(method: Any) -> bool:
    return str(getattr(method, "__module__", None)).startswith("algos.")


def renamed(function: Any, kind: type) -> FunctionType:
    """Return a copy of a method whose qualified name is that of `kind`, decorated ones too."""
    layers = (_layer(cell, function, kind) for cell in function.__closure__ or ())
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        tuple(layers) or None,
    )
    copy.__dict__.update(function.__dict__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__doc__ = function.__doc__
    copy.__module__ = kind.__module__
    copy.__qualname__ = f"{kind.__qualname__}.{function.__name__}"
    return copy


def _layer(cell: CellType, function: FunctionType, kind: type) -> CellType:
    """Return the cell; if it holds the decorated function, with that renamed."""
    inside = cell.cell_contents
    if isinstance(inside, FunctionType) and inside.__qualname__ == function.__qualname__:
        return CellType(renamed(inside, kind))
    return cell
