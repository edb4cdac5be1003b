"""Drawing the priors of groups of columns, given the columns' parameters.

The parameters θ of one coordinate in one group are normal, of mean μ and precision λ, with

  λ ~ Gamma(3, rate / 2),   μ | λ ~ N(0, 1/λ)

(Rendle, "Factorization machines with libFM", ACM TIST 3, 2012, section 4.4). For hundreds of
users and items, any shape of the gamma distribution does. The shape matters for groups on which
the rows have little information, for instance if columns outnumber rows: under libFM's
Gamma(1/2, 1/2) the variance 1/λ has no mean, and few rows do not bound it.
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.fields import Groups
from algos.factorization_machine.rows import Rows, power_of_two

SHAPE = 6.0  # twice that of the precisions
_ROWS_A_COLUMN = 10  # rows per column from which on rates are not lowered
_RARE = 0.1  # share of the rows below which a column with a value is rare
_FEW_RARE = 1.5  # mean number of rare columns in a row below which their pairs matter little
_MEAN_WEIGHT = 1.0  # weight, in columns, of the prior mean of 0
_LEAST = sys.float_info.min  # smallest rate, for values whose squares overflow
_MOST = 1e12  # largest precision, beside which float64 still resolves the others


class Prior(NamedTuple):
    """Priors of all coordinates.

    Attributes
    ----------
    means, penalties : ndarray of shape (n_groups, n_factors + 1)
        Means and precisions, of the linear terms last.
    """

    means: Float64Array
    penalties: Float64Array

    @classmethod
    def flat(cls, n_groups: int, n_factors: int, alpha: float, alpha_linear: float) -> Prior:
        """Return fixed penalties with mean zero."""
        penalties = np.full((n_groups, n_factors + 1), float(alpha))
        penalties[:, -1] = alpha_linear
        return cls(np.zeros_like(penalties), penalties)

    def with_linear_of(self, other: Prior) -> Prior:
        """Return these priors of factors with the other's of coefficients."""
        kept = zip(self, other, strict=True)
        return Prior(*(np.hstack([mine[:, :-1], its[:, -1:]]) for mine, its in kept))


def prior_rates(rows: Rows) -> tuple[float, float]:
    """Return the rates of factors and of coefficients, below `unit_rates` if rows are few.

    With fewer rows than columns, the prior alone bounds most directions of the parameters, and
    a chain that wanders along them predicts worse than a constant. So a narrower prior is used.

    This does not apply to coefficients of dense columns: there the precision is drawn large enough
    in time, but never leaves a narrow prior. With 200 rows and columns, eight of which matter, R2
    is .65, and .08 with the smaller rate; if none matters, the error is up to .03 higher.
    """
    share = min(1.0, rows.n / max(_ROWS_A_COLUMN * rows.n_columns, 1))
    factors, linear = unit_rates(rows)
    return factors * share, linear * (share if rows.is_mostly_zeros else 1.0)


def starts_wide(rows: Rows) -> bool:
    """Tell whether the first sweep keeps the standard normal prior of coefficients of zero.

    From zeros, a huge precision is drawn, which keeps the coefficients small for hundreds of
    sweeps. If rows hold pairs of rare columns, their factors lead out of this funnel, and better
    without large coefficients: the log loss on 10,000 rows of Frappe is .332 from a drawn precision
    and .340 from 1. For one column of 1500 levels in 3000 rows it is .692 (a constant is as good)
    and .628.
    """
    counts = rows.counts()
    in_rare = counts[counts < _RARE * rows.n].sum()
    return rows.is_mostly_zeros and bool(in_rare < _FEW_RARE * rows.n)


def unit_rates(rows: Rows) -> tuple[float, float]:
    """Return rates for which scores have the same size for rows of any length: 1 for two ones.

    Scores of rows with many values are sums of many terms. The prior should expect them to have
    the targets' size, whatever the number of terms.
    """
    if rows.stored == 0:
        return 1.0, 1.0
    unit, squares = 1.0, np.ones(rows.stored)
    if rows.values is not None:  # divided by a power of two, so that fourth powers do not overflow
        unit = max(power_of_two(rows.values), 1.0)
        squares = np.square(rows.values / unit, dtype=float)
    owner = np.repeat(np.arange(rows.n), np.diff(rows.indptr))
    lengths = np.bincount(owner, squares, rows.n)
    pairs = (lengths**2 - np.bincount(owner, squares**2, rows.n)).mean() / 2
    factors = 1 / max(math.sqrt(max(pairs, 0.0)) * unit * unit, 1.0)
    linear = 2 / max(float(lengths.mean()) * unit * unit, 2.0)
    return max(factors, _LEAST), max(linear, _LEAST)


def draw_prior(
    sweeper: Sweeper,
    groups: Groups,
    sizes: Float64Array,
    prior: Prior,
    rates: tuple[float, float],
    rng: np.random.Generator,
) -> Prior:
    """Draw precisions given means, then means, all given the parameters.

    Parameters
    ----------
    sweeper : Sweeper
    groups : ndarray of shape (n_columns,)
    sizes : ndarray of shape (n_groups,)
        Number of columns of each group.
    prior : Prior
        The previous one.
    rates : (float, float)
        Rates of factors and of coefficients.
    rng : Generator
    """
    size = sizes[:, np.newaxis]
    sums, squares = sweeper.moments(groups, prior.means)
    away = squares + _MEAN_WEIGHT * prior.means**2
    rate = np.full(away.shape[1], rates[0])
    rate[-1] = rates[1]
    gammas = rng.standard_gamma(np.broadcast_to((SHAPE + size + 1) / 2, away.shape))
    penalties = np.minimum(gammas * 2 / (rate + away), _MOST)
    total = size + _MEAN_WEIGHT
    means = (sums + size * prior.means) / total
    means += rng.standard_normal(means.shape) / np.sqrt(total * penalties)
    return Prior(means, penalties)
