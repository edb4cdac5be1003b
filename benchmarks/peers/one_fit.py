"""One of ours alone: what a pack of candidates is to be compared with."""

from __future__ import annotations


class Adapter:
    """algos, with the middle one of the candidates."""

    title = "algos, one model"

    def version(self) -> str:
        import algos

        return algos.__version__

    def linear_pack(self, X, y, X_val, y_val, alphas, loss, n_jobs, **others):
        """A single fit of the same loss."""
        from benchmarks.peers.our_linear_models import learner

        model = learner(loss, n_jobs, alpha=float(alphas[len(alphas) // 2]))

        def run():
            model.fit(X, y)
            return {"note": f"alpha {model.alpha:.2g}"}

        return run
