"""What LatentDirichletAllocation does beyond fit: learn in parts, and join parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from algos._common.base import check_mergeable, learning
from algos._common.deferred import Deferred
from algos._common.random import Key, seed_key
from algos._common.threads import effective_n_threads
from algos._common.verbose import say
from algos.lda.documents import Documents
from algos.lda.learners import choose_method
from algos.lda.parameters import Floats, Settings, word_prior
from algos.lda.streams import follow
from algos.lda.topics import components_of, counts_of, exp_expectations, matching
from algos.lda.variational import random_topics

Self = TypeVar("Self", bound="Incremental")


class Incremental(Deferred):
    """Mixin of LatentDirichletAllocation: learning in parts.

    While it learns in parts, the state is `_topics`, counts without the prior that stand for
    `_n_stands_for` documents; the model is made of it when an attribute of it is first read.
    """

    _deferred: ClassVar[tuple[str, ...]] = ("components_", "exp_dirichlet_component_", "_totals")

    n_components: int
    learning_method: str
    init: Any
    random_state: Any
    n_jobs: int | None
    components_: NDArray[Any]
    doc_topic_prior_: Any
    topic_word_prior_: Any
    learning_method_: str
    n_batch_iter_: int
    n_iter_: int
    n_samples_seen_: int
    n_features_in_: int
    _topics: Floats
    _totals: NDArray[np.float64]
    _n_stands_for: float
    _float_name: str
    _n_topics: int
    _key: Key
    _validated: Callable[..., Any]
    _settings: Callable[..., Settings]
    _given_start: Callable[[], Floats]
    _set_priors: Callable[[Settings], None]
    _is_variational: Callable[[], bool]

    @learning
    def partial_fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learn further documents, in batches of `batch_size`; earlier ones need not be kept.

        "batch" and "online" take the steps of scikit-learn's online variational Bayes, the
        others steps of the same sizes by expectation maximisation. After `fit` learning goes
        on from the fitted topics. The model is made when an attribute of it is read.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words. The documents are learned in an order that hangs on what they
            hold, not on where they stand.
        y : None
            Ignored.

        Returns
        -------
        self : LatentDirichletAllocation
        """
        is_first = "_key" not in self.__dict__
        rows, dtype = self._validated(X, reset=is_first)
        documents = Documents.of(rows, f"{type(self).__name__}.partial_fit")
        if is_first:
            self._begin(dtype.name)
        self._check_same_kind()
        settings = self._settings(is_fitted=True)
        n_threads = effective_n_threads(self.n_jobs)
        topics, n_stands_for, number = follow(
            documents.in_order_of_content(self._key, n_threads),
            self._state(settings),
            self._n_stands_for,
            settings,
            n_threads,
            number=self.n_batch_iter_,
            is_variational=self._is_variational(),
            told=lambda number: say(self, f"batch {number}"),
        )
        self._keep(topics, n_stands_for)
        self.n_batch_iter_ = number
        self.n_samples_seen_ += len(documents)
        return self

    @learning
    def merge(self: Self, other: Any) -> Self:
        """Join what another model has learned from other documents.

        An approximation: topics are paired so that they are alike (the sum of the pairs'
        Bhattacharyya coefficients is the greatest there is) and their counts are added, those
        of each model in the proportion of the documents that it has seen. Topics that only
        one of the two has found are thus mixed with others; models that began from one start,
        such as copies of one that was fitted to a sample, have the same topics.

        Parameters
        ----------
        other : LatentDirichletAllocation
            Fitted on the same columns with the same parameters; it is not changed.

        Returns
        -------
        self : LatentDirichletAllocation
        """
        check_mergeable(self, other)
        self._check_same_kind()
        other._check_same_kind()
        order = matching(self.components_, other.components_)
        mine = self._state(self._settings(is_fitted=True)) * self._share_of_seen()
        its = other._state(other._settings(is_fitted=True)) * other._share_of_seen()
        mine[:, : self.n_components] += its[:, order]
        share = other.n_samples_seen_ / (self.n_samples_seen_ + other.n_samples_seen_)
        prior, theirs = np.asarray(self.doc_topic_prior_), np.asarray(other.doc_topic_prior_)
        if prior.ndim:
            self.doc_topic_prior_ = (1 - share) * prior + share * theirs[order]
        self.n_batch_iter_ = max(self.n_batch_iter_, other.n_batch_iter_)
        self.n_samples_seen_ += other.n_samples_seen_
        self._keep(mine, self.n_samples_seen_)
        return self

    def _share_of_seen(self) -> np.float32:
        """Return what makes counts those of the documents that were seen."""
        return np.float32(self.n_samples_seen_ / self._n_stands_for)

    def _begin(self, float_name: str) -> None:
        """Begin a stream."""
        self._key = seed_key(self.random_state)
        self._float_name = float_name
        self.learning_method_ = choose_method(self.learning_method)[0]
        settings = self._settings()
        self._set_priors(settings)
        self.n_batch_iter_, self.n_iter_, self.n_samples_seen_ = 1, 0, 0
        start = (
            random_topics(settings, self._key)
            if isinstance(self.init, str)
            else self._given_start()
        )
        self._keep(start, 0.0)

    def _check_same_kind(self) -> None:
        """Raise ValueError if what was learned is no model of the parameters as they are now."""
        check_is_fitted(self, "n_batch_iter_")
        method = choose_method(self.learning_method)[0]
        learned = {
            "n_components": (self.n_components, self._n_topics),
            "learning_method": (method, self.learning_method_),
        }
        for name, (now, then) in learned.items():
            if now != then:
                raise ValueError(
                    f"`{name}`={now!r} must be {then!r}, as when the model was learned; set it "
                    f"back, or call `fit`, which begins anew"
                )

    def _state(self, settings: Settings) -> Floats:
        """Return counts without the prior."""
        if "_topics" in self.__dict__:
            return self._topics
        return counts_of(self.components_, settings.topic_word_prior)

    def _keep(self, topics: Floats, n_stands_for: float) -> None:
        """Take counts; the model is made of them when it is asked for."""
        self._topics, self._n_topics = topics, self.n_components
        self._n_stands_for = float(n_stands_for)
        self._defer_model()

    def _set_model(self, topics: Floats) -> None:
        """Make the model of a whole fit; what only few ask for waits until they do."""
        self.__dict__.pop("_topics", None)
        self._n_topics = self.n_components
        self._defer_model()
        self.__dict__.update(self._model(topics))

    def _model(self, topics: Floats) -> dict[str, Any]:
        prior = word_prior(self.topic_word_prior_, self._n_topics, len(topics))
        dtype = np.dtype(self._float_name)
        components = components_of(topics, prior, self._n_topics, dtype)
        return {"components_": components, "_totals": components.sum(axis=1, dtype=np.float64)}

    def _make_model(self) -> None:
        if "_topics" in self.__dict__:
            self.__dict__.update(self._model(self._topics))
        self.exp_dirichlet_component_ = exp_expectations(self.__dict__["components_"])
