"""What "auto" stood for in a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.verbose import say

_WHOLE = 12  # values of an array that are shown one by one


def keep_automatic(estimator: Any, used: Mapping[str, Any], *, tells: bool = True) -> None:
    """Keep as `auto_params_`, and print, what was used where nothing was asked for.

    Parameters
    ----------
    estimator : estimator
    used : mapping of str to value
        What the fit has used, by the names of parameters. Those that were given as "auto", or
        as None where the room names them, are kept; the value could be given in their place.
    tells : bool, default=True
        Whether it is printed, if `verbose` asks.
    """
    chosen = automatic(estimator, used)
    estimator.auto_params_ = chosen
    if chosen and tells:
        say(estimator, "auto: " + ", ".join(f"{k}={_shown(v)}" for k, v in chosen.items()))


def automatic(estimator: Any, used: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `auto_params_` of a fit that has used these values: copies where arrays."""
    given = {name: getattr(estimator, name) for name in used}
    chosen = {name: used[name] for name, value in given.items() if value is None or _is_auto(value)}
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in chosen.items()}


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _shown_array(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {_shown(v)}" for k, v in value.items()) + "}"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _shown_array(values: NDArray[Any]) -> str:
    """Return an array as a list; of a long one both ends, or how many groups its labels make."""
    shown = [_shown(value) for value in values.tolist()]
    if len(shown) <= _WHOLE:
        return f"[{', '.join(shown)}]"
    n_different = len(np.unique(values))
    if n_different < len(shown):
        return f"array of {n_different} labels"
    ends = [*shown[: _WHOLE // 2], "…", shown[-1]]
    return f"[{', '.join(ends)}] ({len(shown)} values)"
