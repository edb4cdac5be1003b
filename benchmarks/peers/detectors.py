"""The tasks of anomaly detection.

A peer that is slow does a part of a task; its outcome says of how many rows, and its times
are those of all rows at that rate.
"""

from __future__ import annotations

import math
from itertools import count

import numpy as np

from benchmarks.cases.anomaly_data import unpacked

FILL = 3000  # rows that a stream has seen before its first timed one


class Detectors:
    """Tasks of detectors that learn a table and score rows.

    Subclasses give `detector(n_trees, sample_size, seed, n_jobs)`, and `learn(detector, X)` and
    `scores(detector, X)`, larger for rows that are farther out.
    """

    most_learned = most_scored = math.inf  # rows of one run

    def forest_fit(self, X, n_trees, sample_size, n_jobs, **others):
        """A fit."""
        few = X[: int(min(self.most_learned, len(X)))]

        def run():
            model = self.detector(n_trees, sample_size, seed=0, n_jobs=n_jobs)
            self.learn(model, few)
            return {"rows": len(few), "of": len(X)}

        return run

    def forest_score(self, X, n_trees, sample_size, n_jobs, **others):
        """The scores of all rows."""
        model = self.detector(n_trees, sample_size, seed=0, n_jobs=n_jobs)
        self.learn(model, X[: int(min(self.most_learned, len(X)))])
        few = X[: int(min(self.most_scored, len(X)))]
        return lambda: {
            "scores": self.scores(model, few), "begin": 0, "rows": len(few), "of": len(X),
        }  # fmt: skip

    def detect_in_tables(
        self, X, shapes, n_trees, sample_size, n_seeds, n_jobs, learned=None, **others
    ):
        """A fit of each table, in an order of rows drawn anew for each seed, and all scores.

        Where a number is `learned`, the first rows are learned and the others are scored.
        """
        if math.isfinite(self.most_learned + self.most_scored) and not self.patient:
            return None
        few = shapes[:, 0] if learned is None else learned

        def run():
            found = []
            for seed in range(n_seeds):
                of_tables = []
                for table, n in zip(unpacked(X, shapes), few, strict=True):
                    model = self.detector(n_trees, sample_size, seed, n_jobs)
                    self.learn(model, np.random.default_rng(seed).permutation(table[:n]))
                    of_tables.append(self.scores(model, table[n % len(table) :]))
                found.append(np.concatenate(of_tables))
            return {"scores": np.array(found)}

        return run

    patient = False  # a table is not too much for it, if a task's million rows are


class Streams:
    """Tasks of forests that learn row by row.

    Subclasses give `stream(n_columns, shingle_size, n_trees, sample_size, decay, seed, n_jobs)`
    (decay None: its default), and `follow(stream, X)` that returns the scores of rows, each taken
    before the row is learned.
    """

    per_run = 8192  # rows, at most
    fill = FILL

    def forest_stream(
        self, X, shingle_size, n_trees, sample_size, n_jobs, one_by_one=False, **others
    ):
        """Rows scored and learned, some thousands in a run, in a forest that is full."""
        stream = self.stream(X.shape[1], shingle_size, n_trees, sample_size, None, 0, n_jobs)
        follow = self.follow_rows if one_by_one else self.follow
        follow(stream, X[: self.fill])
        n = min(self.per_run, len(X) // 4)
        begins = [self.fill + n * i for i in range((len(X) - self.fill) // n)]
        runs = count()

        def run():
            begin = begins[next(runs) % len(begins)]
            scores = follow(stream, X[begin : begin + n])
            return {"scores": scores, "begin": begin, "rows": n, "of": self.of_run(X)}

        return run

    @staticmethod
    def of_run(X):
        """Return the rows of a run that is not shortened."""
        return min(Streams.per_run, len(X) // 4)

    def forest_grow(
        self, X, shingle_size, n_trees, sample_size, n_jobs, decay=None, late=False, **others
    ):
        """A new forest and its first rows, or if `late` all of them: what it needs of memory."""
        if late and self.per_run < Streams.per_run:
            return None
        few = X if late else X[: self.fill]

        def run():
            stream = self.stream(X.shape[1], shingle_size, n_trees, sample_size, decay, 0, n_jobs)
            self.follow(stream, few)
            return {"forest": stream, "rows": len(few), "of": len(X)}

        return run

    def detect_in_series(
        self, X, lengths, shingle_size, n_trees, sample_size, n_seeds, n_jobs, decay=None, **others
    ):
        """The scores of series, each row's before it is learned."""
        if self.per_run < Streams.per_run:
            return None

        def run():
            found = np.zeros((n_seeds, len(X)))
            for seed in range(n_seeds):
                for one, at in zip(parts(X, lengths), parts(found[seed], lengths), strict=True):
                    stream = self.stream(1, shingle_size, n_trees, sample_size, decay, seed, n_jobs)
                    at[:] = self.follow(stream, one[:, None])
            return {"scores": found}

        return run

    def follow_rows(self, stream, X):
        """Return the same as `follow`, from one call for each row, where that differs."""
        return self.follow(stream, X)


def parts(X, lengths):
    """Return the views of series that lie one behind the other."""
    return np.split(X, np.cumsum(lengths)[:-1])
