"""Printing for `verbose`: a line for each outer step at 1, for each inner step at 2."""

from __future__ import annotations

from typing import Any


def say(estimator: Any, text: str, *, level: int = 1, **numbers: float) -> None:
    """Print `[Class] text, name 1.234, …` if the estimator's `verbose` reaches `level`."""
    if estimator.verbose < level:
        return
    figures = "".join(f", {name} {value:.6g}" for name, value in numbers.items())
    print(f"[{type(estimator).__name__}] {text}{figures}")
