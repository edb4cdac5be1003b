"""The values that a fit chose for parameters given as "auto"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.verbose import say

_WHOLE = 12  # longer arrays are abbreviated


def keep_automatic(estimator: Any, used: Mapping[str, Any], *, tells: bool = True) -> None:
    """Store in `auto_params_`, and print, the values chosen for "auto" parameters.

    Parameters
    ----------
    estimator : estimator
    used : mapping of str to value
        Value that the fit used, by parameter. Those of parameters that are "auto" (or None) are
        stored; passing a stored value as the parameter gives the same fit.
    tells : bool, default=True
        Whether to print them if `verbose` is set.
    """
    chosen = automatic(estimator, used)
    estimator.auto_params_ = chosen
    if chosen and tells:
        say(estimator, "auto: " + ", ".join(f"{k}={_shown(v)}" for k, v in chosen.items()))


def automatic(estimator: Any, used: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `auto_params_` of a fit that used these values; arrays are copied."""
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
    """Format an array as a list; a long one by its ends, or by its number of distinct labels."""
    shown = [_shown(value) for value in values.tolist()]
    if len(shown) <= _WHOLE:
        return f"[{', '.join(shown)}]"
    n_different = len(np.unique(values))
    if n_different < len(shown):
        return f"array of {n_different} labels"
    ends = [*shown[: _WHOLE // 2], "…", shown[-1]]
    return f"[{', '.join(ends)}] ({len(shown)} values)"
