"""Stepwise expectation maximisation: topics learn from one batch of documents after another.

Cappé and Moulines, "On-line expectation-maximization algorithm for latent data models", JRSS B
71, 2009; Liang and Klein, "Online EM for unsupervised models", NAACL 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from algos._common.arrays import Float32Array, Float64Array
from algos._common.random import Key, stream
from algos.lda.corpus import Corpus, Shuffled, blocks
from algos.lda.expectation import Batch, Learner, Topics, room_for
from algos.lda.parameters import Learned, Report, Settings


@dataclass
class Stage:
    """Passes over all documents in batches of one size.

    Attributes
    ----------
    batch_size : int
        Number of documents in a batch.
    n_epochs : int
        Number of passes.
    n_steps : int
        Steps of inference for a document in each pass.
    """

    batch_size: int
    n_epochs: int
    n_steps: int


# Topics change fastest in the first pass, so its documents get the most steps of inference.
OPENING = (Stage(512, 1, 20), Stage(1024, 1, 10), Stage(2048, 1, 5), Stage(4096, 1, 3))
BEGUN_STEPS = 10
LATER_STEPS = 2  # documents begin with the mixtures of the pass before
COLD_STEPS = 5  # if there is no room to keep these
DECAY = 0.7  # of the share of a batch in the topics, (1 + number of the batch) ** -DECAY
WHOLE_EVERY = 5  # passes, in the first of which documents that keep few topics choose again
EPOCHS = 30
UNLIKE = 0.17  # largest relative difference of an initial count from the word's mean
WORDS = 1 << 12  # whose initial counts are drawn at a time
DOCUMENTS = 1 << 10  # whose words are counted at a time
LEAST_BATCHES = 16  # of the first pass, while they have a document each
BATCH_BYTES = 1 << 26  # of a batch's mixtures, at most
KEPT_BYTES = 1 << 28  # of all documents' mixtures, if they are kept


def stages(n_documents: int, width: int, n_epochs: int, *, is_begun: bool) -> list[Stage]:
    """Return the passes of a fit, from small batches to the largest that fit in memory.

    Given topics are refined in large batches only.
    """
    most = max(1, min(n_documents, BATCH_BYTES // room_for(width).n_bytes(width)))
    if is_begun:
        return [Stage(most, min(1, n_epochs), BEGUN_STEPS), Stage(most, n_epochs - 1, LATER_STEPS)]
    shrink = min(1.0, n_documents / LEAST_BATCHES / OPENING[0].batch_size)
    opening = [
        Stage(min(most, max(1, round(stage.batch_size * shrink))), 1, stage.n_steps)
        for stage in OPENING
    ][:n_epochs]
    return [*opening, Stage(most, n_epochs - len(opening), LATER_STEPS)]


def learn(
    documents: Corpus,
    topics: Float32Array | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics by stepwise expectation maximisation; see `algos.lda.parameters`.

    Given counts are refined in passes over all documents at once, or as many as there is room
    for; otherwise small batches come first, which find topics soonest.
    """
    n_epochs = EPOCHS if settings.max_iter is None else settings.max_iter
    plan = stages(len(documents), settings.width, n_epochs, is_begun=topics is not None)
    begun = random_counts(documents, settings, key) if topics is None else topics.copy()
    learner = Learner(Topics(begun, settings), settings, n_threads)
    n_updates, perplexity = _run(learner, documents, plan, settings.width, n_threads, report)
    return Learned(learner.topics.counts(), n_updates, None, perplexity)


def random_counts(documents: Corpus, settings: Settings, key: Key) -> Float32Array:
    """Return counts that are nearly alike in all topics."""
    means = (_occurrences(documents) / settings.n_topics).astype(np.float32)[:, np.newaxis]
    rng, counts = stream(key, 0), np.zeros((settings.n_words, settings.width), dtype=np.float32)
    for start in range(0, settings.n_words, WORDS):
        part = counts[start : start + WORDS, : settings.n_topics]
        drawn = rng.random(part.shape, dtype=np.float32)
        drawn *= 2 * UNLIKE
        drawn += 1 - UNLIKE
        np.multiply(drawn, means[start : start + WORDS], out=part)
    return counts


def _occurrences(documents: Corpus) -> Float64Array:
    """Return how often each word occurs, part by part: NumPy would copy all counts to float64."""
    found = np.zeros(documents.n_words)
    for part in blocks(documents, DOCUMENTS):
        found += np.bincount(part.words, part.counts, part.n_words)
    return found


def _run(
    learner: Learner,
    documents: Corpus,
    plan: list[Stage],
    width: int,
    n_threads: int,
    report: Report,
) -> tuple[int, float]:
    """Go through the stages; return the number of updates and the last perplexity."""
    n, tokens = len(documents), documents.n_tokens
    kind = room_for(width)
    is_kept = n * kind.n_bytes(width) <= KEPT_BYTES
    mixtures = kind(n if is_kept else 0, width)
    n_updates, n_epochs, perplexity = 0, 0, float("nan")
    for stage in plan:
        n_batches = count(documents, stage.batch_size)
        batches: list[tuple[int, Batch]] = []
        # A single batch that is gathered each time would take as much memory as one that is kept.
        if stage.n_epochs > 1 and (n_batches == 1 or not isinstance(documents, Shuffled)):
            batches.extend(cut(documents, stage.batch_size, n_threads))
        for _ in range(stage.n_epochs):
            value = 0.0
            # A batch that is not kept is freed before the next is made.
            for start, batch in batches or cut(documents, stage.batch_size, n_threads):
                rate = 1.0 if n_batches == 1 else (1 + n_updates) ** -DECAY
                size = len(batch.documents)
                kept = mixtures.part(start, start + size) if is_kept else None
                steps = stage.n_steps if is_kept else max(stage.n_steps, COLD_STEPS)
                value += learner.learn(
                    batch, rate, n / size, steps, kept, is_warm=is_kept and n_epochs > 0,
                    is_whole=n_epochs % WHOLE_EVERY == 0,
                )  # fmt: skip
                n_updates += 1
                del batch
            n_epochs += 1
            perplexity = float(np.exp(-value / tokens)) if tokens else 1.0
            if report(learner.topics.counts, perplexity):
                return n_updates, perplexity
        del batches  # to make room for those of the next stage
    return n_updates, perplexity


def count(documents: Corpus, size: int) -> int:
    """Return how many batches of about `size` documents there are."""
    return max(1, round(len(documents) / size))


def cut(documents: Corpus, size: int, n_threads: int) -> Iterator[tuple[int, Batch]]:
    """Yield batches of about `size` documents, each with the number of its first document."""
    n_batches = count(documents, size)
    for i in range(n_batches):
        start, stop = (len(documents) * j // n_batches for j in (i, i + 1))
        yield start, Batch(documents.part(start, stop), n_threads)
