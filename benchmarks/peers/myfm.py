"""myFM: Gibbs sampling in C++, one factor after another."""

from __future__ import annotations

import contextlib
import io
import os
import warnings

import numpy as np
from scipy import sparse

from benchmarks.peers.factorization_machines import FactorizationMachines


class Adapter(FactorizationMachines):
    """myFM; its sampler runs on one thread, and it keeps every draw after the burn-in."""

    title = "myFM"

    def version(self) -> str:
        from importlib.metadata import version

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pkg_resources
            import myfm  # noqa: F401
        return version("myfm")

    def rows(self, X, y=None):
        return sparse.csr_matrix(X, dtype=np.float64)

    def rater(self, n_factors, seed, n_jobs, *, way="defaults", sweeps=None, sizes=None):
        import myfm

        if way == "als":
            return None
        return self._learner(myfm.MyFMGibbsRegressor, n_factors, seed, n_jobs, sweeps, sizes)

    def clicker(
        self, n_factors, seed, n_jobs, *, setting=None, way="defaults", sweeps=None, sizes=None
    ):
        import myfm

        if setting is not None or way == "tuned":
            return None
        kind = myfm.MyFMGibbsClassifier
        return self._learner(kind, n_factors, seed, n_jobs, sweeps, sizes, chances=True)

    @staticmethod
    def _learner(kind, n_factors, seed, n_jobs, sweeps, sizes, chances=False):
        sweeps = {} if sweeps is None else {"n_iter": sweeps, "n_kept_samples": sweeps * 9 // 10}
        shapes = None if sizes is None else [int(size) for size in sizes]

        def learn(X, y):
            model = kind(rank=n_factors, random_seed=seed)
            with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
                model.fit(X, y, group_shapes=shapes, **sweeps)
            answer = model.predict_proba if chances else model.predict
            return lambda rows: answer(rows, n_workers=n_jobs or len(os.sched_getaffinity(0)))

        return learn
