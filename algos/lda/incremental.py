"""Online learning and merging of topic models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float32Array, Float64Array
from algos._common.base import ONCE, check_mergeable, learning
from algos._common.deferred import Deferred
from algos._common.random import Key, seed_key
from algos._common.threads import effective_n_threads
from algos._common.verbose import say
from algos._common.warn import warn
from algos.lda import seen_documents
from algos.lda.corpus import shuffled
from algos.lda.documents import Documents, warn_of_shares
from algos.lda.learners import choose_method
from algos.lda.parameters import Settings, document_prior, word_prior
from algos.lda.streams import State, follow
from algos.lda.topics import components_of, counts_of, exp_expectations, matching
from algos.lda.variational import random_topics

Self = TypeVar("Self", bound="Incremental")


class Incremental(Deferred):
    """Mixin of LatentDirichletAllocation: `partial_fit` and `merge`.

    During online learning the state is `_topics`, counts without the prior that stand for
    `_n_stands_for` documents; the attributes of the model are computed when they are first read.
    """

    _deferred: ClassVar[tuple[str, ...]] = ("components_", "exp_dirichlet_component_", "_totals")

    n_components: int
    doc_topic_prior: Any
    topic_word_prior: Any
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
    _topics: Float32Array
    _totals: Float64Array
    _n_stands_for: float
    _weight_of_seen: float
    _float_name: str
    _n_topics: int
    _past: seen_documents.SeenDocuments
    _key: Key
    _validated: Callable[..., Any]
    _settings: Callable[..., Settings]
    _given_start: Callable[[], Float32Array]
    _set_priors: Callable[[Settings], None]
    _is_variational: Callable[[], bool]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without derived attributes: reading them makes no pickle larger."""
        state = dict(super().__getstate__())  # type: ignore[call-overload]
        made = self._deferred if "_topics" in state else ("exp_dirichlet_component_",)
        if not state.keys().isdisjoint(made) and self._is_as_made():
            state = {name: value for name, value in state.items() if name not in made}
            state["_is_stale"] = True
        return state

    def _is_as_made(self) -> bool:
        """Return whether derived attributes are unchanged: nobody has written to them."""
        now = self.__dict__
        made = self._model(self._topics) if "_topics" in now else {}
        if not all(_is_same(now.get(name, value), value) for name, value in made.items()):
            return False
        if "exp_dirichlet_component_" not in now:
            return True
        return _is_same(now["exp_dirichlet_component_"], exp_expectations(self.components_))

    @learning
    def partial_fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learn further documents, in batches of `batch_size`; earlier ones need not be kept.

        "batch" and "online" take the steps of scikit-learn's online variational Bayes. The
        others take steps of expectation maximisation whose weights depend on the number of
        documents seen, so that the number of calls hardly matters. The first batches are
        smaller. After `fit`, learning continues from the fitted topics; otherwise it begins at
        random or with the counts in `init`. Priors must not change between calls. Attributes of
        the model are computed when they are first read.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words. The documents are learned in an order that depends on their
            content, not on their positions.
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
            warn_of_shares(documents)
            self._begin(dtype.name)
        self._check_same_kind()
        self._check_priors()
        settings = self._settings(is_fitted=True)
        self._warn_of_total(settings.total_samples, len(documents))
        n_threads = effective_n_threads(self.n_jobs)
        keys = documents.keys(self._key, n_threads)
        state = follow(
            shuffled(documents, keys),
            State(
                self._state(settings), self._n_stands_for, self._weight_of_seen, self.n_batch_iter_
            ),
            settings,
            n_threads,
            n_seen=self.n_samples_seen_,
            is_variational=self._is_variational(),
            report=lambda number: say(self, f"batch {number}"),
        )
        self._keep(*state)
        self.n_samples_seen_ += len(documents)
        self._past = seen_documents.after(self._past, self._key, keys)
        return self

    @learning
    def merge(self: Self, other: Any) -> Self:
        """Merge a model that has learned other documents into this one.

        This is an approximation: topics are paired by similarity (the pairing maximises the sum
        of Bhattacharyya coefficients) and their counts are added, those
        of each model in proportion to the documents that only it has learned. Topics that
        only one of the two has found are thus mixed with others; models with a common
        start have the same topics: fit a sample, copy the model (`copy.deepcopy`), let each
        copy learn its part of the documents by `partial_fit`, and merge. The sample counts
        once: what both had learned before they were separated is recognised if each copy has made
        at most 128 calls since; after more, a part may count twice.

        Parameters
        ----------
        other : LatentDirichletAllocation
            Fitted on the same columns with the same parameters; it is not changed.

        Returns
        -------
        self : LatentDirichletAllocation
        """
        check_mergeable(self, other, itself=ONCE)
        self._check_same_kind()
        other._check_same_kind()
        self._check_same_priors(other)
        order = matching(self.components_, other.components_)
        common = seen_documents.n_common(self._past, other._past)
        alone, its_alone = self.n_samples_seen_ - common, other.n_samples_seen_ - common
        share = its_alone / (alone + its_alone) if alone + its_alone else 0.0
        n_seen = common + alone + its_alone
        mine = self._state_of(n_seen * (1 - share))
        mine[:, : self.n_components] += other._state_of(n_seen * share)[:, order]
        prior, theirs = np.asarray(self.doc_topic_prior_), np.asarray(other.doc_topic_prior_)
        is_given = self.doc_topic_prior is not None and not isinstance(self.doc_topic_prior, str)
        if prior.ndim and not is_given:
            self.doc_topic_prior_ = (1 - share) * prior + share * theirs[order]
        weight = 1 - (1 - self._weight_of_seen) * (1 - other._weight_of_seen)
        number = max(self.n_batch_iter_, other.n_batch_iter_)
        self._past = seen_documents.joined(self._past, other._past, n_seen)
        self.n_samples_seen_ = n_seen
        self._keep(mine, n_seen, weight, number)
        return self

    def _state_of(self, n_documents: float) -> Float32Array:
        """Return a copy of the counts, rescaled to `n_documents`."""
        state = self._state(self._settings(is_fitted=True))
        return state * np.float32(n_documents / self._n_stands_for)

    def _begin(self, float_name: str) -> None:
        """Begin a stream."""
        self._key = seed_key(self.random_state)
        self._float_name = float_name
        self.learning_method_ = choose_method(self.learning_method)[0]
        settings = self._settings()
        self._set_priors(settings)
        self.n_iter_, self.n_samples_seen_ = 0, 0
        self._past = seen_documents.NOTHING
        start = (
            random_topics(settings, self._key)
            if isinstance(self.init, str)
            else self._given_start()
        )
        self._keep(start, 0.0, 0.0, 1)

    def _check_same_kind(self) -> None:
        """Raise ValueError if parameters that shape the model have changed since it was learned."""
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
                    f"back, or call `fit` to start again"
                )

    def _check_priors(self) -> None:
        """Raise ValueError if the given priors are not those of the model."""
        k, n_words = self.n_components, self.n_features_in_
        given = document_prior(self.doc_topic_prior, k)
        is_given = not isinstance(self.doc_topic_prior, str)  # "auto" keeps what was learned
        if is_given and not np.array_equal(given, document_prior(self.doc_topic_prior_, k)):
            raise _another_prior("doc_topic_prior", self.doc_topic_prior, self.doc_topic_prior_)
        of_words = word_prior(self.topic_word_prior, k, n_words)
        learned = word_prior(self.topic_word_prior_, k, n_words)
        if not _are_equal(of_words, learned, k):
            raise _another_prior("topic_word_prior", self.topic_word_prior, self.topic_word_prior_)

    def _warn_of_total(self, total: float | None, n_documents: int) -> None:
        """Warn if `total_samples` is below the number of documents in the call or the model.

        More may have been seen: a stream may pass over all its documents again.
        """
        known = max(float(n_documents), self._n_stands_for)
        if total is not None and known > 1.000001 * total:
            warn(
                f"`total_samples`={total:.6g} is less than the {known:.6g} documents that "
                f"were learned: relative to the prior they will weigh less than their number; "
                f"write total_samples='auto'"
            )

    def _check_same_priors(self, other: Any) -> None:
        """Raise ValueError if another model had another prior, unless priors are learned."""
        k, n_words = self.n_components, self.n_features_in_
        mine, its = (word_prior(each.topic_word_prior_, k, n_words) for each in (self, other))
        if not _are_equal(mine, its, k):
            raise self._unlike("topic_word_prior", other)
        one, two = (document_prior(each.doc_topic_prior_, k) for each in (self, other))
        if not isinstance(self.doc_topic_prior, str) and not np.array_equal(one, two):
            raise self._unlike("doc_topic_prior", other)

    def _unlike(self, name: str, other: Any) -> ValueError:
        mine, its = (_described(getattr(each, f"{name}_")) for each in (self, other))
        return ValueError(
            f"`{name}_`={its} of the other {type(self).__name__} must be {mine}; fit both with "
            f"the same `{name}`"
        )

    def _state(self, settings: Settings) -> Float32Array:
        """Return counts without the prior."""
        if "_topics" in self.__dict__:
            return self._topics
        return counts_of(self.components_, settings.topic_word_prior)

    def _keep(self, topics: Float32Array, n_stands_for: float, weight: float, number: int) -> None:
        """Store the values of a `streams.State`; the model is computed when it is first read."""
        self._topics, self._n_topics = topics, self.n_components
        self._n_stands_for, self._weight_of_seen = float(n_stands_for), weight
        self.n_batch_iter_ = number
        self._defer_model()

    def _set_model(self, topics: Float32Array) -> None:
        """Compute the model of a whole fit; rarely used attributes wait until they are read."""
        self.__dict__.pop("_topics", None)
        self._n_topics = self.n_components
        self._defer_model()
        self.__dict__.update(self._model(topics))

    def _model(self, topics: Float32Array) -> dict[str, Any]:
        prior = word_prior(self.topic_word_prior_, self._n_topics, len(topics))
        dtype = np.dtype(self._float_name)
        components = components_of(topics, prior, self._n_topics, dtype)
        return {"components_": components, "_totals": components.sum(axis=1, dtype=np.float64)}

    def _make_model(self) -> None:
        if "_topics" in self.__dict__:
            for name, value in self._model(self._topics).items():
                self.__dict__.setdefault(name, value)  # a value that the user has set is kept
        if "exp_dirichlet_component_" not in self.__dict__:
            self.exp_dirichlet_component_ = exp_expectations(self.__dict__["components_"])


def _is_same(one: Any, other: NDArray[Any]) -> bool:
    """Return whether two arrays have the same values and type."""
    one = np.asarray(one)
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)


def _are_equal(one: Float32Array, other: Float32Array, n_topics: int) -> bool:
    """Return whether two priors of words are equal, whether one number or many."""
    if one.ndim == 2:
        one = one[:, :n_topics]
    if other.ndim == 2:
        other = other[:, :n_topics]
    mine, its = (prior[:, np.newaxis] if prior.ndim == 1 else prior for prior in (one, other))
    return bool(np.all(mine == its))


def _described(prior: Any) -> str:
    """Return a prior as error messages name it."""
    if prior is None:
        return "None"
    shape = np.shape(prior)
    return f"array of shape {shape}" if shape else repr(float(prior))


def _another_prior(name: str, now: Any, then: Any) -> ValueError:
    is_alike = np.shape(now) == np.shape(then) != ()
    learned = f"that of `{name}_`" if is_alike else _described(then)
    return ValueError(
        f"`{name}`={_described(now)} must be {learned}, as when the model was learned; set it "
        f"back, or call `fit` to start again"
    )
