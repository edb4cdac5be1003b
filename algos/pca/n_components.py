"""The number of components: what `n_components` requests, and what the data allows."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from algos.pca.solvers import TRUNCATED
from algos.pca.spectrum import Spectrum, count_by_evidence, count_for_ratio


def known_count(wanted: Any, n: int, d: int, solver: str | None = None) -> int | None:
    """Return the number of components, or None if it depends on the eigenvalues."""
    if wanted is None:
        return min(n, d) - 1 if solver == "arpack" else min(n, d)
    return int(wanted) if isinstance(wanted, Integral) else None


def wanted_share(wanted: Any) -> float | None:
    """Return the share of the variance that the components are to explain, if it is given."""
    return float(wanted) if isinstance(wanted, Real) and not isinstance(wanted, Integral) else None


def found_count(wanted: Any, spectrum: Spectrum, n: int) -> int:
    """Return the number of components of `n` rows with this spectrum."""
    variances, components, total = spectrum
    if wanted == "mle":
        return count_by_evidence(variances, n)
    if isinstance(wanted, Integral):
        return int(wanted)
    most = min(n, components.shape[1])
    if wanted is not None:
        return min(count_for_ratio(variances, total, float(wanted)), most)
    return min(len(variances), most)


def rows_needed(wanted: Any, d: int) -> int:
    """Return the minimum number of rows that a stream needs for its components."""
    if isinstance(wanted, Integral):
        return max(2, int(wanted))
    return max(2, d) if wanted == "mle" else 2


def check_count(wanted: Any, n: int, d: int, solver: str) -> None:
    """Raise ValueError if the solver cannot find so many components of n rows, d columns."""
    most = min(n, d)
    truncated = solver in (*TRUNCATED, "sketch")
    if wanted == "mle" and not truncated:
        if n < d:
            raise ValueError(
                f"n_components='mle' is only supported if n_samples >= n_features: "
                f"`n_components`='mle' must be a number for {n} rows and {d} columns; "
                f"pass more rows, or write n_components=0.95"
            )
        return
    if truncated and wanted is not None and not isinstance(wanted, Integral):
        raise ValueError(
            f"`n_components`={wanted!r} must be an int between 1 and "
            f"min(n_samples, n_features)={most} with svd_solver={solver!r}; "
            f'write svd_solver="auto"'
        )
    if not isinstance(wanted, Integral):
        if solver == "arpack" and most < 2:
            raise ValueError(
                f'`n_components`=None with svd_solver="arpack" is one less than '
                f'min(n_samples, n_features)={most}, which is 0; write svd_solver="auto"'
            )
        return
    low = 1 if truncated else 0
    if not low <= int(wanted) <= most:
        raise ValueError(
            f"`n_components`={wanted!r} must be between {low} and "
            f"min(n_samples, n_features)={most} with svd_solver={solver!r}; "
            f"write n_components=None for all of them"
        )
    if solver == "arpack" and wanted == most:
        raise ValueError(
            f"`n_components`={wanted!r} must be strictly less than both n_samples={n} "
            f"and n_features={d} with svd_solver='arpack'; write svd_solver=\"auto\""
        )
