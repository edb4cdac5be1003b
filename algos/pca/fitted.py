"""Fitted attributes from a spectrum, in the dtype and units of the data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from algos._common.scale import scaled
from algos.pca.moments import unscaled_squares
from algos.pca.n_components import found_count
from algos.pca.solvers import Decomposition
from algos.pca.spectrum import with_fixed_signs


def fitted_attributes(
    found: Decomposition, wanted: Any, n: int, dtype: Any, solver: str
) -> dict[str, Any]:
    """Return the fitted attributes of PCA by name.

    Parameters
    ----------
    found : Decomposition
    wanted : int, float, "mle" or None
        `n_components` of `PCA`.
    n : int
        Number of rows.
    dtype : dtype
        Of the rows, and so of the attributes.
    solver : str
        The solver that computed the decomposition.
    """
    variances, components, total = found.spectrum
    count = found_count(wanted, found.spectrum, n)
    left = min(n, components.shape[1]) - count
    noise = max(total - float(variances[:count].sum()), 0.0) / left if left > 0 else 0.0
    kept = variances[:count]
    with np.errstate(over="ignore"):
        in_data_units = unscaled_squares(kept, found.exponent).astype(dtype)
    check_range(in_data_units)
    ratio = kept / total if total > 0 else np.zeros(count)
    return {
        "n_samples_": n,
        "n_components_": count,
        "mean_": scaled(found.mean, -found.exponent).astype(dtype),
        "components_": with_fixed_signs(components[:count]).astype(dtype, order="C"),
        "explained_variance_": in_data_units,
        "explained_variance_ratio_": ratio.astype(dtype),
        "singular_values_": scaled(np.sqrt(kept * (n - 1)), -found.exponent).astype(dtype),
        "noise_variance_": float(np.ldexp(noise, 2 * found.exponent)),
        "svd_solver_": solver,
    }


def check_range(variances: Any) -> None:
    """Raise ValueError if a variance overflows its dtype."""
    if np.all(np.isfinite(variances)):
        return
    dtype = variances.dtype
    remedy = "divide X by a constant"
    if dtype.itemsize < 8:
        remedy = f"pass float64, or {remedy}"
    raise ValueError(
        f"the variance of X must be at most {np.finfo(dtype).max:.1e}, the largest {dtype}; "
        f"{remedy}"
    )


def check_total(total: float) -> None:
    """Raise ValueError if a sum of squares overflows float64."""
    if not math.isfinite(total):
        check_range(np.float64(total))
