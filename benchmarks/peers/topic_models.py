"""The tasks of topic models.

What libraries have in common is that they learn counts of words for some passes and then have
topics. So a subclass gives `learn_counts`, a generator that goes on to the next number of passes
each time it is asked, and `documents`, which converts counts before anything is timed.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks import recommenders, topics
from benchmarks.peers.estimators import quietly

Run = Callable[[], dict[str, Any]]
Topics = Callable[[], Any]


class Model(NamedTuple):
    """What is asked of a library."""

    n_topics: int
    setting: topics.Setting
    seed: int
    n_jobs: int | None


class Point(NamedTuple):
    """A point of a curve: passes, wall and CPU seconds up to there, and the topics."""

    passes: int
    wall: float
    cpu: float
    topics: Any

    def seconds(self, n_jobs: int | None) -> float:
        """Return the seconds to trust: of the CPU on one thread, of the wall on more."""
        return self.cpu if n_jobs == 1 else self.wall


class TopicModels(ABC):
    """Tasks by `learn_counts`.

    Attributes
    ----------
    passes : sequence of int
        Where a curve has points.
    enough : int or str
        How long it learns where there is no curve: half a minute or more on 20 Newsgroups.
    settings : sequence of Setting
        At most four, of which validation documents choose one. The first is the one that 20
        Newsgroups chose; it serves rows where nothing is chosen.
    speed : pair of int
        The passes whose difference tells what one takes: the first ones are unlike the others.
    anew : bool
        Whether every point of a curve is a fit of its own.
    unit : str
        What a pass is called.
    most_topics : int
        Above which a pass takes minutes, and the library is left out.
    """

    passes: Sequence[int] = (1, 2, 5, 10)
    enough: int | str = 10
    settings: Sequence[topics.Setting] = topics.PRIORS
    speed = (2, 5)
    anew = False
    unit = "passes"
    most_topics = 1000

    def documents(self, X: Any) -> Any:
        """Return counts as the library wants them."""
        return X

    @abstractmethod
    def learn_counts(self, documents: Any, model: Model, passes: Sequence[int]) -> Iterator[Any]:
        """Yield None when all is ready to learn; then, after each of the passes, a function.

        That returns the topics.
        """

    def curve(self, documents, model, passes, seconds=None) -> list[Point]:
        """Return a curve; its last point is the first after so many seconds.

        Where each point is a fit of its own, they are the seconds of all fits together.
        """
        steps = self.learn_counts(documents, model, passes)
        next(steps)
        wall = cpu = spent = 0.0
        found: list[Point] = []
        for number in passes:
            begin = time.perf_counter(), time.process_time()
            of_now = quietly(lambda: next(steps))
            took = time.perf_counter() - begin[0], time.process_time() - begin[1]
            wall, cpu = took if self.anew else (wall + took[0], cpu + took[1])
            found.append(Point(number, wall, cpu, np.asarray(of_now(), dtype=np.float32)))
            last = found[-1].seconds(model.n_jobs)
            spent = spent + last if self.anew else last
            if seconds is not None and spent > seconds:
                break
        return found

    def long(self, times):
        """Return how many passes are enough, or as many times more for a small corpus."""
        return self.enough if isinstance(self.enough, str) else times * self.enough

    def said(self, setting, passes) -> str:
        """Return how something was learned."""
        return str(setting) if isinstance(passes, str) else f"{setting}, {passes} {self.unit}"

    def chosen_setting(self, X, part, n_topics, n_jobs, times=1) -> topics.Setting:
        """Return the setting that is best on validation documents: of the first split, if many.

        To learn half as long as enough tells settings apart.
        """
        if len(self.settings) == 1:
            return self.settings[0]
        splits = topics.splits_that_choose(part)
        trial = self.long(times) if isinstance(self.enough, str) else self.long(times) // 2
        documents = [self.documents(X[split == topics.LEARNED]) for split in splits]
        asked = [
            topics.halves(X[split == topics.VALIDATION], seed=number)
            for number, split in enumerate(splits)
        ]

        def loss(setting):
            model = Model(n_topics, setting, 0, n_jobs)
            return -np.mean(
                [
                    topics.completion(self.curve(learned, model, [trial])[-1].topics, *held_out)
                    for learned, held_out in zip(documents, asked, strict=True)
                ]
            )

        key = f"topics {self.title} {self.version()} {X.shape} {n_topics} {trial} {len(splits)}"
        return recommenders.chosen(key, loss, self.settings)

    def lda_curve(
        self, X, part, n_topics, n_jobs, seconds=None, fixed=False, times=1, **others
    ) -> Run:
        """Learn on, and show topics now and then; `fixed` means by the first setting."""
        passes, setting = [times * number for number in self.passes], self.settings[0]
        if not fixed:
            setting = self.chosen_setting(X, part, n_topics, n_jobs, times)
        documents = self.documents(X[part[0] != topics.TEST])

        def run():
            curve = self.curve(documents, Model(n_topics, setting, 0, n_jobs), passes, seconds)
            return {
                "topics": [point.topics for point in curve],
                "seconds": [point.seconds(n_jobs) for point in curve],
                "note": self.said(setting, curve[-1].passes),
            }

        return run

    def lda_value(self, X, part, n_topics, n_jobs, n_seeds=3, times=1, **others) -> Run:
        """Learn each split's documents with some seeds."""
        setting = self.chosen_setting(X, part, n_topics, n_jobs, times)
        passes = [self.long(times)]
        splits = [self.documents(X[of_split != topics.TEST]) for of_split in part]

        def run():
            curves = [
                [
                    self.curve(documents, Model(n_topics, setting, seed, n_jobs), passes)[-1]
                    for seed in range(n_seeds)
                ]
                for documents in splits
            ]
            return {
                "topics": [[point.topics for point in of_split] for of_split in curves],
                "seconds": float(np.mean([point.cpu for row in curves for point in row])),
                "note": self.said(setting, passes[0]),
            }

        return run

    def lda_planted(self, X, n_topics, n_jobs, n_seeds=3, **others) -> Run:
        """Learn all documents with some seeds, by the first setting."""
        documents = self.documents(X)
        passes = [self.enough]

        def run():
            models = [
                self.curve(documents, Model(n_topics, self.settings[0], s, n_jobs), passes)[-1]
                for s in range(n_seeds)
            ]
            return {
                "topics": [point.topics for point in models],
                "seconds": float(np.mean([point.cpu for point in models])),
                "note": self.said(self.settings[0], passes[0]),
            }

        return run

    def lda_speed(self, X, part, n_topics, n_jobs, **others) -> Run | None:
        """Learn for some passes and for more: the difference tells what one takes."""
        if n_topics > self.most_topics:
            return None
        documents = self.documents(X)
        few, many = self.speed
        model = Model(n_topics, self.settings[0], 0, n_jobs)

        def run():
            first, last = self.curve(documents, model, [few, many])
            took = last.seconds(n_jobs) - first.seconds(n_jobs)
            each = max(took, 1e-9) / (many - few)
            return {"tokens": float(X.sum(dtype=np.float64)), "pairs": X.nnz, "seconds": each}

        return run

    def lda_fit(self, X, part, n_topics, n_jobs, **others) -> Run:
        """Learn all documents for two passes: for the memory."""
        documents = self.documents(X)
        model = Model(n_topics, self.settings[0], 0, n_jobs)
        return lambda: {"topics": self.curve(documents, model, [2])[-1].topics}
