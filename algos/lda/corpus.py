"""Documents as learners visit them: in one piece, or gathered batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import IndexArray
from algos.lda.documents import Documents


class Corpus(Protocol):
    """The documents of a learner that goes batch by batch; they need not lie in one piece."""

    def __len__(self) -> int: ...
    @property
    def n_words(self) -> int: ...
    @property
    def n_entries(self) -> int: ...
    @property
    def n_tokens(self) -> float: ...
    def n_pairs(self, least: float) -> int: ...
    def part(self, start: int, stop: int) -> Documents: ...
    def whole(self) -> Documents: ...
    def in_units(self, unit: float) -> Corpus: ...


@dataclass(frozen=True)
class Shuffled:
    """Documents in another order, gathered batch by batch, so that no second copy is held.

    Attributes
    ----------
    documents : Documents
        The documents in their first order.
    order : ndarray of shape (n,), dtype intp
        The position of each document there.
    """

    documents: Documents
    order: IndexArray

    def __len__(self) -> int:
        return len(self.order)

    @property
    def n_words(self) -> int:
        """The size of the vocabulary."""
        return self.documents.n_words

    @property
    def n_entries(self) -> int:
        """Number of document-word pairs."""
        return self.documents.n_entries

    @property
    def n_tokens(self) -> float:
        """Number of tokens, summed in this order."""
        return float(self.documents.lengths()[self.order].sum())

    def n_pairs(self, least: float) -> int:
        """Return the number of pairs in documents of `least` tokens or more."""
        return self.documents.n_pairs(least)

    def part(self, start: int, stop: int) -> Documents:
        """Return a copy of the documents from `start` to before `stop`."""
        return self.documents.take(self.order[start:stop])

    def whole(self) -> Documents:
        """Return a copy of all documents."""
        return self.documents.take(self.order)

    def in_units(self, unit: float) -> Shuffled:
        """Return the documents with their counts in that unit."""
        return self if unit == 1 else Shuffled(self.documents.in_units(unit), self.order)


def blocks(documents: Corpus, size: int) -> Iterator[Documents]:
    """Yield the documents, `size` at a time."""
    for start in range(0, len(documents), size):
        yield documents.part(start, min(start + size, len(documents)))


def shuffled(documents: Documents, keys: NDArray[np.uint64]) -> Shuffled:
    """Return the documents in a random order that does not depend on their first order."""
    return Shuffled(documents, np.argsort(keys, kind="stable"))
