"""scikit-learn's TruncatedSVD, which many take for sparse rows though it centres none."""

from __future__ import annotations

from scipy.sparse import issparse


class Adapter:
    """TruncatedSVD."""

    title = "TruncatedSVD"

    def version(self) -> str:
        import sklearn

        return sklearn.__version__

    def pca_fit(self, X, n_components, n_jobs, **others):
        """A fit with defaults, of sparse rows only."""
        if not issparse(X):
            return None
        from sklearn.decomposition import TruncatedSVD

        model = TruncatedSVD(n_components, random_state=0)

        def run():
            model.fit(X)
            return {
                "variances": model.explained_variance_,
                "components": model.components_,
                "note": "not centred",
            }

        return run
