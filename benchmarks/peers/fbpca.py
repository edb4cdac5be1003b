"""fbpca: randomized PCA by two power iterations, of dense and sparse rows."""

from __future__ import annotations


class Adapter:
    """fbpca; its threads are those of numpy's BLAS, which the environment sets."""

    title = "fbpca"

    def version(self) -> str:
        from importlib.metadata import version

        import fbpca  # noqa: F401

        return version("fbpca")

    def pca_fit(self, X, n_components, n_jobs, n_iter=2, **others):
        """A fit with defaults."""
        import numpy as np
        from fbpca import pca

        def run():
            np.random.seed(0)  # it draws from numpy's global state  # noqa: NPY002
            _, values, vectors = pca(X, n_components, n_iter=n_iter)
            return {"variances": values**2 / (X.shape[0] - 1), "components": vectors}

        return run

    def pca_sketch(self, X, n_components, n_jobs, n_power=0, **others):
        """Two passes, and two more for each power iteration."""
        return self.pca_fit(X, n_components, n_jobs, n_iter=n_power)
