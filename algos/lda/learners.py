"""Which learner stands behind each `learning_method`."""

from __future__ import annotations

from collections.abc import Callable

from algos.lda import cvb0, spectral
from algos.lda.parameters import Learned
from algos.lda.variational import learn_batch, learn_online

Learner = Callable[..., Learned]

VARIATIONAL = ("batch", "online")

LEARNERS: dict[str, Learner] = {
    "batch": learn_batch,
    "online": learn_online,
    "cvb0": cvb0.learn,
    "spectral": spectral.learn,
}


def choose_method(given: str) -> tuple[str, str]:
    """Return the method that stands for "auto", and why; the reason of another is empty."""
    if given != "auto":
        return given, ""
    return "cvb0", "it comes to the best held-out likelihood, and soonest"
