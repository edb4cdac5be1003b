"""The estimator of latent Dirichlet allocation: parameters, checks and fitted attributes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from algos._common.base import Estimator, learning
from algos._common.callbacks import fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.params import Constraint
from algos._common.random import Key, seed_key
from algos._common.threads import effective_n_threads
from algos._common.verbose import say
from algos.lda.documents import Documents
from algos.lda.fitted import Fitted
from algos.lda.incremental import Incremental
from algos.lda.learners import LEARNERS, choose_method
from algos.lda.parameters import (
    PARAMETERS,
    Doubles,
    Floats,
    Learned,
    Settings,
    document_prior,
    padded_columns,
    word_prior,
)
from algos.lda.progress import Told


class LatentDirichletAllocation(Fitted, Incremental, Estimator):
    """Latent Dirichlet allocation.

    Parameters
    ----------
    n_components : int, default=10
        Number of topics.
    """

    _parameters: ClassVar[dict[str, list[Constraint | None]]] = PARAMETERS

    n_iter_: int
    bound_: float
    history_: dict[str, NDArray[Any]]

    def __init__(
        self,
        n_components: int = 10,
        *,
        doc_topic_prior: Any = None,
        topic_word_prior: Any = None,
        learning_method: str = "auto",
        learning_decay: float = 0.7,
        learning_offset: float = 10.0,
        max_iter: int | str = "auto",
        batch_size: int = 128,
        evaluate_every: int = -1,
        total_samples: float = 1e6,
        perp_tol: float = 1e-1,
        mean_change_tol: float = 1e-3,
        max_doc_update_iter: int = 100,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: Any = None,
        init: Any = "auto",
        alpha0: float | str = "auto",
        max_restarts: int = 10,
        max_als_iter: int = 1000,
        tol: float = 1e-8,
    ) -> None:
        self.n_components = n_components
        self.doc_topic_prior = doc_topic_prior
        self.topic_word_prior = topic_word_prior
        self.learning_method = learning_method
        self.learning_decay = learning_decay
        self.learning_offset = learning_offset
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.evaluate_every = evaluate_every
        self.total_samples = total_samples
        self.perp_tol = perp_tol
        self.mean_change_tol = mean_change_tol
        self.max_doc_update_iter = max_doc_update_iter
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state
        self.init = init
        self.alpha0 = alpha0
        self.max_restarts = max_restarts
        self.max_als_iter = max_als_iter
        self.tol = tol

    @learning
    def fit(self, X: Any, y: Any = None) -> LatentDirichletAllocation:
        """Learn topics of documents.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words, one row a document.
        y : None
            Ignored.

        Returns
        -------
        self : LatentDirichletAllocation
        """
        rows = self._validated(X, reset=True)
        documents = Documents.of(rows, f"{type(self).__name__}.fit")
        resumable = Resumable(self, documents.matrix())
        state = resumable.state or {"key": seed_key(self.random_state), "n_told": 0}
        self._key, n_told = state["key"], state["n_told"]
        self._float_name = "float32" if rows.dtype == np.float32 else "float64"
        self.learning_method_, reason = choose_method(self.learning_method)
        say(self, f"learning_method {self.learning_method_!r}: {reason}")
        settings = self._settings()
        self._set_priors(settings)
        self.n_samples_seen_, self._n_topics = len(documents), self.n_components

        def attributes(topics: Floats, n_told: int) -> dict[str, Any]:
            unfinished = resumable.unfinished(key=state["key"], n_told=n_told)
            return {**self._copied(topics), "n_iter_": n_told, **unfinished}

        with fit_tasks(self, None, X=rows) as task:
            told = Told(self, task, attributes, n_told)
            learned = self._learned(documents, settings, self._key, told)
        self._set_learned(learned, told, documents)
        return self

    def fit_transform(self, X: Any, y: Any = None, *, normalize: bool = True) -> NDArray[Any]:
        """Learn topics of documents and return each one's mixture.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words.
        y : None
            Ignored.
        normalize : bool, default=True
            Whether rows sum to 1, as in `transform`.

        Returns
        -------
        mixtures : ndarray of shape (n_samples, n_components)
            The same as `fit(X).transform(X)`, to the last bit.
        """
        return self.fit(X, y).transform(X, normalize=normalize)

    @property
    def random_state_(self) -> np.random.RandomState:
        """A new numpy RandomState with the seed of the fit."""
        if "_key" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no 'random_state_' yet")
        return np.random.RandomState(self._key.view(np.uint32))

    def _settings(self) -> Settings:
        """Return the parameters as learners take them."""
        n_words, n_topics = self.n_features_in_, self.n_components
        return Settings(
            n_topics=n_topics,
            n_words=n_words,
            doc_topic_prior=document_prior(self.doc_topic_prior, n_topics),
            topic_word_prior=word_prior(self.topic_word_prior, n_topics, n_words),
            learns_doc_topic_prior=isinstance(self.doc_topic_prior, str),
            max_iter=None if isinstance(self.max_iter, str) else int(self.max_iter),
            batch_size=int(self.batch_size),
            learning_decay=float(self.learning_decay),
            learning_offset=float(self.learning_offset),
            evaluate_every=int(self.evaluate_every),
            total_samples=float(self.total_samples),
            perp_tol=float(self.perp_tol),
            mean_change_tol=float(self.mean_change_tol),
            max_doc_update_iter=int(self.max_doc_update_iter),
            init=self.init if isinstance(self.init, str) else "auto",
            alpha0=None if isinstance(self.alpha0, str) else float(self.alpha0),
            max_restarts=int(self.max_restarts),
            max_als_iter=int(self.max_als_iter),
            tol=float(self.tol),
        )

    def _set_priors(self, settings: Settings) -> None:
        """Tell of the priors: a number where all topics and words have the same one."""
        prior = settings.doc_topic_prior
        self._set_document_prior(prior)
        given, k = self.topic_word_prior, self.n_components
        self.topic_word_prior_ = 1.0 / k if given is None else _number_or_array(given)

    def _set_document_prior(self, prior: Doubles) -> None:
        given = self.doc_topic_prior
        if isinstance(given, str):
            self.doc_topic_prior_ = prior.copy()
        else:
            self.doc_topic_prior_ = (
                1.0 / self.n_components if given is None else _number_or_array(given)
            )

    def _learned(
        self, documents: Documents, settings: Settings, key: Key, told: Told
    ) -> Learned:
        n_threads = effective_n_threads(self.n_jobs)
        start = None if isinstance(self.init, str) else self._given_start()
        learn = LEARNERS[self.learning_method_]
        documents = documents.in_order_of_content(key, n_threads)
        return learn(documents, start, settings, key, n_threads, told)

    def _given_start(self) -> Floats:
        shape = (self.n_components, self.n_features_in_)
        start = np.asarray(self.init, dtype=np.float64)
        if start.shape != shape or not np.all(np.isfinite(start)) or np.any(start < 0):
            raise ValueError(
                f"`init` of shape {start.shape} must be of shape {shape}, (n_components, "
                f"n_features), finite and not negative; or write 'auto'"
            )
        return padded_columns(start.T)

    def _copied(self, topics: Floats) -> dict[str, Any]:
        """Return what a copy needs to predict as if the fit had stopped here."""
        names = ("_key", "_float_name", "_n_topics", "learning_method_", "doc_topic_prior_",
                 "topic_word_prior_", "n_samples_seen_")  # fmt: skip
        model = {name: self.__dict__[name] for name in names} | self._model(topics)
        model |= {"n_batch_iter_": 1, "_n_stands_for": float(self.n_samples_seen_)}
        return model | self._expectations(model["components_"])

    def _set_learned(self, learned: Learned, told: Told, documents: Documents) -> None:
        if learned.doc_topic_prior is not None:
            self._set_document_prior(learned.doc_topic_prior)
        self._n_stands_for = float(len(documents))
        self._set_model(learned.topics)
        self.n_iter_ = len(told.history)
        self.n_batch_iter_ = learned.n_updates + 1
        self.history_ = told.history.arrays()
        self.bound_ = learned.perplexity
        if np.isnan(self.bound_):
            self.bound_ = self._perplexity(documents)


def _number_or_array(given: Any) -> Any:
    array = np.array(given, dtype=np.float64)
    return array if array.ndim else float(array)
