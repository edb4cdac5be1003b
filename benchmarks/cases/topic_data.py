"""Corpora: 20 Newsgroups and Reuters where `ALGOS_DATA` has them, and ones of known topics."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks import topics
from benchmarks.cases import laws
from benchmarks.workload import Unreachable

N_SPLITS = 3
BAR_SIDE = 5
ZIPF_WORDS, ZIPF_TOPICS, ZIPF_LENGTH = 100_000, 100, 200
_DRAWN_AT_ONCE = 4_000_000  # tokens


def corpus(divisor, name):
    """Return counts of words (int32 CSR), and which documents each split learns."""
    place = Path(os.environ.get("ALGOS_DATA", ".")) / "lda" / f"{name}.npz"
    if not place.exists():
        raise Unreachable(f"there is no lda/{name}.npz in ALGOS_DATA")
    with np.load(place) as data:
        parts = data["data"], data["indices"], data["indptr"]
        X = sparse.csr_array(parts, shape=tuple(data["shape"]))
    X = X[:: min(divisor, max(X.shape[0] // 300, 1))]
    return {"X": X, "part": topics.parts(X.shape[0], N_SPLITS)}


def words_of(name):
    """Return the words of a corpus."""
    with np.load(Path(os.environ.get("ALGOS_DATA", ".")) / "lda" / f"{name}.npz") as data:
        return data["vocab"]


def drawn(rng, truth, mixtures, lengths):
    """Return documents of given topics, mixtures and numbers of tokens, as int32 CSR counts."""
    n_words = truth.shape[1]
    sums = np.cumsum(truth, axis=1)
    blocks, begin = [], 0
    ends = np.cumsum(lengths)
    while begin < len(lengths):
        limit = (ends[begin - 1] if begin else 0) + _DRAWN_AT_ONCE
        end = max(int(np.searchsorted(ends, limit, side="right")), begin + 1)
        counts = rng.multinomial(lengths[begin:end], mixtures[begin:end])
        keys = []
        for topic, cumulated in enumerate(sums):
            docs = np.repeat(np.arange(end - begin, dtype=np.int64), counts[:, topic])
            found = np.searchsorted(cumulated, rng.random(len(docs)) * cumulated[-1], side="right")
            keys.append(docs * n_words + np.minimum(found, n_words - 1))
        pairs, times = np.unique(np.concatenate(keys), return_counts=True)
        starts = np.searchsorted(pairs, np.arange(end - begin + 1) * n_words).astype(np.int32)
        blocks.append(
            sparse.csr_array(
                (times.astype(np.int32), (pairs % n_words).astype(np.int32), starts),
                shape=(end - begin, n_words),
            )
        )
        begin = end
    return sparse.csr_array(sparse.vstack(blocks, format="csr"))


def planted(divisor, n, n_words=1000, n_topics=20, alpha=0.05, eta=0.1, length=100):
    """Documents of topics from a Dirichlet law, and the topics."""
    n = laws.n_rows(n, divisor, 300)
    rng = np.random.default_rng([laws.SEED, n, n_words, n_topics, 21])
    truth = rng.dirichlet(np.full(n_words, eta), size=n_topics)
    mixtures = rng.dirichlet(np.full(n_topics, alpha), size=n)
    return {"X": drawn(rng, truth, mixtures, np.full(n, length)), "truth": truth}


def bars(divisor, n=6000, length=150, alpha=0.1):
    """Griffiths and Steyvers' pictures: each topic is a row or a column of a 5 × 5 square."""
    n = laws.n_rows(n, divisor, 500)
    rng = np.random.default_rng([laws.SEED, n, length, 22])
    truth = bar_topics()
    mixtures = rng.dirichlet(np.full(len(truth), alpha), size=n)
    return {"X": drawn(rng, truth, mixtures, np.full(n, length)), "truth": truth}


def bar_topics():
    """Return the ten bars as topics of 25 words."""
    lines = np.eye(BAR_SIDE)
    across = np.repeat(lines, BAR_SIDE, axis=1)
    down = np.tile(lines, (1, BAR_SIDE))
    return np.vstack([across, down]) / BAR_SIDE


def zipf(divisor, n_tokens=50_000_000, n_words=ZIPF_WORDS, length=ZIPF_LENGTH):
    """Fifty million tokens of a hundred thousand words as frequent as Zipf's law has them.

    Topic k gives word w a share of its frequency times a gamma variable: most of a topic is of
    words that others hardly have. Some topics are ten times as frequent as others, and documents
    differ in length as those of newspapers do.
    """
    n = laws.n_rows(n_tokens // length, divisor, 300)
    rng = np.random.default_rng([laws.SEED, n, 23])
    frequency = 1 / np.arange(3.0, n_words + 3)  # Mandelbrot's shift
    truth = frequency * rng.gamma(0.1, size=(ZIPF_TOPICS, n_words))
    truth /= truth.sum(axis=1, keepdims=True)
    prior = 0.015 * np.geomspace(0.3, 3.0, ZIPF_TOPICS)
    mixtures = np.maximum(rng.gamma(prior, size=(n, ZIPF_TOPICS)), 1e-30)
    mixtures /= mixtures.sum(axis=1, keepdims=True)
    lengths = np.maximum(rng.lognormal(np.log(length) - 0.125, 0.5, size=n), 5).astype(int)
    return {"X": drawn(rng, truth, mixtures, lengths), "part": topics.parts(n, 1), "truth": truth}


def zipf_tenth(divisor):
    """A tenth of them, which every library learns in minutes."""
    return zipf(divisor, n_tokens=5_000_000)


def papers(divisor):
    """As many documents, words and tokens as the papers of NIPS have that others measure."""
    return zipf(divisor, n_tokens=3_100_000, n_words=10_400, length=1240)
