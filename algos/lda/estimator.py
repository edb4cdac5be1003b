"""The estimator of latent Dirichlet allocation: parameters, checks and fitted attributes."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array
from algos._common.automatic import automatic, keep_automatic
from algos._common.base import Estimator, learning
from algos._common.callbacks import fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.history import History
from algos._common.method_names import named
from algos._common.params import Constraint, knows_foreign_names
from algos._common.random import seed_key
from algos._common.search import Continuous, Integer
from algos._common.threads import effective_n_threads
from algos._common.verbose import say
from algos.lda import seen_documents
from algos.lda.corpus import Corpus, shuffled
from algos.lda.documents import Documents, warn_of_shares
from algos.lda.fitted import Fitted
from algos.lda.incremental import Incremental
from algos.lda.learners import Start, begin, choose_method, lacks_room, learn, passes_of
from algos.lda.names import FOREIGN_NAMES
from algos.lda.parameters import (
    MEGABYTE,
    PARAMETERS,
    Learned,
    Settings,
    document_prior,
    given_start,
    prior_attribute,
    word_prior,
)
from algos.lda.progress import PassReporter


@named
class LatentDirichletAllocation(Fitted, Incremental, Estimator):
    """Latent Dirichlet allocation: topics of documents, from counts of words.

    A drop-in for :class:`sklearn.decomposition.LatentDirichletAllocation`: the same parameters,
    attributes and methods, with the same bits for every number of threads and every order of
    the documents. "batch" and "online" find scikit-learn's optimum several times faster. The
    default method fits the same model [1]_ in another way, which predicts held-out words better
    and takes a fraction of the time.

    Parameters
    ----------
    n_components : int, default=10
        Number of topics. It may be larger than the number of documents.
    doc_topic_prior : float, array-like of shape (n_components,), "auto" or None, default=None
        Prior of topics in a document (alpha), in pseudo-counts; None is 1 / n_components.
        "auto" learns one number for each topic, starting from that: frequent topics get
        larger ones, which helps with short documents. Only `fit` learns it; `partial_fit`
        keeps what `fit` has learned, else 1 / n_components.
    topic_word_prior : float, array-like of shape (n_features,) or (n_components, n_features) \
            or None, default=None
        Prior of words in a topic (eta), in pseudo-counts; None is 1 / n_components. A matrix
        guides topics: a large entry draws a word into that topic.
    learning_method : {"auto", "batch", "online", "cvb0", "spectral"}, default="auto"
        "batch" and "online" are variational Bayes as in scikit-learn [2]_, over all documents
        at each step or over `batch_size` of them. "cvb0" is collapsed variational Bayes [3]_
        [4]_ after a few passes of expectation maximisation in small batches: the best held-out
        likelihood in the shortest time. "spectral" finds topics from the moments of the counts
        [5]_, as Amazon SageMaker does, and continues like "cvb0" from there; `max_iter=0` uses
        the moments alone. Topics that X does not determine, because there are more of them than
        documents or words or because no row sums to 3, start as uniform topics plus noise;
        `verbose` prints how many, and `fit` warns if no row of counts sums to 3 or if
        `max_iter=0` leaves them so. "auto" is the method that measures best, see
        `learning_method_`.
    learning_decay : float, default=0.7
        How fast later batches lose influence, 0.5 to 1 for convergence; for "online" and
        `partial_fit`: batch t has weight (learning_offset + t) ** -learning_decay. Where
        `partial_fit` uses expectation maximisation, t is 1 + n_samples_seen_ / batch_size.
    learning_offset : float, default=10.0
        Number of batches that count as already seen; larger values slow the first steps.
    max_iter : int or "auto", default="auto"
        Number of passes over the documents in `fit`. "auto" is 10 for "batch" and "online", as
        in scikit-learn, and as many as measure well for the others.
    batch_size : int, default=128
        Number of documents that "online" and `partial_fit` learn at a time.
    evaluate_every : int, default=-1
        If above 0, every pass computes the perplexity, which makes sweeps of "cvb0" half as
        long again, and `fit` stops when it has changed by less than `perp_tol` over this many
        passes. With "auto", "cvb0" and "spectral" it must have fallen by less twice in a row,
        which may happen during expectation maximisation, before any sweep; the one sweep that
        follows such a stop is not counted.
    total_samples : float or "auto", default="auto"
        Number of documents that the batches of `partial_fit` come from: the larger, the less
        the prior weighs. "auto" is the number seen so far, this call's included, and, in a
        stream without a `fit` before it, 10,000 more, which fade as the start is forgotten. A
        number means the same as in scikit-learn, whose default is 1e6.
    perp_tol : float, default=0.1
        Change of perplexity at which `fit` stops, if `evaluate_every` is above 0. It is absolute,
        as in scikit-learn, and texts hardly ever reach the default: 5 is more useful there.
    mean_change_tol : float, default=0.001
        Change at which the inference of a document stops: in "batch" and "online" the mean
        change of its topic counts, in `transform` of the others the share of its words
        that still changes its topic.
    max_doc_update_iter : int, default=100
        Maximum number of inference steps per document, in "batch", "online" and `transform`.
    n_jobs : int or None, default=None
        Number of threads: None is all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    verbose : int, default=0
        1 prints a line for each pass.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed of the start and of the order of documents. An int makes the result reproducible
        to the last bit; None draws from numpy's global state. The draws are not
        scikit-learn's.
    init : {"auto", "random", "spectral"} or array-like of shape (n_components, n_features), \
            default="auto"
        The starting point: random counts; the spectral topics, which are the same for
        every seed; or counts, without the prior. "auto" is "spectral" for up to
        64 topics and at least 50,000 document-word pairs, if any row sums to 3 or
        more, else "random". The method "spectral" always starts from spectral topics, unless
        counts are given; `partial_fit` always starts at
        random or from given counts: for a spectral start, `fit` a sample first.
    alpha0 : float or "auto", default="auto"
        Sum of the document prior that the spectral method assumes: small if documents have few
        topics each. "auto" estimates it.
    max_restarts : int, default=10
        Random starts of each decomposition in the spectral method.
    max_als_iter : int, default=1000
        Maximum number of alternating least squares steps for each of them.
    tol : float, default=1e-08
        Relative change of the spectral method's fit at which these stop.
    max_memory : float or None, default=None
        Megabytes (of 10**6 bytes) that `fit` may take for the responsibilities of "cvb0", stored
        as sums, and for spectral topics, beyond what every fit needs: topics, counts and, for
        expectation maximisation, batches and mixtures. If "cvb0" would take more, all passes are
        expectation maximisation, and `fit` warns if this is None; if spectral topics would,
        `init="auto"` begins at random and "spectral" raises MemoryError. None is half of this
        machine's memory for "cvb0" and all of it for spectral topics.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features_in_)
        Expected count of each word in each topic plus its prior; rows divided by their sums are
        the probabilities of words.
    exp_dirichlet_component_ : ndarray of shape (n_components, n_features_in_)
        exp(E[log(beta)]) if the rows of `components_` are the parameters of Dirichlet
        distributions. Computed when it is first read.
    doc_topic_prior_ : float or ndarray of shape (n_components,)
        Prior of topics in a document, as given or learned.
    topic_word_prior_ : float or ndarray
        Prior of words in a topic, as given.
    learning_method_ : str
        The method that was used.
    auto_params_ : dict
        The values that "auto" stood for in the last `fit`, of each parameter that was "auto" and
        in use; given explicitly, they give the same fit. Only `alpha0` differs: it is the value
        of the last moments on the way to the sum of the prior; given explicitly, moments are
        taken once, for it alone, and topics differ a little.
    bound_ : float
        Perplexity of the documents at the end of `fit`: from the variational bound for "batch"
        and "online", else from the mixtures of the last pass.
    n_iter_ : int
        Number of passes over the documents in `fit`.
    n_batch_iter_ : int
        One more than the number of times that the topics were changed.
    n_samples_seen_ : int
        Number of documents seen.
    history_ : dict of str to ndarray of shape (n_iter_,)
        `objective`, the perplexity of the documents at the start of each pass (nan where it was
        not computed: "cvb0" computes it in every pass if `evaluate_every` or `verbose` is above
        0), `seconds` since the beginning, and `validation`, which is nan.
    random_state_ : RandomState instance
        A new one with the seed of the fit.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    algos.plotting.TopicWordDisplay : Draws the words of each topic.
    algos.metrics.topic_coherence : How often words of a topic stand together.

    Notes
    -----
    X holds counts, or weights, in any dtype; they are rounded to float32, in which topics are
    computed with sums in float64. `components_` and results have the dtype of X. Documents
    without words and words without documents are allowed: the mixture of an empty document is
    the mean of the prior, and an unseen word weighs its prior. A prior of 0 is replaced by 1e-12.

    For D documents with n document-word pairs, V words and K topics, padded to the
    next multiple of 16, a pass takes about 4 * n * K operations for each step of inference. Fits
    need memory for 8 bytes a pair and a few V x K matrices of float32; "cvb0" for 8 * (D + V) * K
    + 16 * n bytes more, and if that exceeds `max_memory`, all its passes are those of
    expectation maximisation. Spectral topics, from which "batch" and "online" also start, take
    (40 * V + 5 * D) * K + 60 * K**3 + 24 * n bytes while they are being found; if `max_memory`
    is less, "auto" begins at random.
    `components_` is in the dtype of X. X is not copied if it is CSR of float32 and int32.

    `partial_fit` holds only the documents of one call, and its state in V x K float32.
    A fit that resumes from a :class:`algos.callbacks.Checkpoint` repeats its first passes
    without reporting them.

    `transform` infers mixtures as the learning method did: posterior means of variational Bayes,
    or the fixed point of expectation maximisation. `score` and `perplexity` are scikit-learn's
    bound, which includes the topics' own prior and cannot compare models; to do so, use document
    completion, `perplexity(X, held_out=0.5)`.

    References
    ----------
    .. [1] Blei, D., Ng, A. and Jordan, M., "Latent Dirichlet allocation", Journal of Machine
       Learning Research 3 (2003).
    .. [2] Hoffman, M., Blei, D. and Bach, F., "Online learning for latent Dirichlet
       allocation", NIPS 2010.
    .. [3] Asuncion, A. et al., "On smoothing and inference for topic models", UAI 2009.
    .. [4] Foulds, J. et al., "Stochastic collapsed variational Bayesian inference for latent
       Dirichlet allocation", KDD 2013.
    .. [5] Anandkumar, A. et al., "Tensor decompositions for learning latent variable models",
       Journal of Machine Learning Research 15 (2014).

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from algos import LatentDirichletAllocation
    >>> texts = ["cat dog cat", "dog cat", "bond stock", "stock bond bond"] * 5
    >>> vectorizer = CountVectorizer()
    >>> X = vectorizer.fit_transform(texts)
    >>> lda = LatentDirichletAllocation(n_components=2, random_state=0).fit(X)
    >>> lda.transform(X[:4]).argmax(axis=1).tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])
    True
    >>> sorted(lda.top_words(vectorizer.get_feature_names_out(), n_words=2)[:, 0])
    ['bond', 'cat']
    """

    _ranges: ClassVar = {
        "n_components": Integer(1, 150, log=True),
        "doc_topic_prior": Continuous(0.01, 1, log=True),
        "topic_word_prior": Continuous(0.01, 1, log=True),
    }
    _ranges_where: ClassVar = {
        ("learning_method", "spectral"): {"alpha0": Continuous(0.1, 10, log=True)}
    }
    _parameters: ClassVar[dict[str, list[Constraint | None]]] = PARAMETERS

    n_iter_: int
    bound_: float
    history_: dict[str, NDArray[Any]]

    @knows_foreign_names(FOREIGN_NAMES)
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
        total_samples: float | str = "auto",
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
        max_memory: float | None = None,
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
        self.max_memory = max_memory

    @learning
    def fit(self, X: Any, y: Any = None) -> LatentDirichletAllocation:
        """Learn topics of documents.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts of words, one row for each document.
        y : None
            Ignored.

        Returns
        -------
        self : LatentDirichletAllocation
        """
        rows, dtype = self._validated(X, reset=True)
        documents = Documents.of(rows, f"{type(self).__name__}.fit")
        warn_of_shares(documents)
        resumable = Resumable(self, documents.matrix())
        state = resumable.state or {"key": seed_key(self.random_state), "n_reported": 0}
        self._key, n_reported = state["key"], state["n_reported"]
        self._float_name = dtype.name
        self.learning_method_, reason = choose_method(self.learning_method)
        settings = self._settings()
        if lacks_room(self.learning_method_, documents, settings):
            reason = reason and "only its expectation maximisation, for lack of memory"
        if reason:
            say(self, f"learning_method {self.learning_method_!r}: {reason}")
        self._set_priors(settings)
        self.n_samples_seen_, self._n_topics = len(documents), self.n_components

        n_threads = effective_n_threads(self.n_jobs)
        with fit_tasks(self, None, X=rows) as task:
            corpus, start = self._begun(documents, settings, n_threads)
            used = self._used(start)

            def attributes(topics: Float32Array, n_reported: int) -> dict[str, Any]:
                unfinished = resumable.unfinished(key=state["key"], n_reported=n_reported)
                choices = {"auto_params_": automatic(self, used)}
                return {**self._copied(topics), **choices, "n_iter_": n_reported, **unfinished}

            reporter = PassReporter(self, task, attributes, n_reported)
            learned = learn(
                self.learning_method_, corpus, start, settings, self._key, n_threads, reporter
            )
        self._set_learned(learned, reporter.history, documents)
        keep_automatic(self, used)
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

    def _settings(self, *, is_fitted: bool = False) -> Settings:
        """Return the learners' settings, with the fitted priors if `is_fitted`."""
        n_words = self.n_features_in_
        if is_fitted:
            n_topics = self._n_topics
            of_documents, of_words = self.doc_topic_prior_, self.topic_word_prior_
        else:
            n_topics = self.n_components
            of_documents, of_words = self.doc_topic_prior, self.topic_word_prior
        return Settings(
            n_topics=n_topics,
            n_words=n_words,
            doc_topic_prior=document_prior(of_documents, n_topics),
            topic_word_prior=word_prior(of_words, n_topics, n_words),
            learns_doc_topic_prior=isinstance(self.doc_topic_prior, str),
            max_iter=None if isinstance(self.max_iter, str) else int(self.max_iter),
            batch_size=int(self.batch_size),
            learning_decay=float(self.learning_decay),
            learning_offset=float(self.learning_offset),
            evaluate_every=int(self.evaluate_every),
            total_samples=(
                None if isinstance(self.total_samples, str) else float(self.total_samples)
            ),
            perp_tol=float(self.perp_tol),
            mean_change_tol=float(self.mean_change_tol),
            max_doc_update_iter=int(self.max_doc_update_iter),
            init=self.init if isinstance(self.init, str) else "auto",
            alpha0=None if isinstance(self.alpha0, str) else float(self.alpha0),
            max_restarts=int(self.max_restarts),
            max_als_iter=int(self.max_als_iter),
            tol=float(self.tol),
            max_bytes=None if self.max_memory is None else MEGABYTE * float(self.max_memory),
            evaluates_each_pass=self.evaluate_every > 0 or self.verbose > 0,
        )

    def _set_priors(self, settings: Settings) -> None:
        """Set the attributes of both priors: a number where all topics and words share one."""
        self._set_document_prior(settings.doc_topic_prior)
        self.topic_word_prior_ = prior_attribute(self.topic_word_prior, self.n_components)

    def _set_document_prior(self, prior: Float64Array) -> None:
        given = self.doc_topic_prior
        is_learned = isinstance(given, str)
        self.doc_topic_prior_ = (
            prior.copy() if is_learned else prior_attribute(given, self.n_components)
        )

    def _begun(
        self, documents: Documents, settings: Settings, n_threads: int
    ) -> tuple[Corpus, Start]:
        """Return the documents in the order of their keys, and the starting point."""
        topics = None if isinstance(self.init, str) else self._given_start()
        keys = documents.keys(self._key, n_threads)
        self._past = seen_documents.after(seen_documents.NOTHING, self._key, keys)
        corpus, tell = shuffled(documents, keys), partial(say, self)
        return begin(self.learning_method_, corpus, topics, settings, n_threads, tell)

    def _used(self, start: Start) -> dict[str, Any]:
        """Return the values in use of the parameters that may be "auto"."""
        used = {
            "learning_method": self.learning_method_,
            "max_iter": passes_of(self.learning_method_),
            "init": start.init,
        }
        return used if start.alpha0 is None else {**used, "alpha0": start.alpha0}

    def _given_start(self) -> Float32Array:
        return given_start(self.init, self.n_components, self.n_features_in_)

    def _copied(self, topics: Float32Array) -> dict[str, Any]:
        """Return the attributes that a copy needs to predict as if the fit had stopped here."""
        names = ("_key", "_float_name", "_n_topics", "_past", "learning_method_",
                 "doc_topic_prior_", "topic_word_prior_", "n_samples_seen_")  # fmt: skip
        model = {name: self.__dict__[name] for name in names}
        model |= self._model(topics)
        model |= {"_n_stands_for": float(self.n_samples_seen_), "_weight_of_seen": 1.0}
        return {**model, "n_batch_iter_": 1, "_is_stale": True}

    def _set_learned(self, learned: Learned, history: History, documents: Documents) -> None:
        if learned.doc_topic_prior is not None:
            self._set_document_prior(learned.doc_topic_prior)
        self._n_stands_for, self._weight_of_seen = float(len(documents)), 1.0
        self._set_model(learned.topics)
        self.n_iter_ = len(history)
        self.n_batch_iter_ = learned.n_updates + 1
        none: NDArray[Any] = np.zeros(0)
        columns = dict.fromkeys(("objective", "seconds", "validation"), none)
        self.history_ = columns | history.arrays()
        self.bound_ = learned.perplexity
        if np.isnan(self.bound_):
            self.bound_ = self._perplexity(documents)
