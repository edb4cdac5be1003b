"""What a model has learned so far, in marks: it tells which documents two models have both seen.

After each call there is a mark of all documents till then, and how many they are. Copies of one
model share the marks until they part.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key

Past = NDArray[np.uint64]  # (n, 2): marks, and how many documents

NOTHING: Past = np.zeros((0, 2), dtype=np.uint64)
MOST = 256  # marks; of more, every other one of the older half is forgotten


def after(past: Past, key: Key, keys: NDArray[np.uint64]) -> Past:
    """Return the past once documents of these keys were learned; `key` seeds what begins."""
    before = past[-1] if len(past) else key
    n_seen = int(past[-1, 1]) + len(keys) if len(past) else len(keys)
    return _with(past, _mark(before, keys.sum(dtype=np.uint64), np.uint64(len(keys))), n_seen)


def joined(mine: Past, its: Past, n_seen: int) -> Past:
    """Return the past of two models that were merged and have seen so many documents."""
    more = its[~np.isin(its[:, 0], mine[:, 0])]
    return _with(np.concatenate([mine, more]), _mark(mine[-1], its[-1]), n_seen)


def n_common(mine: Past, its: Past) -> int:
    """Return how many documents both are known to have learned."""
    return int(mine[np.isin(mine[:, 0], its[:, 0]), 1].max(initial=0))


def _mark(*parts: NDArray[np.uint64] | np.uint64) -> int:
    content = b"".join(part.tobytes() for part in parts)
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")


def _with(past: Past, mark: int, n_seen: int) -> Past:
    if len(past) >= MOST:
        past = np.concatenate([past[: MOST // 2 : 2], past[MOST // 2 :]])
    return np.concatenate([past, np.array([[mark, n_seen]], dtype=np.uint64)])
