"""The tasks of factorization machines.

Libraries differ in all but this: they learn rows and then answer for others. So a subclass
gives functions that learn, each of which returns the function that answers, and what cannot be
done is None. Rows are converted (`rows`) before anything is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import recommenders
from benchmarks.peers.estimators import quietly

Run = Callable[[], dict[str, Any]]
Answer = Callable[[Any], Any]
Learn = Callable[[Any, Any], Answer]


class FactorizationMachines:
    """Tasks by `rater`, `clicker` and `ranker`, where a library has them."""

    def rater(
        self, n_factors: int, seed: int, n_jobs: int | None, *, way: str = "defaults",
        sweeps: int | None = None, sizes: Any = None,
    ) -> Learn | None:  # fmt: skip
        """Return how to learn ratings: with defaults, or by "gibbs" or "als" for some sweeps."""
        return None

    def clicker(
        self, n_factors: int, seed: int, n_jobs: int | None, *, setting: Any = None,
        way: str = "defaults", sweeps: int | None = None, sizes: Any = None,
    ) -> Learn | None:  # fmt: skip
        """Return how to learn labels 0 and 1, and to answer with chances.

        With defaults, by adaptive steps of a setting, or by "gibbs" for some sweeps.
        """
        return None

    def rows(self, X: Any, y: Any = None) -> Any:
        """Return rows as the library wants them."""
        return X

    def fm_ratings(
        self, X, y, fold, n_factors, n_jobs, n_seeds=1, way="defaults", sweeps=None, sizes=None,
        **others,
    ) -> Run | None:  # fmt: skip
        """Fits to all rows but a fold's, and predictions of these, for each fold and seed."""
        learners = [
            self.rater(n_factors, seed, n_jobs, way=way, sweeps=sweeps, sizes=sizes)
            for seed in range(n_seeds)
        ]
        if learners[0] is None:
            return None
        parts = []
        for number in range(fold.max() + 1):
            learned, asked = fold != number, fold == number
            rows = self.rows(X[learned], y[learned]), y[learned], self.rows(X[asked])
            parts.append((*rows, asked))

        def run():
            found = np.full((n_seeds, len(y)), np.nan)
            for learn, predictions in zip(learners, found, strict=True):
                for rows, target, others, asked in parts:
                    predictions[asked] = quietly(lambda: learn(rows, target))(others)  # noqa: B023
            return {"predictions": found}

        return run

    def fm_clicks(
        self, X, y, X_val, y_val, X_test, n_factors, n_jobs, way="defaults", sweeps=None,
        sizes=None, **others,
    ) -> Run | None:  # fmt: skip
        """A fit and the chances of other rows; `way` "tuned" takes the grid's best setting."""
        tuned = way == "tuned"
        rows, held, asked = self.rows(X, y), self.rows(X_val), self.rows(X_test)

        def learner(setting):
            return self.clicker(
                n_factors, 0, n_jobs, setting=setting, way=way, sweeps=sweeps, sizes=sizes
            )

        if learner(recommenders.GRID[0] if tuned else None) is None:
            return None
        setting = None
        if tuned:
            setting = recommenders.chosen(
                f"{self.title} {self.version()} {X.shape} {n_factors}",
                lambda trial: recommenders.log_loss(y_val, learner(trial)(rows, y)(held)),
            )
        learn = learner(setting)

        def run():
            chances = quietly(lambda: learn(rows, y))(asked)
            return {"chances": chances} | ({"note": str(setting)} if tuned else {})

        return run

    def fm_epochs(self, X, y, X_test, n_factors, n_epochs, n_jobs, **others) -> Run | None:
        """One epoch of adaptive steps, then some from the start again: the difference tells."""
        one, many = (
            self.clicker(
                n_factors, 0, n_jobs, setting=recommenders.Setting(0.01, 1e-3, epochs), way="tuned"
            )
            for epochs in (1, 1 + n_epochs)
        )
        if one is None or many is None:
            return None
        rows, asked, speeds = self.rows(X, y), self.rows(X_test), []

        def run():
            begin = time.perf_counter()
            one(rows, y)
            between = time.perf_counter()
            answer = many(rows, y)
            spent = (time.perf_counter() - between) - (between - begin)
            speeds.append(X.nnz * n_epochs / max(spent, 1e-9))
            return {"chances": answer(asked), "speed": statistics.median(speeds)}

        return run

    def fm_scores(self, X, y, X_test, n_factors, n_jobs, **others) -> Run | None:
        """The chances of many rows by a model of one epoch."""
        learn = self.clicker(
            n_factors, 0, n_jobs, setting=recommenders.Setting(0.01, 1e-3, 1), way="tuned"
        )
        if learn is None:
            return None
        answer, asked = learn(self.rows(X, y), y), self.rows(X_test)
        return lambda: {"chances": answer(asked), "rows": X_test.shape[0], "of": X_test.shape[0]}

    def fm_row(self, X, y, rows, n_factors, n_jobs, **others) -> Run | None:
        """The prediction of one row."""
        learn = self.rater(n_factors, 0, n_jobs)
        if learn is None:
            return None
        answer, asked = quietly(lambda: learn(self.rows(X, y), y)), self.rows(rows)
        return lambda: {"prediction": answer(asked)}
