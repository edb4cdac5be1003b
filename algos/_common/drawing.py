"""What displays have in common."""

import importlib


def require_matplotlib(caller: str) -> None:
    """Raise ImportError with the remedy if matplotlib is not installed."""
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib; install it with `pip install matplotlib`"
        ) from error
