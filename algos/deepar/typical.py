"""How large a series is that nothing is known of but what belongs to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_ROUNDS = 4


def fit_levels(
    logs: Doubles, codes: NDArray[np.int32], cardinalities: list[int], static: Doubles
) -> tuple[list[Doubles], Doubles]:
    """Return what categories and numbers add to the logarithm of a series' scale.

    An additive model, each part of which is fitted in turn to what the others leave, as if
    there were one series more in each category, and of each number, that has no effect.

    Parameters
    ----------
    logs : ndarray of shape (n_series,), dtype float64
        Less their typical value.
    codes : ndarray of shape (n_series, n_categories), dtype int32
    cardinalities : list of int
    static : ndarray of shape (n_series, n_static), dtype float64
        Standardised.

    Returns
    -------
    effects : list of ndarray of shape (cardinality + 1,), dtype float64
        The last one is that of an unknown category, 0.
    slopes : ndarray of shape (n_static,), dtype float64
    """
    effects = [np.zeros(count + 1) for count in cardinalities]
    slopes = np.zeros(static.shape[1])
    left = logs.copy()
    for _ in range(_ROUNDS):
        for feature, effect in enumerate(effects):
            code = codes[:, feature]
            left += effect[code]
            sums = np.bincount(code, left, len(effect))
            effect[:] = sums / (np.bincount(code, minlength=len(effect)) + 1)
            left -= effect[code]
        for feature in range(len(slopes)):
            column = static[:, feature]
            left += slopes[feature] * column
            slopes[feature] = (column * left).sum() / ((column * column).sum() + 1)
            left -= slopes[feature] * column
    return effects, slopes


def level_of(
    effects: list[Doubles], slopes: Doubles, codes: NDArray[np.int32], static: Any
) -> Doubles:
    """Return what the categories and numbers of series add to the logarithm of their scale."""
    level = np.zeros(len(codes))
    for feature, effect in enumerate(effects):
        level += effect[codes[:, feature]]
    for feature, slope in enumerate(slopes):
        level += slope * static[:, feature]
    return level
