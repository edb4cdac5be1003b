"""Parameters that were set but that a fit does not use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from algos._common.base import defaults_of, is_same
from algos._common.warn import warn


def given_among(estimator: Any, unused: Mapping[str, str]) -> dict[str, str]:
    """Return the unused parameters that differ from their defaults, with what would use each."""
    owner: Any = type(estimator)
    defaults = defaults_of(owner)
    return {
        name: use
        for name, use in unused.items()
        if name in defaults and not is_same(getattr(estimator, name), defaults[name])
    }


def warn_of_unused(estimator: Any, fit: str, unused: Mapping[str, str]) -> None:
    """Warn about parameters that were set but that this fit does not use.

    Parameters
    ----------
    estimator : estimator
    fit : str
        Describes the fit, after the estimator's name: "with solver='als'".
    unused : mapping of str to str
        What does use each parameter, by name.
    """
    given = given_among(estimator, unused)
    if given:
        names = ", ".join(f"`{name}` (only used with {use})" for name, use in given.items())
        warn(
            f"{type(estimator).__name__} {fit} does not use {names}; remove it, "
            f"or change the setting that it needs"
        )
