"""The RandomCutForest estimator: parameters, documentation and fit."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.base import Estimator, learning
from algos._common.callbacks import fit_tasks
from algos._common.method_names import named
from algos._common.params import (
    N_JOBS,
    POSITIVE_INT,
    VERBOSE,
    ArrayLike as IsArrayLike,
    Boolean,
    Constraint,
    Instance,
    Interval,
    Options,
    RandomState as IsRandomState,
    knows_foreign_names,
)
from algos._common.random import seed_key, stream
from algos._common.search import Integer
from algos._common.threads import threads_for
from algos._common.verbose import say
from algos._common.warn import warn
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.gaps import carried_forward, fill
from algos.random_cut_forest.growth import grow
from algos.random_cut_forest.insight import Insight
from algos.random_cut_forest.names import FOREIGN_NAMES, instead_of_rows, instead_of_share
from algos.random_cut_forest.reservoir import draw
from algos.random_cut_forest.scaling import SCALES, Scaling, rows_for_scaling
from algos.random_cut_forest.scores import METHODS
from algos.random_cut_forest.shingles import n_shingles, require_shingle, taken
from algos.random_cut_forest.threshold import score_limit


@named
class RandomCutForest(OutlierMixin, Insight, Estimator):
    """Random cut forest: anomalies in rows and streams, with their reasons.

    A forest of random trees over samples of the rows. Each tree is split at random, in a
    column drawn with probability proportional to its range [1]_. A row that would change the
    structure of a tree much, since it would be isolated near the root, is an anomaly.

    `fit` learns all rows at once. `partial_fit` and `score_partial_fit` learn a stream of any
    length in the memory of the samples; trees are updated by single rows, and after each update
    a tree is distributed exactly as if it had been grown over its present sample. An integer
    seed gives the same bits for every number of threads, and for every division of a stream
    into blocks.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees. Scores get steadier with more of them, in proportion to the time.
    max_samples : int, default=256
        Maximum number of rows in the sample of a tree. The share of anomalies should be about
        1 / `max_samples`. More rows resolve finer structure and take longer. A single row has no
        structure: all rows but those of the trees then have one score, and count as anomalies.
    shingle_size : int, default=1
        If above 1, rows are a stream in time, and the forest learns shingles: each row together
        with the `shingle_size` - 1 rows before it. So it sees shapes, such as a missing peak.
    time_decay : float or None, default=None
        How fast the past is forgotten: the weight of a row is e**-time_decay times that of the
        next. None is 0 in `fit`, where all rows have equal weight, and in a stream 1e-5, Kinesis'
        value, or 0.1 / `max_samples`, that of AWS's library, if this is less.
    contamination : "auto", "three_sigma" or float, default="auto"
        The score above which a row is an anomaly for `predict`. "three_sigma" is the mean
        score plus three standard deviations, SageMaker's rule. "auto" estimates the same
        for normally distributed scores from their median and upper quartile, which anomalies
        do not move, so that it finds more of them; but it is at least 1 or the limit of
        "three_sigma", whichever is smaller. Both use the scores of about 2000
        sampled rows. For rows without anomalies "auto" flags 1 to 7 %, "three_sigma" 1 to 3 %,
        most where a column has long tails or few values; but where most rows are equal, as with
        rare counts, "auto" may flag all others, up to a quarter of the rows, and
        "three_sigma" up to a tenth. A float in (0, 0.5] is the share of anomalies among the
        rows of `fit`, all of which are then scored; among the sampled rows in a
        stream, or if `contamination` or `score_method` has been changed after `fit`. With a
        `shingle_size` above 1 all of these refer to shingles: one anomalous row is in
        `shingle_size` of them.
    score_method : {"expected_inverse_depth", "expected_depth", "depth", "displacement", \
            "collusive_displacement"}, default="expected_depth"
        The quantity that is averaged over the trees. "expected_inverse_depth" is the score of
        AWS's library and of SageMaker; ordinary rows have about 1 or less. "expected_depth"
        uses the depth that the row would have if it were inserted, and "depth" that of the
        leaf it falls into, which is fastest, and ranks the learned rows of tables
        as well as an isolation forest does; the default finds more in streams and among rows
        that were not learned. "displacement" is the expected
        number of points that the row would move down, "collusive_displacement" the largest such
        number for a group that contains the row, divided by the size of the group (CoDisp in
        [1]_). It may be changed at any time.
    scale : {"robust", "standard", "streaming"} or None, default="robust"
        How columns are brought to comparable units. "robust" divides by the inter-quartile
        range / 1.349, but at least by a third of the standard deviation without the most extreme
        1 % of values at either end (by all of it where the range is 0), and "standard" by the
        standard deviation; None leaves the units unchanged, as AWS's library does. Units are
        learned from the rows of `fit`, or of the warm-up of a stream, and then fixed; those of a
        column that is constant there, from the rows of a stream in which it first varies.
        "streaming" keeps updating mean and standard deviation, so that the units follow a
        drifting stream, with values clipped at 10 deviations; trees are then no longer
        exactly those of one set of rows.
    feature_weights : array-like of shape (n_features,), mapping or None, default=None
        Multiplies the columns after scaling: a column of weight 2 is cut twice as often, one
        of weight 0 never. A column of noise, which would take most cuts, needs a small weight,
        such as 0.3. A mapping, or a pandas Series, assigns weights to the names of X's columns;
        columns missing in a mapping have weight 1. With a `scale` the largest weight must be in
        [1e-9, 1e9]; only the proportions matter.
    disjoint_samples : bool, default=False
        Whether `fit` divides one sample among the trees, so that no row is in two of them,
        as SageMaker does. With fewer than `n_estimators * max_samples` rows, trees get fewer
        each, with a warning. With a `shingle_size` above 1 shingles are divided; neighbouring
        ones share rows. `partial_fit` ignores it: each tree samples rows independently.
    warm_up : int or "auto", default="auto"
        Number of rows at the beginning of a stream, after the first `shingle_size` - 1, from
        which the scaling is learned; they have no score. "auto" is `max_samples` / 4. They
        should cover a period of the stream, if it has one.
    missing_values : {"error", "impute"}, default="error"
        "impute" allows NaN: missing values are filled with what the forest expects given the
        known ones, and are not anomalous by themselves. A row of a stream with more than half of
        its values missing is not learned.
    n_jobs : int or None, default=None
        Number of threads: None is all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed of samples and cuts. An int makes the result reproducible to the last bit, for
        every `n_jobs`; None draws from numpy's global state.
    verbose : int, default=0
        1 prints a line after `fit`, or at the end of the warm-up of a stream.

    Attributes
    ----------
    offset_ : float
        `predict` returns -1 where `score_samples` is below it; see `contamination`. After
        `partial_fit` it is recomputed, from some 2000 scores, when it is read and
        a tree has sampled a row since: in a loop over single rows grades, and `threshold_`, are
        far cheaper.
    threshold_ : float
        Anomaly score above which the next row of a stream gets a grade above 0: the mean of
        the scores so far plus three standard deviations, up to 5.7 if the scores are
        skewed, but at least 0.8, and infinity for the first 10 scores. Older scores count
        less, and so do the first `max_samples`. In streams without anomalies it is exceeded by
        0.1 to 1.2 % of the rows. Only after `score_partial_fit`.
    max_samples_ : int
        Number of rows in the sample of each tree.
    n_samples_seen_ : int
        Number of rows seen by `fit`, `partial_fit` and `merge`.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Cuts all columns equally often, and cannot learn a
        stream. For tables, `score_method="depth"` is equivalent.

    Notes
    -----
    Rows are centred and scaled in double precision, and then stored in float32. Each tree has
    its own copy of its points, so a forest takes about n_estimators * max_samples * (64 + 12 *
    n_features * shingle_size) bytes, whatever the number of rows; 4.7 MB at the defaults and
    10 columns. Rows that are equal in float32 share a leaf, and are counted.

    A column whose sampled values are all equal is not cut. Its unit is then that value, or
    1 if it is 0. In a stream it gets another unit when a row first differs there, in which that
    row is anomalous; then its own, as the warm-up would have learned it, from as many rows of
    the column as the warm-up has (at least half of them, if other columns began before; at least
    32); the trees are then regrown over their samples, in that unit.

    If X has fewer rows than `max_samples`, each tree holds all of them. In a stream the trees
    grow until they hold `max_samples` rows; later rows replace earlier ones at random, preferably
    old ones.

    Do not learn and score in two threads at once: learning changes the trees in place.

    References
    ----------
    .. [1] Guha, S., Mishra, N., Roy, G. and Schrijvers, O., "Robust random cut forest based
       anomaly detection on streams", ICML 2016.
    .. [2] Efraimidis, P. and Spirakis, P., "Weighted random sampling with a reservoir",
       Information Processing Letters 97 (2006).

    Examples
    --------
    >>> import numpy as np
    >>> from algos import RandomCutForest
    >>> X = np.random.default_rng(0).normal(size=(1000, 2))
    >>> X[-1] = 8, 0
    >>> forest = RandomCutForest(random_state=0).fit(X)
    >>> forest.predict([[0, 0], [8, 0]])
    array([ 1, -1])
    >>> stream = RandomCutForest(random_state=0)
    >>> scores = stream.score_partial_fit(X)
    >>> int(scores.argmax())
    999
    """

    _ranges: ClassVar = {
        "n_estimators": Integer(50, 1000, log=True),
        "max_samples": Integer(2, 2048, log=True),
    }
    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "n_estimators": [POSITIVE_INT],
        "max_samples": [Interval(Integral, 1, None, remedy=instead_of_share)],
        "shingle_size": [POSITIVE_INT],
        "time_decay": [Interval(Real, 0, 1, closed="both", remedy=instead_of_rows), None],
        "contamination": [Options("auto", "three_sigma"), Interval(Real, 0, 0.5, closed="right")],
        "score_method": [Options(*METHODS)],
        "scale": [Options(*SCALES), None],
        "feature_weights": [IsArrayLike(), Instance(Mapping), None],
        "disjoint_samples": [Boolean()],
        "warm_up": [Options("auto"), POSITIVE_INT],
        "missing_values": [Options("error", "impute")],
        "n_jobs": N_JOBS,
        "random_state": [IsRandomState()],
        "verbose": VERBOSE,
    }

    @knows_foreign_names(FOREIGN_NAMES)
    def __init__(
        self,
        n_estimators: int = 100,
        *,
        max_samples: int = 256,
        shingle_size: int = 1,
        time_decay: float | None = None,
        contamination: str | float = "auto",
        score_method: str = "expected_depth",
        scale: str | None = "robust",
        feature_weights: Any = None,
        disjoint_samples: bool = False,
        warm_up: int | str = "auto",
        missing_values: str = "error",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.shingle_size = shingle_size
        self.time_decay = time_decay
        self.contamination = contamination
        self.score_method = score_method
        self.scale = scale
        self.feature_weights = feature_weights
        self.disjoint_samples = disjoint_samples
        self.warm_up = warm_up
        self.missing_values = missing_values
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @learning
    def fit(self, X: Any, y: Any = None) -> RandomCutForest:
        """Grow a forest over the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            With a `shingle_size` above 1, a stream in order, of at least `shingle_size` rows.
        y : None
            Ignored; present for scikit-learn's interface.

        Returns
        -------
        self : RandomCutForest
        """
        X = self._rows(X, reset=True)
        require_shingle(len(X), self.shingle_size)
        with fit_tasks(self, 1, X=X) as task:
            for _ in task.loop("grow", range(1)):
                self._fit(X)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = self.missing_values == "impute"
        return tags

    def _fit(self, X: NDArray[Any]) -> None:
        decay = 0.0 if self.time_decay is None else float(self.time_decay)
        # If all rows have equal weight, their order must not change the draws.
        key = self._own_key(X) if decay else seed_key(self.random_state)
        n = n_shingles(len(X), self.shingle_size)
        if self.disjoint_samples and n < self.n_estimators:
            raise ValueError(
                f"`disjoint_samples`=True needs at least one row for each of the "
                f"{self.n_estimators} trees, but X has {n}; lower `n_estimators`, or write "
                f"disjoint_samples=False"
            )
        forest = self._empty_forest(key, X.shape[1])
        scaling = self._scaling_of(X, key, decay)
        threads = threads_for(self.n_jobs, 100 * self.n_estimators * min(n, self.max_samples))
        chosen, keys = draw(forest, n, decay, bool(self.disjoint_samples), threads)
        rows, places = X, chosen
        if n > chosen.size:  # then only the rows that are in a tree are scaled
            rows = taken(X, chosen.ravel(), self.shingle_size)
            places = np.arange(chosen.size).reshape(chosen.shape)
        scaled = scaling.scaled(rows, threads)
        if rows is not X:
            scaled = scaled.reshape(-1, forest.n_columns)
        self._grow(forest, scaled, places, keys, threads)
        last = X[len(X) - self.shingle_size + 1 :]
        tail = carried_forward(scaling.scaled(last))
        self._hold_new(forest, scaling, tail, np.isnan(last).sum(axis=1))
        self._tell(chosen.shape[1], n)
        if not isinstance(self.contamination, str):
            self._set_offset(X)

    def _grow(
        self,
        forest: Forest,
        rows: Float32Array,
        places: Int64Array,
        keys: Float64Array,
        n_threads: int,
    ) -> None:
        """Grow the trees over scaled rows, twice if values are missing.

        The first time they are filled with the last known value, or the median; the second time
        with what the first trees expect.
        """
        stride = rows.shape[1]
        if self.missing_values == "error" or not np.isnan(rows).any():
            grow(forest, rows, places, keys, n_threads, stride)
            return
        first = forest.copy()
        grow(first, carried_forward(rows), places, keys, n_threads, stride)
        rows = fill(first, rows, forest.n_columns // stride, n_threads)
        grow(forest, rows, places, keys, n_threads, stride)

    def _scaling_of(self, X: NDArray[Any], key: Any, decay: float) -> Scaling:
        """Return the scaling learned from a random subset of the rows, or from all if few."""
        most = rows_for_scaling(X.shape[1])
        if len(X) <= most:
            return self._learned_scaling(X, len(X), decay)
        numbers = stream(key, 0).integers(len(X), size=most)
        return self._learned_scaling(X[np.sort(numbers)], len(X), decay)

    def _tell(self, n_sampled: int, n_rows: int) -> None:
        if self.disjoint_samples and n_sampled < min(self.max_samples, n_rows):
            warn(
                f"`disjoint_samples`=True leaves {n_sampled} of {n_rows} rows to each of the "
                f"{self.n_estimators} trees, fewer than `max_samples`={self.max_samples!r}; "
                f"pass {self.n_estimators * self.max_samples} rows, lower `n_estimators`, or "
                f"write disjoint_samples=False"
            )
        say(self, f"{self.n_estimators} trees of {n_sampled} rows, from {n_rows}")

    def _set_offset(self, X: NDArray[Any]) -> None:
        """Set the offset by the share of anomalies among the training rows."""
        held = self._held()
        scores = self._scores(held, X)[held.shingle_size - 1 :]
        self._keep_offset(-score_limit(scores, self.contamination))
