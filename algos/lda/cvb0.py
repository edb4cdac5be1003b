"""The default way to learn: a short stepwise EM, then sweeps of CVB0.

EM reports the perplexity of documents, CVB0 that of tokens given all others, which is higher: the
objective steps up where one follows the other.

On 20 Newsgroups with 50 topics, sweeps of CVB0 make more of the same time than passes of EM from
the fifth pass on, as validation documents tell; 80 passes in all would raise the log-likelihood of
a held-out word by 0.009 beyond 40, in twice the time.

Where CVB0 would take more memory than it is allowed, all passes are EM's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from algos._common.random import Key
from algos.lda import stepwise
from algos.lda.collapsed import Collapsed, has_room
from algos.lda.corpus import Corpus
from algos.lda.parameters import Floats, Learned, Report, Settings
from algos.lda.priors import learned_prior
from algos.lda.variational import in_tokens, unit_of

PASSES = 40  # in all, unless max_iter is given
EM_PASSES = 4  # of them: over batches; what they find, sweeps of CVB0 make better soonest


def learn(
    documents: Corpus,
    topics: Floats | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Learn topics by stepwise EM and CVB0; see `algos.lda.parameters`."""
    total = PASSES if settings.max_iter is None else settings.max_iter
    em_passes = min(total, EM_PASSES) if has_room(documents, settings) else total
    em = replace(settings, max_iter=em_passes)
    unit = unit_of(documents.n_tokens)
    counted = documents.in_units(unit)
    told = _Told(report, unit)
    start = None if topics is None else topics * np.float32(unit)
    begun = stepwise.learn(counted, start, em, key, n_threads, told)
    if told.is_enough or em_passes == total:
        return replace(begun, topics=in_tokens(begun.topics, unit))
    state = Collapsed(counted.whole(), begun.topics, settings, n_threads)
    n_sweeps, perplexity = _sweep(state, total - em_passes, settings.is_asked, told)
    prior = None
    if settings.learns_doc_topic_prior:
        prior = learned_prior(documents, state.rows(), settings.doc_topic_prior, key, n_threads)
    counts = in_tokens(state.counts(), unit)
    return Learned(counts, begun.n_updates + n_sweeps, prior, perplexity)


def _sweep(state: Collapsed, n_sweeps: int, is_asked: bool, report: Report) -> tuple[int, float]:
    """Go over documents and words; return how often, and the perplexity at the end."""
    for number in range(n_sweeps):
        perplexity = state.sweep(is_last=number == n_sweeps - 1, is_asked=is_asked)
        if report(state.counts, perplexity) and number < n_sweeps - 1:
            # It ends where the sums are, which the velocity has gone beyond.
            return number + 2, state.sweep(is_last=True)
    return n_sweeps, perplexity


class _Told:
    """Reports what is counted in a unit, and keeps whether that was enough."""

    def __init__(self, report: Report, unit: float) -> None:
        self._report, self._unit, self.is_enough = report, unit, False

    def __call__(self, topics: Callable[[], Floats], objective: float) -> bool:
        self.is_enough = self._report(lambda: in_tokens(topics(), self._unit), objective)
        return self.is_enough
