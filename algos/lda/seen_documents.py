"""Fingerprints of the documents seen, which tell how many two models have in common.

After each call a fingerprint of all documents so far is stored, with their number. Copies of one
model share fingerprints up to the point where they were separated.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key

SeenDocuments = NDArray[np.uint64]  # (n, 2): fingerprints and numbers of documents

NOTHING: SeenDocuments = np.zeros((0, 2), dtype=np.uint64)
MOST = 256  # fingerprints; when full, every other one of the older half is dropped


def after(seen: SeenDocuments, key: Key, keys: NDArray[np.uint64]) -> SeenDocuments:
    """Add documents with these keys; `key` seeds the first fingerprint."""
    before = seen[-1] if len(seen) else key
    n_seen = int(seen[-1, 1]) + len(keys) if len(seen) else len(keys)
    return _with(
        seen, _fingerprint(before, keys.sum(dtype=np.uint64), np.uint64(len(keys))), n_seen
    )


def joined(mine: SeenDocuments, its: SeenDocuments, n_seen: int) -> SeenDocuments:
    """Return the record of a merged model that has seen `n_seen` documents."""
    more = its[~np.isin(its[:, 0], mine[:, 0])]
    return _with(np.concatenate([mine, more]), _fingerprint(mine[-1], its[-1]), n_seen)


def n_common(mine: SeenDocuments, its: SeenDocuments) -> int:
    """Return how many documents both are known to have learned."""
    return int(mine[np.isin(mine[:, 0], its[:, 0]), 1].max(initial=0))


def _fingerprint(*parts: NDArray[np.uint64] | np.uint64) -> int:
    content = b"".join(part.tobytes() for part in parts)
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")


def _with(seen: SeenDocuments, fingerprint: int, n_seen: int) -> SeenDocuments:
    if len(seen) >= MOST:
        seen = np.concatenate([seen[: MOST // 2 : 2], seen[MOST // 2 :]])
    return np.concatenate([seen, np.array([[fingerprint, n_seen]], dtype=np.uint64)])
