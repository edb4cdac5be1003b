"""xLearn: stochastic steps in C++, from files."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import dump_svmlight_file

from benchmarks.peers.factorization_machines import FactorizationMachines


class Adapter(FactorizationMachines):
    """xLearn, by AdaGrad and without instance-wise normalisation, which harms one-hot rows."""

    title = "xLearn"
    fm_scores = fm_row = None  # through files of rows and of answers

    def __init__(self) -> None:
        os.environ.setdefault("USER", "benchmark")  # it aborts without
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # made for the first file
        self._names = itertools.count()

    def version(self) -> str:
        from importlib.metadata import version

        import xlearn  # noqa: F401

        return version("xlearn")

    def _new(self, kind):
        self._folder = self._folder or tempfile.TemporaryDirectory()
        return str(Path(self._folder.name) / f"{kind}-{next(self._names)}")

    def rows(self, X, y=None):
        """Return the name of a file of these rows."""
        name = self._new("rows")
        dump_svmlight_file(X, np.zeros(X.shape[0]) if y is None else y, name)
        return name

    def rater(self, n_factors, seed, n_jobs, *, way="defaults", sweeps=None, sizes=None):
        if way != "defaults":
            return None
        return self._learner({"task": "reg", "k": n_factors}, n_jobs)

    def clicker(
        self, n_factors, seed, n_jobs, *, setting=None, way="defaults", sweeps=None, sizes=None
    ):
        if way == "gibbs":
            return None
        parameters = {"task": "binary", "k": n_factors}
        if setting is not None:
            parameters |= {
                "lr": setting.learning_rate,
                "lambda": setting.alpha,
                "epoch": setting.epochs,
            }
        return self._learner(parameters, n_jobs, fixed=setting is not None)

    def _learner(self, parameters, n_jobs, fixed=False):
        import xlearn

        threads = n_jobs or len(os.sched_getaffinity(0))
        parameters = {**parameters, "metric": "none", "opt": "adagrad", "nthread": threads}

        def learn(file, y):
            learner, model = xlearn.create_fm(), self._new("model")
            learner.setQuiet()
            learner.disableNorm()
            if fixed:
                learner.disableEarlyStop()
            learner.setTrain(file)
            learner.fit(parameters, model)

            def answer(asked):
                out = self._new("answers")
                learner.setTest(asked)
                if parameters["task"] == "binary":
                    learner.setSigmoid()
                learner.predict(model, out)
                return np.loadtxt(out)

            return answer

        return learn
