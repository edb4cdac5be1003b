"""Settings of stochastic steps: learning rates, batch sizes and initial values."""

from __future__ import annotations

from dataclasses import dataclass

OPTIMIZERS = ("adam", "sgd", "rmsprop", "adagrad")
# In standardised units, where a coefficient of 1 is a large one.
_AUTOMATIC_RATES = {"adam": 0.05, "sgd": 0.1, "rmsprop": 0.02, "adagrad": 0.3}
_ROWS = 1000  # in a step by default; streams start with
_FIRST_ROWS, _PARAMETERS_A_ROW = 10, 1000  # so many, or more if there are many parameters,
_GROWTH = 1 + 1 / 64  # and increase each step by this factor


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Settings of stochastic steps.

    Attributes
    ----------
    optimizer : str
        One of `OPTIMIZERS`.
    rate : float or None
        Initial learning rate; None depends on the optimizer.
    momentum : float
        Of "sgd".
    beta_1, beta_2 : float
        Of "adam".
    intercept_factor : float
        Factor of the learning rate for the intercept.
    intercept_l2 : float
    every, factor, least : int, float, float
        After each `every` steps the rate is multiplied by `factor`, down to `least`.
    batch_size : int or None
        Distinct rows in a step; None is automatic.
    patience, improvement : int, float
        A fit ends after `patience` epochs with a relative improvement below `improvement`.
    init : {"zeros", "uniform", "normal"}
        Initial coefficients; their half width or standard deviation is `init_scale`.
    init_intercept : float or None
        Initial intercept, for columns of mean 0; None for the best constant.
    """

    optimizer: str = "adam"
    rate: float | None = None
    momentum: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    intercept_factor: float = 10.0
    intercept_l2: float = 0.0
    every: int = 100
    factor: float = 0.99
    least: float = 1e-5
    batch_size: int | None = None
    patience: int = 3
    improvement: float = 1e-3
    init: str = "zeros"
    init_scale: float = 0.07
    init_intercept: float | None = None

    @property
    def first_rate(self) -> float:
        """The learning rate of the first step."""
        return _AUTOMATIC_RATES[self.optimizer] if self.rate is None else self.rate

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        first = self.first_rate
        return max(first * self.factor ** (step // self.every), min(self.least, first))

    def size_of_epochs(self) -> int:
        """Return the number of distinct rows in a step of an epoch."""
        return _ROWS if self.batch_size is None else self.batch_size

    def size_at(self, step: int, n_parameters: int) -> int:
        """Return the number of distinct rows in a step of a stream, counted from 0.

        Few at first, since a short stream needs many steps; more later, when the noise of gradients
        dominates.
        """
        if self.batch_size is not None:
            return self.batch_size
        first = max(_FIRST_ROWS, n_parameters // _PARAMETERS_A_ROW)
        return int(min(first * _GROWTH ** min(step, _ROWS), _ROWS))
