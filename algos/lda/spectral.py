"""learning_method="spectral": topics by the method of moments.

Anandkumar, Ge, Hsu, Kakade and Telgarsky (2014), "Tensor decompositions for learning latent
variable models", sections 3 and 4. With c = α0 / (α0 + 1), α0 = Σ α_k and topics μ_k,

    M2 = E[x1 ⊗ x2] - c m ⊗ m                     = Σ_k α_k / (α0 (α0 + 1)) μ_k ⊗ μ_k
    M3 = E[x1 ⊗ x2 ⊗ x3] - corrections by m, E[x1 ⊗ x2]
                                                  = Σ_k 2 α_k / (α0 (α0 + 1) (α0 + 2)) μ_k⊗μ_k⊗μ_k

where m = E[x1]. In coordinates in which M2 is the identity the topics are orthogonal, and M3 is
decomposed there. The computation uses coordinates in which E[x1 ⊗ x2] is the identity: stretching
them along m then makes M2 the identity, so that another α0 costs no pass over the documents.

All random numbers here are drawn from streams of a fixed key: topics change with the documents, not
with the seed.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from algos._common.arrays import Float32Array, Float64Array, IndexArray
from algos._common.memory import has_memory, require_memory
from algos._common.random import Key, stream
from algos._common.threads import one_thread_blas
from algos.lda import cvb0
from algos.lda.corpus import Corpus
from algos.lda.decomposition import Powers, als, dependent_als
from algos.lda.documents import Documents
from algos.lda.em_inference import mixtures
from algos.lda.moments import WordMoments
from algos.lda.parameters import MEGABYTE, Learned, Report, Settings, padded_columns
from algos.lda.whitening import KEY, whiten

EXTRA = 0.25  # share of additional topics, of which those with the smallest shares are dropped
LEAST_STRETCH = 1e-3  # of the second moment along the mean
SEEN = 1 << 19  # counts of the documents that determine the topics' shares
PART = 1 << 12  # of these documents, whose mixtures are held at a time
SHARE_STEPS = 3  # of inference of a document
RAREST = 1e-4  # least prior of a topic, relative to equal ones
BACKGROUND = 0.01  # share of the word distribution of the corpus in every topic
PASSES = 10  # of refinement, unless max_iter is given
FIRST_ALPHA0 = 1.0
ALPHA0_STEPS = 6
ALPHA0_TOL = 0.05  # of its logarithm
ENOUGH = 0.97  # share of the third moment that terms explain, if none is missing
MOST_MIXED = 32  # directions, up to which topics that are mixtures of others are searched for
ROUGH_ITER = 5  # of the decomposition, on the way to α0
LEAST_SHARE = 1e-6
BYTES_A_DIRECTION, BYTES_A_TOPIC = 32, 28  # for each word
BYTES_OF_CUBES = 32  # for each cell
ALPHA0_LEAST = 1e-2  # and n_topics at most


NOTHING = Powers(np.zeros(0), np.zeros((0, 0)), 1.0, 0, 0, True)


class Seen(NamedTuple):
    """Moments in coordinates that make E[x1 ⊗ x2] the identity."""

    first: Float64Array  # (r,)
    third: Float64Array  # (r, r, r)
    lift: Float64Array  # (V, r), back to words


class Topics(NamedTuple):
    """Topics by the method of moments, as many as the documents determine."""

    words: Float64Array  # (V, R), columns sum to 1
    prior: Float64Array  # (R,)
    alpha0: float
    powers: Powers  # in coordinates that make M2 the identity


def learn(
    documents: Corpus,
    topics: Float32Array | None,
    settings: Settings,
    key: Key,
    n_threads: int,
    report: Report,
) -> Learned:
    """Find topics by their moments and refine them; see `algos.lda.parameters`.

    10 or `max_iter` passes of EM and CVB0 follow; given counts replace the
    moments. If no pass follows, a learned document prior is that of the moments.
    """
    prior = None
    if topics is None:
        topics, prior = begin(documents.whole(), settings, n_threads)[:2]
    settings = replace(
        settings, max_iter=PASSES if settings.max_iter is None else settings.max_iter
    )
    learned = cvb0.learn(documents, topics, settings, key, n_threads, report)
    if learned.doc_topic_prior is None:
        learned = replace(learned, doc_topic_prior=prior)
    return learned


class Begun(NamedTuple):
    """Spectral topics as the starting point of a learner."""

    counts: Float32Array  # (V, width), of words
    prior: Float64Array  # (n_topics,)
    n_found: int  # topics that the documents determine
    n_used: int  # documents that are long enough to have moments
    alpha0: float  # assumed by the moments


def begin(documents: Documents, settings: Settings, n_threads: int) -> Begun:
    """Return spectral topics.

    Topics that too few documents determine are uniform plus noise, each as rare as the rarest
    one found.
    """
    n_topics = settings.n_topics
    _require_room(documents, settings)
    with one_thread_blas():
        moments = WordMoments(documents, n_threads)
        found, shares = find(documents, moments, settings, n_threads)
    words, prior = found.words, found.prior
    n_found = words.shape[1]
    missing = n_topics - n_found
    if missing:
        mean = moments.mean if moments.n_used else np.full(settings.n_words, 1.0)
        noise = stream(KEY, 3).standard_gamma(100.0, (settings.n_words, missing)) / 100
        more = noise * mean[:, np.newaxis]
        words = np.concatenate([words, more / np.maximum(more.sum(axis=0), 1e-300)], axis=1)
        rare = shares.min() if len(shares) else 1.0
        shares = np.concatenate([shares, np.full(missing, rare)])
        least = prior.min() if len(prior) else found.alpha0 / n_topics
        prior = np.concatenate([prior, np.full(missing, least)])
    tokens = max(documents.n_tokens, 1.0)
    counts = padded_columns(words * (tokens / shares.sum() * shares))
    return Begun(counts, prior, n_found, moments.n_used, found.alpha0)


def _require_room(documents: Documents, settings: Settings) -> None:
    """Raise MemoryError if `begin` takes more than this machine or `max_memory` has."""
    wanted = begun_bytes(documents, settings)
    what = f"the third moment of {n_directions(settings)} topics over {settings.n_words} words"
    remedy = 'take fewer topics, or learning_method="cvb0" with init="random"'
    require_memory(wanted, what, remedy)
    most = settings.max_bytes
    if most is not None and wanted > most:
        raise MemoryError(
            f"{what} needs {wanted / MEGABYTE:.3g} MB and `max_memory`={most / MEGABYTE:.3g} is "
            f"less; raise it, or {remedy}"
        )


def n_directions(settings: Settings) -> int:
    """Return the number of directions searched: more than topics, which are chosen from them."""
    return min(ceil((1 + EXTRA) * settings.n_topics), settings.n_words)


def begun_bytes(documents: Corpus, settings: Settings) -> int:
    """Return about how many bytes `begin` takes: words by direction, cubes, and shares twice."""
    count = n_directions(settings)
    along = settings.n_words * max(BYTES_A_DIRECTION * count, BYTES_A_TOPIC * settings.n_topics)
    along += 4 * len(documents) * count
    return along + BYTES_OF_CUBES * count**3 + 24 * documents.n_entries


def has_room(documents: Corpus, settings: Settings) -> bool:
    """Return whether this machine and `max_memory` have the memory that `begin` takes."""
    wanted = begun_bytes(documents, settings)
    return has_memory(wanted) and (settings.max_bytes is None or wanted <= settings.max_bytes)


def find(
    documents: Documents, moments: WordMoments, settings: Settings, n_threads: int
) -> tuple[Topics, Float64Array]:
    """Return at most `n_topics` topics, the most frequent first, and their shares of tokens."""
    count = n_directions(settings)
    alpha0 = FIRST_ALPHA0 if settings.alpha0 is None else settings.alpha0
    space = whiten(moments, count)
    if not len(space.values):
        return Topics(space.W, space.values, alpha0, NOTHING), space.values
    seen = Seen(space.W.T @ moments.mean, moments.third_along(space.W), space.lift)
    del space  # half of it is no longer needed
    found = decomposed(seen, alpha0, settings)
    shares = shares_of(found.words, documents, moments.mean, n_threads)
    kept = np.argsort(-shares, kind="stable")[: settings.n_topics]
    if settings.alpha0 is None:
        found = without_words(found)
        found = consistent(seen, found, kept, shares[kept] / shares[kept].sum(), settings)
    prior = np.maximum(found.prior[kept], RAREST * found.alpha0 / settings.n_topics)
    if settings.alpha0 is not None:
        prior *= alpha0 / prior.sum()
    return found._replace(words=found.words[:, kept], prior=prior), shares[kept]


def decomposed(
    seen: Seen,
    alpha0: float,
    settings: Settings,
    before: Topics | None = None,
    max_iter: int | None = None,
) -> Topics:
    """Return topics for a sum of the prior, from random starts or from those of another sum.

    A term λ v ⊗ v ⊗ v of M3 where M2 is the identity is a topic of the prior
    4 α0 (α0 + 1) / ((α0 + 2) λ)². If some topics are mixtures of others, as rows and
    columns of a square are, they span fewer directions than there are topics. Then v is not
    necessarily of length 1, and the prior is λ s³ α0 (α0 + 1) (α0 + 2) / 2, where s is the sum
    of the words of v.
    """
    m = seen.first
    stretch = stretch_along(m, alpha0)
    start = None
    if before is not None:
        turn = turned(m, stretch_along(m, before.alpha0) / stretch)
        start = turn @ before.powers.vectors
        start /= np.linalg.norm(start, axis=0)
    M3 = in_coordinates(corrected(seen.third, m, alpha0), turned(m, 1 / stretch))
    limits: dict[str, Any] = {
        "max_restarts": settings.max_restarts,
        "max_iter": settings.max_als_iter if max_iter is None else max_iter,
        "tol": settings.tol,
        "start": start,
    }
    powers = terms_of(M3, settings.n_topics, limits)
    is_dependent = len(powers.weights) > len(m)
    words = seen.lift @ (turned(m, stretch) @ powers.vectors)
    sums = words.sum(axis=0)
    words *= np.where(sums < 0, -1.0, 1.0)
    np.maximum(words, 0, out=words)
    words /= np.maximum(words.sum(axis=0), np.finfo(float).tiny)
    scale = alpha0 * (alpha0 + 1)
    if is_dependent:
        prior = np.abs(sums) ** 3 * powers.weights * (scale * (alpha0 + 2) / 2)
    else:
        weights = np.maximum(powers.weights, np.finfo(np.float32).eps)
        prior = 4 * scale / ((alpha0 + 2) * weights) ** 2
    return Topics(words, prior, alpha0, powers)


def terms_of(M3: Float64Array, n_topics: int, limits: dict[str, Any]) -> Powers:
    """Return as many terms as there are directions, or more if these leave a large residual."""
    m, start = len(M3), limits["start"]
    if start is not None and start.shape[1] > m:
        return dependent_als(M3, KEY, start.shape[1], **limits)
    powers = als(M3, KEY, **limits)
    more = 1
    while powers.fit < ENOUGH and m <= MOST_MIXED and m < n_topics and more < 2 * (n_topics - m):
        powers = dependent_als(M3, KEY, min(m + more, n_topics), **{**limits, "start": None})
        more *= 2
    return powers


def consistent(
    seen: Seen, found: Topics, kept: IndexArray, shares: Float64Array, settings: Settings
) -> Topics:
    """Return topics for an α0 that is approximately the sum of the priors that it leads to.

    The sum is the median over topics of prior / share: a topic that is
    noise may have any prior. Each sum is the next α0: from below they rise to the fixed point.
    """
    for _ in range(ALPHA0_STEPS):
        total = float(np.median(found.prior[kept] / np.maximum(shares, LEAST_SHARE)))
        alpha0 = min(max(total, ALPHA0_LEAST), float(settings.n_topics))
        if abs(np.log(alpha0 / found.alpha0)) <= ALPHA0_TOL:
            break
        found = without_words(decomposed(seen, alpha0, settings, found, ROUGH_ITER))
    return decomposed(seen, found.alpha0, settings, found)


def without_words(found: Topics) -> Topics:
    """Return intermediate topics without their words, which would only take memory."""
    return found._replace(words=np.empty((0, len(found.prior))))


def shares_of(
    words: Float64Array, documents: Documents, mean: Float64Array, n_threads: int
) -> Float64Array:
    """Return each topic's share of the tokens of some documents.

    By its moments a topic that is noise may seem frequent although it explains no document.
    """
    n_topics = words.shape[1]
    if n_topics == 0:
        return np.zeros(0)
    stop = int(np.searchsorted(documents.indptr, SEEN, side="right")) - 1
    part = documents.part(0, max(stop, min(1, len(documents))))
    smooth = padded_columns(words)
    smooth[:, :n_topics] *= np.float32(1 - BACKGROUND)
    smooth[:, :n_topics] += (BACKGROUND * mean[:, np.newaxis]).astype(np.float32)
    prior = np.full(n_topics, 1.0 / n_topics)
    tokens = np.zeros(n_topics)
    for start in range(0, len(part), PART):
        some = part.part(start, min(start + PART, len(part)))
        found = mixtures(some, smooth, prior, n_threads, SHARE_STEPS, 0.0)
        tokens += np.subtract(found, prior, out=found).sum(axis=0)
    shares: Float64Array = tokens / max(tokens.sum(), np.finfo(float).tiny)
    return shares


def corrected(T: Float64Array, m: Float64Array, alpha0: float) -> Float64Array:
    """Return M3 from E[x1 ⊗ x2 ⊗ x3], where E[x1 ⊗ x2] is the identity and E[x1] is m."""
    along = np.multiply.outer(np.eye(len(m)), m)
    crossed = along + along.transpose(0, 2, 1) + along.transpose(2, 0, 1)
    cube = np.multiply.outer(np.multiply.outer(m, m), m)
    M3: Float64Array = T - alpha0 / (alpha0 + 2) * crossed
    M3 += 2 * alpha0**2 / ((alpha0 + 1) * (alpha0 + 2)) * cube
    return M3


def stretch_along(m: Float64Array, alpha0: float) -> float:
    """Return the root of M2's entry along m, where E[x1 ⊗ x2] is the identity."""
    return float(np.sqrt(max(1 - alpha0 / (alpha0 + 1) * float(m @ m), LEAST_STRETCH)))


def turned(m: Float64Array, factor: float) -> Float64Array:
    """Return the matrix that multiplies the component along m by the factor."""
    square = float(m @ m)
    unit = m / float(np.sqrt(square)) if square > 0 else m
    matrix: Float64Array = np.eye(len(m)) + (factor - 1) * np.outer(unit, unit)
    return matrix


def in_coordinates(T: Float64Array, R: Float64Array) -> Float64Array:
    """Return T(R, R, R) for a symmetric T."""
    for _ in range(3):
        T = np.tensordot(T, R, axes=(0, 0))
    return T
