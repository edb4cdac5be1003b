"""The formula of a factorization machine's scores as two products by scipy."""

from __future__ import annotations

import numpy as np
from scipy.special import expit


class Adapter:
    """x·w + (|x V|² - x²·v²) / 2, of coefficients drawn at random, float32."""

    title = "scipy, two products"

    def version(self) -> str:
        import scipy

        return scipy.__version__

    def fm_scores(self, X_test, n_factors, **others):
        """The chances of many rows."""
        rng = np.random.default_rng(0)
        factors = 0.1 * rng.standard_normal((X_test.shape[1], n_factors), dtype=np.float32)
        linear = 0.1 * rng.standard_normal(X_test.shape[1], dtype=np.float32)
        squares = (factors**2).sum(axis=1)

        def run():
            total = X_test @ factors
            scores = X_test @ linear + (np.einsum("ij,ij->i", total, total)) / 2
            scores -= (X_test.power(2) @ squares) / 2
            return {"chances": expit(scores), "rows": X_test.shape[0], "of": X_test.shape[0]}

        return run
