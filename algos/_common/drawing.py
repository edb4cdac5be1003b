"""Helpers of the Display classes."""

import importlib
from typing import Any


def require_matplotlib(caller: str) -> None:
    """Raise ImportError with the remedy if matplotlib is not installed."""
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib; install it with `pip install matplotlib`"
        ) from error


def axes_to_draw(caller: str, ax: Any) -> tuple[Any, Any]:
    """Return the axes to draw on, new ones where `ax` is None, and their figure."""
    require_matplotlib(caller)
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots()
    return ax, ax.figure
