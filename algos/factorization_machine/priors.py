"""What the priors of groups of columns are, given the columns' parameters.

The parameters θ of one coordinate in one group are normal, of mean μ and precision λ, with

  λ ~ Gamma(1/2, 1/2),   μ | λ ~ N(0, 1/λ)

(Rendle, "Factorization machines with libFM", ACM TIST 3, 2012, section 4.4, with libFM's
constants).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.fields import Groups

Doubles = NDArray[np.float64]

_SHAPE, _RATE = 1.0, 1.0  # twice those of the precisions
_MEAN_WEIGHT = 1.0  # columns that the prior mean of 0 counts as
_MOST = 1e12  # precision, with which float64 still solves for the others


class Prior(NamedTuple):
    """Priors of all coordinates.

    Attributes
    ----------
    means, penalties : ndarray of shape (n_groups, n_factors + 1)
        Means and precisions, of the linear terms last.
    """

    means: Doubles
    penalties: Doubles

    @classmethod
    def flat(cls, n_groups: int, n_factors: int, alpha: float, alpha_linear: float) -> Prior:
        """Return fixed penalties about zero."""
        penalties = np.full((n_groups, n_factors + 1), float(alpha))
        penalties[:, -1] = alpha_linear
        return cls(np.zeros_like(penalties), penalties)


def draw_prior(
    sweeper: Sweeper, groups: Groups, sizes: Doubles, prior: Prior, rng: np.random.Generator
) -> Prior:
    """Draw precisions given means, then means, all given the parameters.

    Parameters
    ----------
    sweeper : Sweeper
    groups : ndarray of shape (n_columns,)
    sizes : ndarray of shape (n_groups,)
        Columns of each group.
    prior : Prior
        The one before.
    rng : Generator
    """
    size = sizes[:, np.newaxis]
    sums, squares = sweeper.moments(groups, prior.means)
    away = squares + _MEAN_WEIGHT * prior.means**2
    gammas = rng.standard_gamma(np.broadcast_to((_SHAPE + size + 1) / 2, away.shape))
    penalties = np.minimum(gammas * 2 / (_RATE + away), _MOST)
    total = size + _MEAN_WEIGHT
    means = (sums + size * prior.means) / total
    means += rng.standard_normal(means.shape) / np.sqrt(total * penalties)
    return Prior(means, penalties)
