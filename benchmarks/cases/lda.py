"""Workloads of topic models: held-out likelihood, time to reach it, speed, and known topics."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks import topics
from benchmarks.cases import topic_data
from benchmarks.workload import Workload

LOST = 0.5  # of total variation: that topic was not found
MOST_TEST = 2000  # documents by which a curve is judged

LEVELS = {
    "newsgroups": (-8.1, -8.0, -7.95, -7.93, -7.913, -7.9055),
    "reuters395": (-7.5, -7.45, -7.4, -7.35),
    "zipf": (-8.3, -8.2, -8.1, -8.05, -8.0, -7.97),
}


def few_documents(divisor, n_rows):
    """Documents whose mixtures are asked for, beside those that are learned."""
    arrays = topic_data.corpus(divisor, "newsgroups")
    asked = arrays["X"][arrays["part"][0] == topics.TEST]
    return {**arrays, "rows": asked[:n_rows]}


def of_curve(outcome, arrays, name):
    """When each level of the log-likelihood was reached, and the last one."""
    test = arrays["X"][arrays["part"][0] == topics.TEST]
    seen, held = topics.halves(test[:MOST_TEST], seed=0)
    values = [topics.completion(found, seen, held) for found in outcome["topics"]]
    times = {
        f"s to {level:g}": topics.seconds_to(level, outcome["seconds"], values)
        for level in LEVELS[name]
    }
    reached = {label: seconds for label, seconds in times.items() if seconds is not None}
    return reached | {"LL": values[-1], "at s": outcome["seconds"][-1]}


def of_value(outcome, arrays):
    """Means over splits and seeds; the deviation is that over seeds within a split."""
    found, spread, coherence, same = [], [], [], []
    for split, models in enumerate(outcome["topics"]):
        part = arrays["part"][split]
        seen, held = topics.halves(arrays["X"][part == topics.TEST], seed=split)
        values = [topics.completion(model, seen, held) for model in models]
        learned = arrays["X"][part != topics.TEST]
        coherence += [topics.npmi(model, learned) for model in models]
        found += values
        if len(models) > 1:
            spread.append(np.var(values, ddof=1))
            same.append(topics.stability(models))
    measured = {"LL": np.mean(found), "NPMI": np.mean(coherence), "CPU s a fit": outcome["seconds"]}
    if same:
        measured |= {"LL ±": np.sqrt(np.mean(spread)), "same words": np.mean(same)}
    return measured


def of_planted(outcome, arrays):
    """Distances of the true topics to those found, over seeds."""
    distances = np.array([topics.variations(found, arrays["truth"]) for found in outcome["topics"]])
    return {
        "mean TV": distances.mean(),
        "worst TV": distances.max(axis=1).mean(),
        "lost": (distances > LOST).sum(axis=1).mean(),
        "CPU s a fit": outcome["seconds"],
    }


def of_speed(outcome, arrays):
    seconds = outcome["seconds"]
    return {
        "M tokens/s": outcome["tokens"] / seconds / 1e6,
        "M pairs/s": outcome["pairs"] / seconds / 1e6,
    }


def of_visits(outcome, arrays):
    return {"M visits/s": outcome["visits"] / outcome["seconds"] / 1e6}


def nothing(outcome, arrays):
    return {}


NEWS = "20 Newsgroups, 18.7k × 17.5k, 2.0M tokens"
REUTERS = "Reuters, 395 × 4.3k, 84k tokens"
ZIPF = "generated, 250k × 100k, 50M tokens, words by Zipf's law"
PAPERS = "generated in the size of NIPS' papers, 2.5k × 10.4k, 3.1M tokens, words by Zipf's law"
TENTH = "generated, 25k × 100k, 5M tokens, words by Zipf's law"

VALUES = [
    Workload(
        f"value-{short}",
        f"{words}, {n_topics} topics, three splits × three seeds",
        "lda_value",
        partial(topic_data.corpus, name=name),
        of_value,
        {"n_topics": n_topics, "n_seeds": 3, "times": times},
        repeat=1,
        memory=False,
        quick=False,
    )
    for short, name, words, n_topics, times in (
        ("news", "newsgroups", NEWS, 50, 1),
        ("reuters", "reuters395", REUTERS, 20, 5),
    )
]

CURVES = [
    Workload(
        f"curve-{short}",
        f"{words}, {n_topics} topics, learned on and on",
        "lda_curve",
        data,
        partial(of_curve, name=name),
        {"n_topics": n_topics, **options},
        repeat=1,
        memory=False,
        quick=False,
    )
    for short, name, words, n_topics, data, options in (
        ("news", "newsgroups", NEWS, 50, partial(topic_data.corpus, name="newsgroups"),
         {"seconds": 90}),
        ("reuters", "reuters395", REUTERS, 20, partial(topic_data.corpus, name="reuters395"),
         {"times": 5}),
        ("zipf", "zipf", ZIPF, 100, topic_data.zipf, {"seconds": 120, "fixed": True}),
    )
]  # fmt: skip

PLANTED = [
    Workload(
        f"planted-{n // 1000}k",
        f"{n // 1000}k documents of 100 tokens, 20 topics of 1000 words; three seeds",
        "lda_planted",
        partial(topic_data.planted, n=n),
        of_planted,
        {"n_topics": 20},
        repeat=1,
        memory=False,
        quick=n == 5000,
    )
    for n in (5000, 50_000)
]

BARS = Workload(
    "bars",
    "Griffiths and Steyvers' ten bars, 6000 documents of 150 tokens; three seeds",
    "lda_planted",
    topic_data.bars,
    of_planted,
    {"n_topics": 10},
    repeat=1,
    memory=False,
    quick=False,
)

SPEED = [
    Workload(
        f"speed{short}-{n_topics}",
        f"{words}, {n_topics} topics: a pass",
        "lda_speed",
        data,
        of_speed,
        {"n_topics": n_topics},
        repeat=1,
        memory=False,
        quick=False,
    )
    for short, words, data, numbers in (
        (
            "",
            NEWS,
            partial(topic_data.corpus, name="newsgroups"),
            (10, 20, 50, 100, 200, 500, 1000),
        ),
        ("-papers", PAPERS, topic_data.papers, (10, 50, 100, 500, 1000)),
    )
    for n_topics in numbers
]

VISITS = [
    Workload(
        f"visits{short}",
        f"{words}, 50 topics: steps of EM over documents, the topics being fixed",
        "lda_visits",
        data,
        of_visits,
        {"n_topics": 50, "n_steps": 20},
        memory=False,
        quick=False,
    )
    for short, words, data in (
        ("", NEWS, partial(topic_data.corpus, name="newsgroups")),
        ("-papers", PAPERS, topic_data.papers),
    )
]

FITS = [
    Workload(
        name,
        f"{words}, {n_topics} topics, two passes: for the memory",
        "lda_fit",
        data,
        nothing,
        {"n_topics": n_topics},
        repeat=1,
        user=name == "fit",
        quick=name == "fit",
    )
    for name, words, n_topics, data in (
        ("fit", NEWS, 50, partial(topic_data.corpus, name="newsgroups")),
        ("fit-zipf", ZIPF, 100, topic_data.zipf),
        ("fit-tenth", TENTH, 100, topic_data.zipf_tenth),
    )
]

MIXTURES = [
    Workload(
        f"transform-{short}",
        f"20 Newsgroups, 50 topics: the mixtures of {words}",
        "lda_mixtures",
        partial(few_documents, n_rows=n_rows),
        nothing,
        {"n_topics": 50},
        memory=False,
        user=n_rows == 1,
        quick=n_rows == 1,
    )
    for short, words, n_rows in (("test", "1.9k documents", None), ("row", "one document", 1))
]

WORKLOADS = [*VALUES, *CURVES, *PLANTED, BARS, *SPEED, *VISITS, *FITS, *MIXTURES]
