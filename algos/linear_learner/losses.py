"""The losses and their properties.

The formulas are implemented in `algos/_cython/_losses.h` only; z is the decision value
x·coef + intercept, r = y - z.

=============================  ==========================================  ==============
name                           loss                                        parameter
=============================  ==========================================  ==============
squared_error                  r²/2
absolute_error                 |r|
quantile                       q max(r, 0) + (1 - q) max(-r, 0)            q
epsilon_insensitive            max(|r| - ε, 0)                             ε
squared_epsilon_insensitive    max(|r| - ε, 0)²                            ε
huber                          r²/2 where |r| ≤ δ, else δ|r| - δ²/2        δ
poisson                        exp(z) - y z
gamma                          z + y exp(-z)
tweedie                        exp((2-p)z)/(2-p) - y exp((1-p)z)/(1-p)     p
log_loss                       log(1 + exp(-y z)), y in {-1, 1}
multinomial                    log Σ exp(z_k) - z_y, y in {0 … K-1}
hinge                          max(m - y z, 0)                             m
squared_hinge                  max(m - y z, 0)²                            m
perceptron                     max(-y z, 0)
=============================  ==========================================  ==============
"""

from __future__ import annotations

from typing import NamedTuple

# The order is that of `algos/_cython/_losses.h`.
CODES = {
    name: code
    for code, name in enumerate(
        (
            "squared_error",
            "absolute_error",
            "quantile",
            "epsilon_insensitive",
            "squared_epsilon_insensitive",
            "huber",
            "poisson",
            "gamma",
            "tweedie",
            "log_loss",
            "multinomial",
            "hinge",
            "squared_hinge",
            "perceptron",
        )
    )
}

# Piecewise linear losses, solved as linear or quadratic programs.
_KINKED = frozenset({"absolute_error", "quantile", "epsilon_insensitive", "hinge", "perceptron"})
# The mean is exp(z).
_LOG_LINK = frozenset({"poisson", "gamma", "tweedie"})
_OF_CLASSES = frozenset({"log_loss", "multinomial", "hinge", "squared_hinge", "perceptron"})
# Each dual variable is confined to an interval, or free.
_OF_BOXES = frozenset(CODES) - _LOG_LINK - {"multinomial", "perceptron"}


class Loss(NamedTuple):
    """One loss with its parameter.

    Attributes
    ----------
    name : str
    parameter : float
        The last column of the table above; 0 if there is none.
    """

    name: str
    parameter: float = 0.0

    @property
    def code(self) -> int:
        return CODES[self.name]

    @property
    def is_smooth(self) -> bool:
        return self.name not in _KINKED

    @property
    def has_log_link(self) -> bool:
        return self.name in _LOG_LINK

    @property
    def is_positive(self) -> bool:
        """Whether it is never below zero."""
        return not self.has_log_link

    @property
    def is_of_classes(self) -> bool:
        """Whether targets are -1 and 1, or class numbers for multinomial."""
        return self.name in _OF_CLASSES

    @property
    def is_joint(self) -> bool:
        """Whether the outputs of a row share one loss."""
        return self.name == "multinomial"

    @property
    def has_boxes(self) -> bool:
        """Whether dual coordinate descent can solve it."""
        return self.name in _OF_BOXES
