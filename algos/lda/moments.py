"""Moments of documents: unbiased estimates from pairs and triples of a document's words.

For a document of n words in which word w has the share p_w they are

    E[x1]            p
    E[x1 ⊗ x2]       n / (n - 1) · (p ⊗ p - diag(p) / n)
    E[x1 ⊗ x2 ⊗ x3]  n² / ((n - 1)(n - 2)) · (p ⊗ p ⊗ p - Σ_w p_w / n (e_w ⊗ e_w ⊗ p + its two
                     other orders) + 2 / n² Σ_w p_w e_w ⊗ e_w ⊗ e_w)

where x1, x2, x3 are the unit vectors of three of its words (Anandkumar, Foster, Hsu, Kakade and
Liu 2012, "A spectral algorithm for latent Dirichlet allocation"). Nothing here is V × V: the
second moment is known by its products, the third one in few coordinates.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._cython.lda_moments import add_third_moments, sum_panel_rows
from algos.lda.parameters import LANES, padded_width

FEWEST = 3  # words of a document that has a third moment
LONG = 300  # words of a document that has half the weight of an infinitely long one


class Csr(NamedTuple):
    """Rows of shares in the layout of the kernels."""

    indptr: Int64Array
    columns: NDArray[np.int32]
    values: Float32Array

    def sum_rows(
        self, panel: Float32Array, scale: Float64Array | None, n_threads: int
    ) -> Float32Array:
        """Return sums of the panel's rows, weighted by the shares and the scale."""
        out = np.empty((len(self.indptr) - 1, panel.shape[1]), np.float32)
        sum_panel_rows(*self, panel, scale, out, n_threads)
        return out


class WordMoments:
    """The corpus' moments: weighted means over the documents of at least three words.

    A document of n words has the weight n / (n + 300): in short documents most of the variance
    comes from the few words, in long ones from the few topics. Any weights that depend only on
    the length leave the means unbiased.

    Parameters
    ----------
    documents : Documents
        The corpus.
    n_threads : int
        Number of threads; it does not change the result.

    Attributes
    ----------
    n_used : int
        Number of documents that are long enough.
    mean : ndarray of shape (V,)
        The first moment.

    Notes
    -----
    Holds the shares twice, by document and by word: 16 bytes for each stored count.
    """

    def __init__(self, documents: Any, n_threads: int) -> None:
        self.n_threads, self.n_words = n_threads, documents.n_words
        counts = sparse.csr_array(
            (documents.counts, documents.words, documents.indptr),
            shape=(len(documents.indptr) - 1, documents.n_words),
        )
        lengths = counts @ np.ones(documents.n_words)
        is_used = lengths >= FEWEST
        self.n_used = int(is_used.sum())
        n = np.where(is_used, lengths, FEWEST)
        share = np.where(is_used, n / (n + LONG), 0.0)
        share /= share.sum() or 1.0
        self._pair = share * n / (n - 1)
        self._triple = share * n**2 / ((n - 1) * (n - 2))
        self._lengths = n
        values = np.repeat(n, np.diff(documents.indptr))
        np.divide(documents.counts, values, out=values)
        values = values.astype(np.float32)
        self._documents = Csr(documents.indptr, documents.words, values)
        self._words = _by_word(self._documents, documents.n_words)
        per_document = np.zeros((len(n), LANES), np.float32)
        per_document[:, 0] = share
        per_document[:, 1] = self._pair / n
        per_document[:, 2] = self._triple / n**2
        sums = self._words.sum_rows(per_document, None, n_threads).astype(np.float64)
        self.mean, self._once, self._alone = np.ascontiguousarray(sums[:, :3].T)

    def second_times(self, panel: Float32Array) -> Float64Array:
        """Return E[x1 ⊗ x2] panel, for a panel of shape (V, width)."""
        along = self._documents.sum_rows(panel, self._pair, self.n_threads)
        sums = self._words.sum_rows(along, None, self.n_threads)
        del along
        product: Float64Array = np.multiply(self._once[:, None], panel)
        return np.subtract(sums, product, out=product)

    def third_along(self, vectors: Float64Array) -> Float64Array:
        """Return E[x1 ⊗ x2 ⊗ x3] in the coordinates of vectors of shape (V, m)."""
        m = vectors.shape[1]
        W = as_panel(vectors)
        y = self._documents.sum_rows(W, None, self.n_threads)
        out = np.zeros((m, m, m))
        add_third_moments(y, None, self._triple, out, self.n_threads)
        y *= (self._triple / self._lengths)[:, None].astype(np.float32)
        f = self._words.sum_rows(y, None, self.n_threads)
        del y
        f = (2 / 3) * self._alone[:, None].astype(np.float32) * W - f
        add_third_moments(W, f, None, out, self.n_threads)
        return out


def as_panel(vectors: Float64Array) -> Float32Array:
    """Return the columns in the layout of the kernels."""
    panel = np.zeros((len(vectors), padded_width(vectors.shape[1])), np.float32)
    panel[:, : vectors.shape[1]] = vectors
    return panel


def _by_word(rows: Csr, n_words: int) -> Csr:
    kind = np.int32 if len(rows.columns) < 2**31 else np.int64  # so that SciPy does not convert it
    indptr = rows.indptr.astype(kind)
    shape = len(indptr) - 1, n_words
    turned = sparse.csr_array((rows.values, rows.columns, indptr), shape=shape).tocsc()
    return Csr(
        turned.indptr.astype(np.int64),
        turned.indices.astype(np.int32),
        np.ascontiguousarray(turned.data),
    )
