"""What "auto" stood for in a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from algos._common.verbose import say


def keep_automatic(estimator: Any, used: Mapping[str, Any]) -> None:
    """Keep as `auto_params_`, and print, what a fit has used where nothing was asked for.

    Parameters
    ----------
    estimator : estimator
    used : mapping of str to value
        What the fit has used, by the names of parameters. Those that were given as "auto", or
        as None where the room names them, are kept; the value could be given in their place.
    """
    given = {name: getattr(estimator, name) for name in used}
    chosen = {name: used[name] for name, value in given.items() if value is None or _is_auto(value)}
    estimator.auto_params_ = chosen
    if chosen:
        say(estimator, "auto: " + ", ".join(f"{k}={_shown(v)}" for k, v in chosen.items()))


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array of {len(np.unique(value))} labels"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
