"""Methods of a fitted model: mixtures, scores, and topics as words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float64Array
from algos._common.csr import canonical
from algos._common.params import InvalidParameterError
from algos._common.random import seed_key
from algos._common.scale import with_values
from algos._common.threads import effective_n_threads, threads_for
from algos._common.validation import FLOATS, validate_rows
from algos.lda.coherence import MEASURES, coherence_of
from algos.lda.completion import halves, log_probability
from algos.lda.documents import Documents, check_counts, check_no_texts
from algos.lda.learners import VARIATIONAL
from algos.lda.parameters import Settings, document_prior
from algos.lda.topics import counts_of, heaviest
from algos.lda.transform import likely_mixtures, variational_mixtures, word_major
from algos.lda.variational import approximate_bound, perplexity_of

_NO_PRIOR = np.zeros((), dtype=np.float32)


class Fitted(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Mixin of LatentDirichletAllocation: methods that need only the topics."""

    n_components: int
    components_: NDArray[Any]
    exp_dirichlet_component_: NDArray[Any]
    doc_topic_prior_: Any
    topic_word_prior_: Any
    learning_method_: str
    total_samples: float | str
    n_samples_seen_: int
    mean_change_tol: float
    max_doc_update_iter: int
    random_state: Any
    n_jobs: int | None
    n_features_in_: int
    _totals: Float64Array
    _settings: Callable[..., Settings]

    def transform(self, X: Any, *, normalize: bool = True) -> NDArray[Any]:
        """Return the mixture of topics of each document.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words.
        normalize : bool, default=True
            Whether rows sum to 1; if not, they sum to the number of words plus the sum of
            `doc_topic_prior_`.

        Returns
        -------
        mixtures : ndarray of shape (n_samples, n_components)
            In the dtype of X. The bits of a row do not depend on other rows. A document
            without words has the mean of the prior.
        """
        documents, dtype = self._documents(X, "transform")
        mixtures = self._inferred(documents)
        if normalize:
            mixtures = _shares(mixtures)
        return mixtures.astype(dtype, copy=False)

    def score(self, X: Any, y: Any = None) -> float:
        """Return scikit-learn's score: a variational bound of the log-likelihood of X.

        It treats `components_` as the parameters of Dirichlet distributions, whatever
        `learning_method` was used, and includes the bound of the topics themselves.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words.
        y : None
            Ignored.

        Returns
        -------
        score : float
        """
        documents, _ = self._documents(X, "score")
        return self._bound(documents, sub_sampling=False)

    def perplexity(self, X: Any, sub_sampling: bool = False, *, held_out: Any = None) -> float:
        """Return the perplexity of X, the lower the better.

        Without `held_out` it is scikit-learn's, exp(-score(X) / number of words). It includes the
        bound of the topics, so it can only be compared for the same X and the same number of
        topics.

        With `held_out` it is that of document completion: the mixture of each document is
        inferred from the observed words, and the perplexity is exp of minus the mean
        of log p(word | mixture) over the held-out words. It can compare models of any kind and
        size, on documents that none of them has learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words; if `held_out` is a matrix, of the observed words.
        sub_sampling : bool, default=False
            Whether X stands for `total_samples` documents ("auto": all documents seen), as in
            scikit-learn; not with `held_out`.
        held_out : float, {array-like, sparse matrix} of shape (n_samples, n_features) or \
                None, default=None
            The probability with which each word is held out, by `random_state` and the
            document's content; or the counts of held-out words.

        Returns
        -------
        perplexity : float
        """
        if sub_sampling and held_out is not None:
            raise ValueError(
                "`sub_sampling`=True is for scikit-learn's bound and must be False with "
                "`held_out`, which needs no number of documents; leave one of them out"
            )
        documents, _ = self._documents(X, "perplexity")
        if held_out is None:
            return self._perplexity(documents, sub_sampling=sub_sampling)
        observed, rest = self._parted(documents, held_out)
        tokens = rest.n_tokens
        if tokens == 0:
            raise ValueError("`held_out` holds out no word; give more documents or a larger share")
        mixtures = _shares(self._inferred(observed))
        compact, places = rest.compact()
        topics = word_major(self.components_, places, self._totals)
        return perplexity_of(log_probability(compact, mixtures, topics), tokens)

    def coherence(self, X: Any, measure: str = "npmi", n_words: int = 10) -> Float64Array:
        """Return how often the heaviest words of each topic occur in the same documents.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Reference documents; only whether counts are 0 matters.
        measure : {"npmi", "u_mass"}, default="npmi"
            See :func:`algos.metrics.topic_coherence`.
        n_words : int, default=10
            Number of words of each topic, at least 2. Time and memory grow with its square.

        Returns
        -------
        coherence : ndarray of shape (n_components,)
            The mean of the measure over all pairs of words of each topic.
        """
        check_is_fitted(self)
        _check_count("n_words", n_words, least=2)
        if measure not in MEASURES:
            raise InvalidParameterError(
                f"`measure`={measure!r} must be one of {MEASURES}; the default is 'npmi'"
            )
        rows, _ = self._validated(X, reset=False)
        check_counts(
            rows.data if sparse.issparse(rows) else rows, f"{type(self).__name__}.coherence"
        )
        return coherence_of(heaviest(self.components_, n_words), rows, measure)

    def top_words(
        self, feature_names: Sequence[str] | None = None, n_words: int = 10
    ) -> NDArray[Any]:
        """Return the heaviest words of each topic, the heaviest first.

        Parameters
        ----------
        feature_names : sequence of str of length n_features, default=None
            The words, as from `CountVectorizer.get_feature_names_out()`. None is
            `feature_names_in_`, or column numbers if X had no names.
        n_words : int, default=10
            Number of words of each topic.

        Returns
        -------
        words : ndarray of shape (n_components, n_words)
            The words, or column numbers if there are no names.
        """
        check_is_fitted(self)
        _check_count("n_words", n_words)
        names = self._names(feature_names)
        places = heaviest(self.components_, n_words)
        return places if names is None else names[places]

    def to_pyldavis(
        self, X: Any, feature_names: Sequence[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return the arguments of `pyLDAvis.prepare(**…)`, which draws the topics.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The documents to draw the topics of; those without words are left out.
        feature_names : sequence of str of length n_features, default=None
            The words; None is `feature_names_in_`, or column numbers.

        Returns
        -------
        prepared : dict of str to ndarray
            `topic_term_dists`, `doc_topic_dists`, `doc_lengths`, `vocab` and
            `term_frequency`; words that occur in no document are left out.
        """
        documents, _ = self._documents(X, "to_pyldavis")
        rows = np.flatnonzero(np.diff(documents.indptr))
        if len(rows) == 0:
            raise ValueError("`X` must have a document with a word; give counts of words")
        documents = documents.take(rows)
        frequency = np.bincount(documents.words, documents.counts, documents.n_words)
        occurs = np.flatnonzero(frequency)
        names = self._names(feature_names)
        vocabulary = np.arange(documents.n_words).astype(str) if names is None else names
        topics = self.components_[:, occurs].astype(np.float64)
        starts = documents.indptr[:-1]
        return {
            "topic_term_dists": topics / topics.sum(axis=1, keepdims=True),
            "doc_topic_dists": _shares(self._inferred(documents)),
            "doc_lengths": np.add.reduceat(documents.counts.astype(np.float64), starts),
            "vocab": vocabulary[occurs],
            "term_frequency": frequency[occurs],
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _validated(self, X: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return validated rows, and the dtype of results."""
        check_no_texts(X)
        # Sparse ints, as of CountVectorizer, become float32 without a copy in between.
        dtype = (*FLOATS, np.int64, np.int32) if sparse.issparse(X) else FLOATS
        rows = validate_rows(self, X, reset=reset, dtype=dtype, accept_sparse="csr")
        if rows.dtype in FLOATS:
            return canonical(rows), rows.dtype
        return canonical(with_values(rows, rows.data.astype(np.float32))), np.dtype(np.float64)

    def _documents(self, X: Any, method: str) -> tuple[Documents, Any]:
        """Return validated documents and the dtype of results."""
        check_is_fitted(self)
        rows, dtype = self._validated(X, reset=False)
        return Documents.of(rows, f"{type(self).__name__}.{method}"), dtype

    def _parted(self, documents: Documents, held_out: Any) -> tuple[Documents, Documents]:
        """Return the observed and the held-out parts of documents."""
        is_share = isinstance(held_out, Real)
        if isinstance(held_out, (str, bytes)) or (is_share and not 0 < float(held_out) < 1):
            raise InvalidParameterError(
                f"`held_out`={held_out!r} must be a float in (0, 1), a matrix of counts or "
                f"None; write held_out=0.5"
            )
        if is_share:
            return halves(documents, float(held_out), seed_key(self.random_state))
        rest, _ = self._documents(held_out, "perplexity")
        if len(rest) != len(documents):
            raise ValueError(
                f"`held_out` has {len(rest)} rows and must have {len(documents)}, one for "
                f"each row of X"
            )
        return documents, rest

    def _names(self, given: Sequence[str] | None) -> NDArray[Any] | None:
        if given is None:
            return getattr(self, "feature_names_in_", None)
        if isinstance(given, Integral):
            raise InvalidParameterError(
                f"`feature_names`={given!r} must be the words, or None; for a number of words "
                f"write n_words={given!r}"
            )
        names = np.asarray(given)
        if names.shape != (self.n_features_in_,):
            raise ValueError(
                f"`feature_names` of shape {names.shape} must be of shape "
                f"({self.n_features_in_},), a name for each column of X; "
                f"write vectorizer.get_feature_names_out()"
            )
        return names

    def _is_variational(self) -> bool:
        return self.learning_method_ in VARIATIONAL

    def _inferred(self, documents: Documents) -> Float64Array:
        """Return the expected token count of each document by topic, prior included."""
        n_topics, n_words = self.components_.shape
        settings = Settings(
            n_topics,
            n_words,
            document_prior(self.doc_topic_prior_, n_topics),
            _NO_PRIOR,  # `components_` has it
            mean_change_tol=self.mean_change_tol,
            max_doc_update_iter=self.max_doc_update_iter,
        )
        infer = variational_mixtures if self._is_variational() else likely_mixtures
        n_threads = threads_for(self.n_jobs, 20.0 * documents.n_entries * n_topics)
        return infer(documents, self.components_, self._totals, settings, n_threads)

    def _perplexity(self, documents: Documents, *, sub_sampling: bool = False) -> float:
        tokens = documents.n_tokens
        if sub_sampling:
            tokens *= self._n_sampled(documents) / len(documents)
        return perplexity_of(self._bound(documents, sub_sampling=sub_sampling), tokens)

    def _bound(self, documents: Documents, *, sub_sampling: bool) -> float:
        settings = self._settings(is_fitted=True)
        return approximate_bound(
            documents,
            counts_of(self.components_, settings.topic_word_prior),
            settings,
            effective_n_threads(self.n_jobs),
            n_documents=self._n_sampled(documents) if sub_sampling else None,
        )

    def _n_sampled(self, documents: Documents) -> float:
        """Return the number of documents that a sample stands for."""
        if isinstance(self.total_samples, str):
            return float(max(self.n_samples_seen_, len(documents)))
        return float(self.total_samples)


def _shares(mixtures: Float64Array) -> Float64Array:
    shares: Float64Array = mixtures / mixtures.sum(axis=1, keepdims=True)
    return shares


def _check_count(name: str, value: Any, *, least: int = 1) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InvalidParameterError(
            f"`{name}`={value!r} must be an int in [{least}, inf); write 10"
        )
