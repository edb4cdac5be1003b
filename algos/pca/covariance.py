"""svd_solver="covariance_eigh": eigenvectors of the covariance matrix."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from algos._common.threads import one_thread_blas
from algos.pca.moments import Moments
from algos.pca.spectrum import Spectrum


def solve(moments: Moments, count: int | None) -> Spectrum:
    """Return the `count` leading eigenpairs of the covariance; all for None."""
    d = len(moments.mean)
    covariance = moments.scatter / (moments.n - 1)
    total = float(np.trace(covariance))
    count = d if count is None else count
    few = count < d // 2
    if count == 0:
        return Spectrum(np.empty(0), np.empty((0, d)), total)
    with one_thread_blas():
        values, vectors = linalg.eigh(
            covariance,
            overwrite_a=True,
            check_finite=False,
            driver="evr" if few else "evd",
            subset_by_index=[d - count, d - 1] if few else None,
        )
    # The least eigenvalues of a matrix without negative ones may be so by rounding.
    variances = np.maximum(values[::-1][:count], 0)
    return Spectrum(variances, vectors.T[::-1][:count], total)
