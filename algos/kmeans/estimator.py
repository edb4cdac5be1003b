"""The KMeans estimator: parameters, checks and fitted attributes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClusterMixin
from sklearn.exceptions import ConvergenceWarning

from algos._common.arrays import Float64Array
from algos._common.automatic import keep_automatic
from algos._common.base import Estimator, learning
from algos._common.callbacks import fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.method_names import named
from algos._common.params import (
    N_JOBS,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INT,
    VERBOSE,
    ArrayLike as IsArrayLike,
    Boolean,
    Constraint,
    IsCallable,
    Options,
    RandomState,
    knows_foreign_names,
)
from algos._common.random import seed_key
from algos._common.scale import scaled, unscaled, weights_in_range
from algos._common.search import Categorical
from algos._common.threads import effective_n_threads
from algos._common.validation import check_sample_weight, drop_zero_weight, validate_dense_or_csr
from algos._common.verbose import say
from algos._common.warn import warn
from algos.kmeans.fitted import Fitted
from algos.kmeans.incremental import Incremental, warn_if_infinite
from algos.kmeans.metric import LOST, METRICS, label_rows, lost_inertia_of, make_rows
from algos.kmeans.names import FOREIGN_NAMES
from algos.kmeans.plan import Plan, check_enough, choose_algorithm, reason_for, starts_from
from algos.kmeans.restarts import Model, RunState, best_run, owes_digits, refined
from algos.kmeans.rows import Rows, weight_by_label


@named
class KMeans(Incremental, Fitted, ClusterMixin, Estimator):
    """k-means clustering, a drop-in for :class:`sklearn.cluster.KMeans`.

    It has the same parameters and attributes as scikit-learn's class, and finds clusters of
    the same quality; only the random draws of a seed differ. An integer seed gives the same
    bits for every number of threads. float32 data is clustered in float32, with sums in
    float64, and without a copy; its mean is subtracted first, so an offset costs no accuracy.

    CSR rows stay sparse, and `metric="cosine"` clusters directions (spherical k-means).
    The mean of CSR rows is not subtracted: see the notes for what an offset costs there.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, and of centres.
    init : {"k-means++", "k-means||", "random"}, callable or array-like of shape \
            (n_clusters, n_features), default="k-means++"
        How the initial centres are chosen. "k-means++" draws rows one by one, each as the best
        of 2 + log(n_clusters) candidates that are likely to be far from the centres so far
        (greedy k-means++, as in scikit-learn). "k-means||" draws 2 * n_clusters candidates
        at a time, five times, and chooses the centres among them by greedy k-means++, which
        needs fewer passes over X if there are many clusters. "random" draws distinct rows
        with probability proportional to their weight. A callable takes X, n_clusters and
        `random_state=` and returns the centres.
    n_init : "auto" or int, default="auto"
        Number of runs with different initial centres, of which the best is kept. "auto" is 10
        for `init="random"` or a callable, and 1 for "k-means++", "k-means||" or an array;
        after `partial_fit` it is 10 except for an array, since few points are clustered then.
    max_iter : int, default=300
        Maximum number of passes over the data in one run.
    tol : float, default=1e-4
        A run ends when the sum of the squared shifts of all centres is at most `tol` times
        the mean variance of the columns; with 0 it ends when no label changes.
    verbose : int, default=0
        1 prints one line for each run, 2 also one for each iteration.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed of the initial centres. An int makes the result reproducible to the last bit,
        for every `n_jobs`; None draws from numpy's global state.
    copy_x : bool, default=True
        Ignored; present for compatibility. X is never written to, and centring needs no copy
        of it.
    algorithm : {"auto", "lloyd", "elkan", "quantized"}, default="auto"
        All give the same clusters. "lloyd" computes the distance of every row to every
        centre, in registers. "elkan" skips rows whose label the triangle inequality proves
        unchanged, with two bounds per row (Hamerly's form [3]_; Elkan's has `n_clusters` bounds
        per row). "quantized" rules out most centres by products of 8-bit codes of the rows,
        whose error is bounded, and computes the remaining distances; in late passes it skips
        rows as "elkan" does, with a bound of two bytes. It is by far the fastest where the
        processor multiplies bytes (VNNI), and slow elsewhere. "auto" uses it where it is fast,
        and otherwise chooses by shape: "elkan" if `n_clusters * n_features` is at least 3000,
        for at most 256 clusters of 50 rows or more each. `algorithm_` says which one ran.
    metric : {"euclidean", "cosine"}, default="euclidean"
        "cosine" is for rows whose length does not matter, such as texts or embeddings: rows
        and centres are scaled to length 1, and distances are 1 - cos. A row of zeros has
        no direction: its distance to every centre is 1, its label 0, and it moves no centre.
    n_jobs : int or None, default=None
        Number of threads: None is all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    extra_center_factor : int, default=10
        `partial_fit` and `merge` keep `extra_center_factor * n_clusters` weighted centres,
        from which the clusters are computed. Time and memory are proportional to it. Larger
        values are usually more accurate; in our measurements 4 lost little more than a percent.
    half_life : float or None, default=None
        Number of later rows (sum of their weights) after which the weight of a row has
        halved, in `partial_fit`; None for no decay. All rows of a batch have the same age.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Centres, in the dtype of X; of length 1 for the cosine metric.
    labels_ : ndarray of shape (n_samples,), dtype int32
        Label of each row of X: its nearest centre, the first one in a tie. Only after `fit`,
        since the rows of a stream are not kept; `predict` labels any rows.
    inertia_ : float
        Weighted sum of the squared distances of the rows to their centres; for the cosine
        metric, of the cosine distances. Infinite, with a warning, if it overflows float64.
        After `partial_fit` every row is in the cluster of the weighted centre it was assigned
        to, so this is an upper bound on the inertia with nearest centres.
    n_iter_ : int
        Number of iterations of the best run.
    algorithm_ : {"lloyd", "elkan", "quantized"}
        The algorithm that ran. "lloyd" replaces the others where they would need much memory
        besides X: for "elkan" several copies of the sums by label and the distances between
        all centres, for "quantized" a byte per value and 14 per row, which may be at most 30 %
        of X plus 16 MB. Sparse X has neither bounds nor codes.
    auto_params_ : dict
        The value that was used for each parameter given as "auto", in the last `fit` or
        for the model of a stream. Setting the parameter to this value requests the same.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        The iterations of the best run: `objective` (the inertia before the centres
        move), `seconds` since the run began, `validation` (NaN: k-means has none) and
        `center_shift` (sum of the squared shifts of the centres).
    n_samples_seen_ : int
        Number of rows of positive weight seen by `fit`, or by `partial_fit` and `merge`.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    algos.PCA : Reduces the columns first, which often makes clusters better and faster.

    Notes
    -----
    One iteration takes about ``2 * n_samples * n_features * n_clusters`` operations, and
    besides X it needs 4 bytes of memory per row (with bounds two numbers more), plus at most
    5 % of X (or 16 MB) for sums. k-means++ needs 10 bytes per row (14 in float64), and with
    its lists and the codes at most 30 % of X plus 16 MB; "k-means||" needs 14 (18) bytes per row
    and 2 MB. X is copied only if it is not C-ordered or has another dtype, has rows of weight
    zero, or has so extreme values (1e9 and more in float32) that squares would leave the
    range of the dtype.

    Sparse X is processed as CSR; other formats are converted at each call, and unsorted
    column indices are sorted in a copy, which `X.sort_indices()` avoids. Distances of sparse
    rows are differences of squared norms in float64. Where the norms of rows are 1e6 times
    their distances to centres, squared distances have some four correct digits; from 1e7 on
    labels are wrong, too. Pass such rows, which have few zeros, as a dense array.

    With m stored values, an iteration takes about ``2 * m * n_clusters`` operations, and
    besides X it needs 12 bytes of memory per row and about four arrays of the shape of the
    centres, six with several runs or the cosine metric. The latter works on a scaled copy of
    X, or of the values of a sparse X; `predict`, `transform` and `score` on copies of a few
    MB at a time.

    `partial_fit` needs memory for ``extra_center_factor * n_clusters * n_features`` doubles,
    for up to four times as many values of buffered rows, and, while a batch is
    learned, for about 60 bytes per row and at most a byte per value of it. A batch takes about
    as long as one iteration with `extra_center_factor * n_clusters` centres.

    Rows of weight zero do not influence the fit, but get a label. Initial centres depend on
    the content of the rows and not on their order; a row of weight 2 is the same as two
    equal rows.

    References
    ----------
    .. [1] Arthur, D. and Vassilvitskii, S., "k-means++: the advantages of careful seeding",
       SODA 2007.
    .. [2] Lloyd, S., "Least squares quantization in PCM", IEEE Transactions on Information
       Theory 28 (1982).
    .. [3] Hamerly, G., "Making k-means even faster", SDM 2010.
    .. [4] Dhillon, I. and Modha, D., "Concept decompositions for large sparse text data using
       clustering", Machine Learning 42 (2001).
    .. [5] Bahmani, B. et al., "Scalable k-means++", VLDB 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from algos import KMeans
    >>> X = np.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> kmeans = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> bool(np.array_equal(kmeans.predict([[0, 0], [12, 3]]), kmeans.labels_[[0, 3]]))
    True
    >>> sorted(kmeans.cluster_centers_.tolist())
    [[1.0, 2.0], [10.0, 2.0]]
    >>> stream = KMeans(n_clusters=2, random_state=0)
    >>> for row in X:
    ...     stream = stream.partial_fit([row])
    >>> sorted(stream.cluster_centers_.tolist())
    [[1.0, 2.0], [10.0, 2.0]]
    """

    _ranges: ClassVar = {"init": Categorical(("k-means++", "random"))}
    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "n_clusters": [POSITIVE_INT],
        "init": [Options("k-means++", "k-means||", "random"), IsCallable(), IsArrayLike()],
        "n_init": [Options("auto"), POSITIVE_INT],
        "max_iter": [POSITIVE_INT],
        "tol": [NON_NEGATIVE],
        "verbose": VERBOSE,
        "random_state": [RandomState()],
        "copy_x": [Boolean()],
        "algorithm": [Options("auto", "lloyd", "elkan", "quantized")],
        "metric": [Options(*METRICS)],
        "n_jobs": N_JOBS,
        "extra_center_factor": [POSITIVE_INT],
        "half_life": [POSITIVE, None],
    }

    @knows_foreign_names(FOREIGN_NAMES)
    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: Any = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: Any = None,
        copy_x: bool = True,
        algorithm: str = "auto",
        metric: str = "euclidean",
        n_jobs: int | None = None,
        extra_center_factor: int = 10,
        half_life: float | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.metric = metric
        self.n_jobs = n_jobs
        self.extra_center_factor = extra_center_factor
        self.half_life = half_life

    @learning
    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """Cluster the rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 and float64 are kept; neither a C-ordered array nor a CSR matrix is copied.
        y : None
            Ignored; present for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.

        Returns
        -------
        self : KMeans
        """
        X = validate_dense_or_csr(self, X, reset=True)
        weight = check_sample_weight(sample_weight, X.shape[0])
        return self._fit(X, weight, effective_n_threads(self.n_jobs))

    def fit_predict(
        self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.int32]:
        """Cluster the rows of X and return `labels_`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
        """
        labels: NDArray[np.int32] = self.fit(X, sample_weight=sample_weight).labels_
        return labels

    def fit_transform(
        self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> NDArray[Any]:
        """Cluster the rows of X and return their distances to the centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        distances : ndarray of shape (n_samples, n_clusters)
        """
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _fit(self, X: Any, weight: Float64Array | None, n_threads: int) -> KMeans:
        resumable = Resumable(self, X, sample_weight=weight)
        positive, positive_weight = drop_zero_weight(X, weight)
        positive_weight, weight_exponent = weights_in_range(positive_weight)
        check_enough(positive.shape[0], self.n_clusters)
        if resumable.state is None:
            state = RunState(seed_key(self.random_state))
        else:
            state = RunState.resumed(resumable.state)
        rows, exponent = make_rows(positive, positive_weight, state.key, n_threads, self.metric)
        plan = self._plan(rows, exponent, weight_exponent)
        model = self._best_run(rows, plan, state, resumable)
        if exponent or owes_digits(rows, model):
            model = refined(rows, model)
        weights = weight_by_label(model.labels, rows.weight, self.n_clusters)
        if len(rows) < X.shape[0]:  # rows of weight zero are labelled too
            model.labels = label_rows(scaled(X, exponent), model.centers, n_threads, self.metric)
        self._set_model(model, plan)
        self._keep_automatic(plan)
        if exponent and model.inertia < LOST:
            inertia, unit = lost_inertia_of(rows.X, rows.weight, model.centers, n_threads)
            self.inertia_ = unscaled(inertia, unit + plan.inertia_exponent)
        warn_if_infinite(self.inertia_)
        self._begin_stream(state.key, model, plan, weights, positive.shape[0])
        _warn_if_fewer(weights)
        return self

    def _best_run(self, rows: Rows, plan: Plan, state: RunState, resumable: Resumable) -> Model:
        def attributes(centers: Float64Array) -> dict[str, Any]:
            return {
                "cluster_centers_": scaled(rows.unshifted(centers), -plan.exponent),
                "_exponent": plan.exponent,
                **resumable.unfinished(**state.checkpoint()),
            }

        with fit_tasks(self, plan.n_init - state.run, X=rows.X) as task:
            return best_run(
                rows,
                plan,
                state,
                task=task,
                attributes=attributes,
                report=lambda level, text: say(self, text, level=level),
            )

    def _plan(self, rows: Rows, exponent: int, weight_exponent: int) -> Plan:
        init, n_init = starts_from(self.init, self.n_init, self.n_clusters, rows.X.shape[1])
        tol = self.tol * rows.mean_variance
        algorithm = choose_algorithm(self.algorithm, rows, self.n_clusters)
        say(self, f"algorithm_ {algorithm!r}: {reason_for(algorithm, self.algorithm, rows)}")
        return Plan(
            self.n_clusters, init, n_init, self.max_iter, tol, algorithm, exponent, weight_exponent
        )

    def _keep_automatic(self, plan: Plan) -> None:
        keep_automatic(self, {"n_init": plan.n_init, "algorithm": plan.algorithm})

    def _set_model(self, model: Model, plan: Plan) -> None:
        exponent = plan.inertia_exponent
        self.cluster_centers_ = scaled(model.centers, -plan.exponent)
        self.labels_ = model.labels
        self.inertia_ = unscaled(model.inertia, exponent)
        self.n_iter_ = model.n_iter
        self.algorithm_ = plan.algorithm
        objective = unscaled(model.history["objective"], exponent)
        validation = np.full(len(objective), np.nan)
        self.history_ = {**model.history, "objective": objective, "validation": validation}
        self._exponent = plan.exponent


def _warn_if_fewer(weights: NDArray[Any]) -> None:
    found = int(np.count_nonzero(weights))
    if found < len(weights):
        warn(
            f"Number of distinct clusters ({found}) found smaller than n_clusters "
            f"({len(weights)}). Possibly due to duplicate points in X.",
            ConvergenceWarning,
        )
