"""The likelihoods: their values, and the meaning of the network's raw outputs.

The formulas are in `algos/_cython/_deepar_likelihood.h` only. With s+ the softplus
of a raw output and ν the scale of its window:

=================  =================================  ====================  ===============
name               distribution                       values                raw outputs are
=================  =================================  ====================  ===============
gaussian           N(m, s²)                           real, in units of ν   m, s+
student_t          m + s t(n), n above 2              real, in units of ν   m, s+, 2 + s+
negative_binomial  of mean μ and variance μ + α μ²    counts, as given      ν s+, s+ / √ν
poisson            of mean μ                          counts, as given      ν s+
beta               B(p, q)                            shares, as given      s+, s+
deterministic_l1   none: m is the median              real, in units of ν   m
=================  =================================  ====================  ===============
"""

from __future__ import annotations

from typing import NamedTuple


class Likelihood(NamedTuple):
    """The conditional distribution of a step's value.

    Attributes
    ----------
    name : str
    code : int
        The number that kernels know it by.
    n_outputs : int
        Raw outputs of the network for each step.
    values : {"real", "count", "share"}
        Any numbers, those from 0 on, or those in [0, 1].
    """

    name: str
    code: int
    n_outputs: int
    values: str

    @property
    def is_scaled(self) -> bool:
        """Whether values are in units of their window's scale; else they are as given."""
        return self.values == "real"

    @property
    def spread(self) -> int | None:
        """The raw output that sets the width of the distribution and not its location."""
        return 1 if self.n_outputs > 1 and self.values != "share" else None


LOCATION = 0  # the raw output that is the location of a distribution of real values

# By code: the order is that of `algos/_cython/_deepar_likelihood.h`.
OF_CODE = (
    Likelihood("gaussian", 0, 2, "real"),
    Likelihood("student_t", 1, 3, "real"),
    Likelihood("negative_binomial", 2, 2, "count"),
    Likelihood("poisson", 3, 1, "count"),
    Likelihood("beta", 4, 2, "share"),
    Likelihood("deterministic_l1", 5, 1, "real"),
)
LIKELIHOODS = {likelihood.name: likelihood for likelihood in OF_CODE}
DETERMINISTIC = LIKELIHOODS["deterministic_l1"].code
NOT_NEGATIVE = tuple(one.name for one in OF_CODE if one.values != "real")
