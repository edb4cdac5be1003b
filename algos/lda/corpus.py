"""Documents on their way to learners: in one piece, or gathered batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from algos.lda.documents import Documents


class Corpus(Protocol):
    """What learners that go batch by batch ask of documents, which need not lie in one piece."""

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
    """Documents in another order, gathered batch by batch: nothing holds them twice.

    Attributes
    ----------
    documents : Documents
    order : ndarray of shape (n,), dtype intp
        The numbers of all documents.
    """

    documents: Documents
    order: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.order)

    @property
    def n_words(self) -> int:
        """The size of the vocabulary."""
        return self.documents.n_words

    @property
    def n_entries(self) -> int:
        """How many pairs of a document and a word there are."""
        return self.documents.n_entries

    @property
    def n_tokens(self) -> float:
        """How many words there are, added in this order."""
        return float(self.documents.lengths()[self.order].sum())

    def n_pairs(self, least: float) -> int:
        """Return how many entries there are in documents of `least` tokens or more."""
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
    """Yield the documents, so many at a time."""
    for start in range(0, len(documents), size):
        yield documents.part(start, min(start + size, len(documents)))


def shuffled(documents: Documents, keys: NDArray[np.uint64]) -> Shuffled:
    """Return the documents in a random order that their first order has no part in."""
    return Shuffled(documents, np.argsort(keys, kind="stable"))
