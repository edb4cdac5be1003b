"""Documents as counts of words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float32Array, Float64Array, IndexArray, Int64Array
from algos._common.column_types import column_of_texts
from algos._common.random import Key
from algos._common.warn import warn
from algos._cython import row_hash

# Counts are float32, and so are sums of them in topics; this is far below the largest float32.
MOST = 1e36
SHARES_TOL = 1e-3
_BLOCK = 1 << 20  # entries examined at a time
_POWERS = {"numbers": 1, "squares": 2}  # that may sum to 1 in each row
_GATHERED = 1 << 17  # entries gathered at a time, of 16 bytes each


@dataclass(frozen=True)
class Documents:
    """Counts of words, document by document: a CSR matrix without zeros or duplicates.

    Attributes
    ----------
    indptr : ndarray of shape (n + 1,), dtype int64
        Where each document's entries begin.
    words : ndarray of shape (n_entries,), dtype int32
        Ascending within a document.
    counts : ndarray of shape (n_entries,), dtype float32
        Positive counts.
    n_words : int
        The size of the vocabulary.
    """

    indptr: Int64Array
    words: NDArray[np.int32]
    counts: Float32Array
    n_words: int

    @classmethod
    def of(cls, X: Any, caller: str) -> Documents:
        """Return the documents of finite, canonical rows.

        Counts are rounded to float32: whole numbers up to 2**24 are exact, others have a
        relative error of 6e-8. A count below 1e-45 is 0.

        Parameters
        ----------
        X : ndarray or canonical CSR matrix of shape (n_documents, n_words)
            Counts of words.
        caller : str
            The name in scikit-learn's error message, such as "LatentDirichletAllocation.fit".

        Raises
        ------
        ValueError
            If a count is negative, or if they are too large to be summed.
        """
        if X.shape[1] > np.iinfo(np.int32).max:
            raise ValueError(
                f"X has {X.shape[1]} columns and must have fewer than 2**31; hash the words "
                f"to fewer columns"
            )
        if sparse.issparse(X):
            indptr, words, values = X.indptr, X.indices, X.data[: X.indptr[-1]]
            check_counts(values, caller)
        else:
            check_counts(X, caller)
            rows, words = np.nonzero(X)
            values = X[rows, words]
            indptr = np.searchsorted(rows, np.arange(len(X) + 1))
        counts = np.ascontiguousarray(values, dtype=np.float32)
        indptr = np.ascontiguousarray(indptr, dtype=np.int64)
        words = np.ascontiguousarray(words[: len(counts)], dtype=np.int32)
        if not counts.all():
            kept = counts > 0
            indptr = np.concatenate([[0], np.cumsum(kept)])[indptr].astype(np.int64)
            words, counts = words[kept], counts[kept]
        return cls(indptr, words, counts, X.shape[1])

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def n_entries(self) -> int:
        """Number of document-word pairs."""
        return len(self.words)

    @property
    def n_tokens(self) -> float:
        """Number of tokens: the sum of the counts."""
        return float(self.counts.sum(dtype=np.float64))

    def lengths(self) -> Float64Array:
        """Return the number of tokens of each document."""
        lengths = np.zeros(len(self))
        for first, last in _blocks(self.indptr, _BLOCK):  # NumPy makes wider copies
            starts = self.indptr[first:last]
            counts = self.counts[starts[0] : self.indptr[last]]
            filled = np.diff(self.indptr[first : last + 1]) > 0
            if len(counts):
                sums = np.add.reduceat(counts, starts[filled] - starts[0], dtype=np.float64)
                lengths[first:last][filled] = sums
        return lengths

    def n_pairs(self, least: float) -> int:
        """Return the number of entries in documents of `least` tokens or more."""
        return int(np.diff(self.indptr)[self.lengths() >= least].sum())

    def whole(self) -> Documents:
        """Return self; see `algos.lda.corpus`."""
        return self

    def are_whole(self) -> bool:
        """Return whether the counts are whole numbers."""
        blocks = (self.counts[i : i + _BLOCK] for i in range(0, self.n_entries, _BLOCK))
        return all(np.array_equal(block, np.floor(block)) for block in blocks)

    def part(self, start: int, stop: int) -> Documents:
        """Return the documents from `start` to before `stop`, without a copy of entries."""
        bounds = self.indptr[start : stop + 1]
        entries = slice(bounds[0], bounds[-1])
        return Documents(
            bounds - bounds[0], self.words[entries], self.counts[entries], self.n_words
        )

    def take(self, order: IndexArray) -> Documents:
        """Return some documents, in that order."""
        sizes = self.indptr[order + 1] - self.indptr[order]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        words = np.empty(indptr[-1], dtype=np.int32)
        counts = np.empty(indptr[-1], dtype=np.float32)
        shift = self.indptr[order] - indptr[:-1]
        for first, last in _blocks(indptr):
            target = slice(indptr[first], indptr[last])
            places = np.repeat(shift[first:last], sizes[first:last])
            places += np.arange(target.start, target.stop)
            np.take(self.words, places, out=words[target], mode="clip")
            np.take(self.counts, places, out=counts[target], mode="clip")
        return Documents(indptr, words, counts, self.n_words)

    def compact(self) -> tuple[Documents, IndexArray | None]:
        """Return the documents over the words that occur in them, and the indices of these words.

        None stands for all words, where most of them occur.
        """
        if 16 * self.n_entries < self.n_words:
            places = np.unique(self.words).astype(np.intp)
            words = np.searchsorted(places, self.words)
        else:
            occurs = np.zeros(self.n_words, dtype=bool)
            occurs[self.words] = True
            places = np.flatnonzero(occurs)
            if 2 * len(places) > self.n_words:
                return self, None
            words = (np.cumsum(occurs) - 1)[self.words]
        compact = Documents(self.indptr, words.astype(np.int32), self.counts, len(places))
        return compact, places

    def matrix(self) -> Any:
        """Return the documents as a CSR matrix."""
        shape = (len(self), self.n_words)
        kind = np.int32 if self.n_entries < 2**31 else np.int64  # else SciPy copies the words
        indptr = self.indptr.astype(kind, copy=False)
        return sparse.csr_array((self.counts, self.words, indptr), shape=shape)

    def keys(self, key: Key, n_threads: int) -> NDArray[np.uint64]:
        """Return a seeded hash of the content of each document, independent of its position."""
        factors = np.empty(self.n_words, dtype=np.uint64)
        row_hash.column_factors(key, factors)
        keys = np.zeros(len(self), dtype=np.uint64)
        for first, last in _blocks(self.indptr, 1 << 30):
            part = self.part(first, last)
            starts = part.indptr.astype(np.int32)
            row_hash.add_csr(part.counts, part.words, starts, factors, keys[first:last], n_threads)
        row_hash.finish(key, keys)
        return keys

    def in_units(self, unit: float) -> Documents:
        """Return the documents with their counts in that unit."""
        if unit == 1:
            return self
        return replace(self, counts=self.counts * np.float32(unit))


def check_no_texts(X: Any) -> None:
    """Raise ValueError if X holds texts, or lists of words, where counts of them belong."""
    if sparse.issparse(X):
        return
    what, texts = "", "texts"
    if isinstance(X, (list, tuple)) or getattr(X, "ndim", None) == 1:
        first = _first_of(X)
        is_pair = isinstance(first, (list, tuple)) and len(first) == 2
        if is_pair and all(isinstance(number, Real) for number in first):
            raise ValueError(
                "`X` holds pairs of a word's number and its count, as a corpus of gensim does, and "
                "must be a matrix with a row for each document; convert it by "
                "gensim.matutils.corpus2csc(corpus).T"
            )
        what = "`X`" if isinstance(first, (str, bytes)) else ""
    else:
        column, text = column_of_texts(X)
        if text is not None:
            what = f"could not convert {text[:30]!r} to a number: column {column!r} of `X`"
            texts = f"X[:, {column!r}]" if isinstance(X, np.ndarray) else f"X[{column!r}]"
    if what:
        raise ValueError(
            f"{what} holds texts and must hold counts of words, a row for each text; convert them "
            f"by sklearn.feature_extraction.text.CountVectorizer().fit_transform({texts})"
        )


def _first_of(X: Any) -> Any:
    """Return the first element of a list, or of the first list in it that is not empty."""
    first = next(iter(X), None)
    if not isinstance(first, (list, tuple)):
        return first
    lists = (row for row in X if isinstance(row, (list, tuple)) and len(row))
    return next(iter(next(lists, ())), None)


def warn_of_shares(documents: Documents) -> None:
    """Warn if all rows, or their squares, sum to 1, as with term frequencies or TF-IDF."""
    counts = documents.counts[:_BLOCK]
    if np.array_equal(counts, np.floor(counts)):
        return
    left = _POWERS
    for first, last in _blocks(documents.indptr):
        part = documents.part(first, last)
        left = {what: power for what, power in left.items() if _are_shares(part, power)}
    for what in left:
        return warn(
            f"the {what} of each row of `X` sum to 1, as those of term frequencies or TF-IDF "
            f"do: a document then weighs little more than a word, and its mixture stays near "
            f"the prior; give counts, such as those of CountVectorizer"
        )


def _are_shares(documents: Documents, power: int) -> bool:
    counts = np.minimum(documents.counts, 2) ** power  # larger ones are no shares and may overflow
    sums = replace(documents, counts=counts).lengths()[np.diff(documents.indptr) > 0]
    return bool(np.all(np.abs(sums - 1) < SHARES_TOL))


def check_counts(values: NDArray[Any], caller: str) -> None:
    if values.size == 0:
        return
    if values.min() < 0:
        raise ValueError(
            f"Negative values in data passed to {caller}: counts of words must be at least 0; "
            f"write HashingVectorizer(alternate_sign=False, norm=None) for hashed counts"
        )
    if values.max() > MOST or values.sum(dtype=np.float64) > MOST:
        raise ValueError(
            f"`X` must hold counts whose sum is at most {MOST:.0e}; divide them, or replace "
            f"each count by log(1 + count)"
        )


def _blocks(indptr: Int64Array, size: int = _GATHERED) -> Iterator[tuple[int, int]]:
    """Yield ranges of documents with about `size` entries, and at least one document each."""
    first, n = 0, len(indptr) - 1
    while first < n:
        last = int(np.searchsorted(indptr, indptr[first] + size, side="right")) - 1
        last = min(max(last, first + 1), n)
        yield first, last
        first = last
