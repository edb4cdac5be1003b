"""Parameters that were given and that a fit has not used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from algos._common.base import defaults_of, is_same
from algos._common.warn import warn


def given_among(estimator: Any, unused: Mapping[str, str]) -> dict[str, str]:
    """Return those of the parameters that differ from their defaults, with what uses each."""
    owner: Any = type(estimator)
    defaults = defaults_of(owner)
    return {
        name: use
        for name, use in unused.items()
        if name in defaults and not is_same(getattr(estimator, name), defaults[name])
    }


def warn_of_unused(estimator: Any, fit: str, unused: Mapping[str, str]) -> None:
    """Warn of parameters that were given, and that a fit does not use.

    Parameters
    ----------
    estimator : estimator
    fit : str
        What it was, after the estimator's name, as in "with solver='als'".
    unused : mapping of str to str
        By the names of parameters, what does use them.
    """
    given = given_among(estimator, unused)
    if given:
        names = ", ".join(f"`{name}` (only used with {use})" for name, use in given.items())
        warn(
            f"{type(estimator).__name__} {fit} does not use {names}; leave out what says nothing, "
            f"or choose another"
        )
