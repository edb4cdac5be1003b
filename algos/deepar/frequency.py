"""Frequencies: how far apart the steps of a series are, and what repeats at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frequency:
    """The distance between two steps: a number of units.

    Attributes
    ----------
    unit : {"month", "day", "business day", "hour", "minute", "second"}
    n_units : int
    name : str
        As pandas spells it: "h", "15min", "QE" …
    """

    unit: str
    n_units: int
    name: str


def parse_frequency(freq: str) -> Frequency:
    """Return what a frequency string means, in pandas' old spelling or the new one."""
    raise NotImplementedError


def default_lags(freq: str | None, prediction_length: int) -> NDArray[np.int32]:
    """Return the lags whose values are inputs, ascending."""
    raise NotImplementedError


def check_lags(lags: object, freq: str | None, prediction_length: int) -> NDArray[np.int32]:
    """Return the parameter `lags` as an array: "auto" is `default_lags`."""
    raise NotImplementedError
