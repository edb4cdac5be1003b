"""Which learner stands behind each `learning_method`."""

from __future__ import annotations

from collections.abc import Callable

from algos.lda import plain
from algos.lda.parameters import Learned

Learner = Callable[..., Learned]

VARIATIONAL = ("batch", "online")

LEARNERS: dict[str, Learner] = {
    "batch": plain.learn,
    "online": plain.learn,
    "cvb0": plain.learn,
    "spectral": plain.learn,
}


def choose_method(given: str) -> tuple[str, str]:
    """Return the method that stands for "auto", and why."""
    if given != "auto":
        return given, "as asked for"
    return "cvb0", "it comes to the best held-out likelihood, and soonest"
