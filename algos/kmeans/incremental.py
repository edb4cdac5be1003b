"""Incremental learning for KMeans: streams, merging, and reclustering without rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float64Array, IndexArray
from algos._common.base import check_mergeable, learning
from algos._common.deferred import Deferred
from algos._common.params import InvalidParameterError, check_params
from algos._common.random import Key, seed_key, stream
from algos._common.threads import effective_n_threads
from algos._common.validation import check_sample_weight, drop_zero_weight, validate_dense_or_csr
from algos._common.verbose import say
from algos._common.warn import warn
from algos.kmeans.metric import check_directed
from algos.kmeans.plan import Plan, check_initial_centers, is_given
from algos.kmeans.reduction import curve, reduced_model
from algos.kmeans.restarts import Model
from algos.kmeans.rows import Rows
from algos.kmeans.stream import Settings, Stream, joined

Self = TypeVar("Self", bound="Incremental")


class Incremental(Deferred):
    """Mixin of KMeans: incremental learning.

    The state is `_stream`, the fields of a `Stream`; the model is computed from it when one
    of its attributes is first read.
    """

    _follows_parameters: ClassVar[bool] = True
    _deferred: ClassVar[tuple[str, ...]] = (
        "cluster_centers_",
        "inertia_",
        "n_iter_",
        "algorithm_",
        "history_",
        "auto_params_",
        "_exponent",
    )

    n_clusters: int
    init: Any
    n_init: Any
    max_iter: int
    extra_center_factor: int
    half_life: float | None
    metric: str
    random_state: Any
    n_jobs: int | None
    labels_: NDArray[np.int32]
    inertia_: float
    n_samples_seen_: int
    _stream: dict[str, Any]
    _plan: Callable[[Rows, int, int], Plan]
    _set_model: Callable[[Model, Plan], None]
    _keep_automatic: Callable[[Plan], None]

    @learning
    def partial_fit(
        self: Self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn further rows, without access to earlier ones.

        A batch may have any number of rows, one as well as a million. The model is computed from
        the state when one of its attributes is first read, or at the next `predict`. Until
        `n_clusters` rows have been seen, `predict` raises NotFittedError and says
        how many are missing. After `fit`, learning continues from the fitted centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The order of its rows does not matter. Once float64 rows were seen, the model is
            float64.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.

        Returns
        -------
        self : KMeans
        """
        known = self.__dict__.get("_stream")
        X = validate_dense_or_csr(self, X, reset=known is None)
        weight = check_sample_weight(sample_weight, X.shape[0])
        X, weight = drop_zero_weight(X, weight)
        if is_given(self.init):
            given = check_initial_centers(self.init, self.n_clusters, X.shape[1])
            if self.metric == "cosine":
                check_directed(given)
        if known is None:
            so_far = Stream.empty(seed_key(self.random_state), X, self.metric)
        else:
            so_far = self._restored()
        self._continue(so_far.received(X, weight, self._settings()))
        return self

    @learning
    def merge(self: Self, other: Any) -> Self:
        """Add what another KMeans has learned from other rows.

        Afterwards the state has the exact weight, mean and sum of squares of all rows; for
        rows that `fit` saw, they are as exact as its centres are means, which depends on `tol`
        and `max_iter`. The state again holds `extra_center_factor * n_clusters` weighted
        centres; if there are more, the closest are merged. So the clusters are nearly those
        of one stream over all rows. Swapping the two changes the result by rounding at most.
        The model is float64 if either is.

        Parameters
        ----------
        other : KMeans
            Fitted on the same columns with the same parameters; it is not changed.

        Returns
        -------
        self : KMeans
        """
        check_mergeable(self, other)
        settings = self._settings()
        mine, its = self._state_of_all_rows(), other._state_of_all_rows()
        self._continue(joined(mine, its, settings.capacity, settings.n_threads))
        return self

    def recluster(self: Self, n_clusters: int) -> Self:
        """Return a KMeans with another number of clusters, computed without the rows.

        Parameters
        ----------
        n_clusters : int
            At most the number of weighted centres in the state: after `partial_fit` that is
            `extra_center_factor * n_clusters` if as many distinct rows were seen, after
            `fit` alone it is `n_clusters`.

        Returns
        -------
        kmeans : KMeans
            With the parameters of this one, except `n_clusters`, an `extra_center_factor`
            that keeps as many centres, and "k-means++" in place of an array as `init`. It can
            continue learning from the same state.
        """
        state = self._state_of_all_rows()
        most = max(len(state.centers), 1)  # none, if only rows without a direction came
        if not _is_int(n_clusters) or not 1 <= n_clusters <= most:
            raise InvalidParameterError(
                f"`n_clusters`={n_clusters!r} must be an int in [1, {most}], the number of "
                f"weighted centres; for more clusters learn the rows again with a new KMeans of "
                f"larger `n_clusters` or `extra_center_factor`"
            )
        other = clone(self).set_params(
            n_clusters=int(n_clusters),
            extra_center_factor=-(-self._settings().capacity // int(n_clusters)),
        )
        if is_given(other.init):
            other.init = "k-means++"
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(other, name, getattr(self, name))
        other._continue(Stream.restored(self._stream))
        return other

    def inertia_curve(
        self, n_clusters: int | Iterable[int] | None = None
    ) -> tuple[IndexArray, Float64Array]:
        """Return the inertia for several numbers of clusters, computed without the rows.

        The weighted centres are merged in pairs from their full number down to one, each
        time the pair that adds least to the inertia; every requested number of clusters is
        then improved by Lloyd's iterations. The inertia never increases with their number.

        Parameters
        ----------
        n_clusters : int or iterable of int, default=None
            From 1 to the number of weighted centres; None is all of them from 2.

        Returns
        -------
        n_clusters : ndarray of shape (n_points,)
            Ascending.
        inertias : ndarray of shape (n_points,)
            In the sense of `inertia_`: rows stay with the weighted centres they were assigned
            to, so each is an upper bound on the inertia of a fit to all rows. The gap grows with
            `n_clusters`; in measurements, up to a tenth on data with groups, and a fifth on the
            uniform square. For the inertia itself, `score` rows with what `recluster` returns.
        """
        state = self._state_of_all_rows()
        most = max(len(state.centers), 1)  # none, if only rows without a direction came
        asked = range(min(2, most), most + 1) if n_clusters is None else n_clusters
        counts = list(asked) if isinstance(asked, Iterable) else [asked]
        if not counts or not all(_is_int(count) and 1 <= count <= most for count in counts):
            more = ""
            if most == self.n_clusters:  # as after `fit`
                more = ", and for more clusters learn the rows by `partial_fit` of a new KMeans"
            raise InvalidParameterError(
                f"`n_clusters`={n_clusters!r} must be an int or ints in [1, {most}], the number "
                f"of weighted centres; the default None is all of them from 2{more}"
            )
        points = np.unique(np.array(counts, dtype=np.intp))
        return points, curve(state, points, self.metric, self._settings().n_threads)

    def _settings(self) -> Settings:
        capacity = self.extra_center_factor * self.n_clusters
        return Settings(capacity, self.half_life, self.metric, self.n_jobs)

    def _state_of_all_rows(self) -> Stream:
        """Return the state with all buffered rows learned."""
        check_is_fitted(self)
        check_params(self)  # they may have been set since rows were learned
        return self._restored().settled(self._settings())

    def _restored(self) -> Stream:
        state = Stream.restored(self._stream)
        if state.metric != self.metric:
            raise ValueError(
                f"`metric`={self.metric!r} must be {state.metric!r}, with which the rows so far "
                f"were learned; set it back, or start with a new KMeans"
            )
        return state

    def _continue(self, state: Stream) -> None:
        """Store a state; the model is computed when it is first read, given enough rows."""
        self._stream = state.state()
        self.n_samples_seen_ = state.n_rows
        self.__dict__.pop("labels_", None)  # their rows are not kept
        self._defer_model()

    def __getattr__(self, name: str) -> Any:
        # `n_clusters` may be set after rows were learned, so this is not known before.
        if name in type(self)._deferred and self.__dict__.get("_is_stale", False):
            check_params(self)
            if self.n_samples_seen_ < self.n_clusters:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no {name!r} yet; "
                    f"it {self._what_is_missing()}"
                )
        if name == "labels_" and "_stream" in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__!r} object has no 'labels_', since the rows of a stream "
                f"are not kept; call `predict` on the rows that you have"
            )
        return super().__getattr__(name)

    def _begin_stream(
        self, key: Key, model: Model, plan: Plan, weights: NDArray[Any], n_rows: int
    ) -> None:
        """Store the clusters of a fit as the state from which `partial_fit` continues."""
        held = weights > 0
        scatter = model.inertia
        if self.metric == "cosine":
            held &= model.centers.any(axis=1)
            scatter *= 2  # see `rows_of_means`
        state = Stream(
            # not the key itself: its streams have been drawn from
            stream(key, plan.n_init).integers(2**64, size=2, dtype=np.uint64),
            model.centers.dtype.name,
            model.centers[held].astype(np.float64),
            weights[held].astype(np.float64),
            scatter,
            n_rows=n_rows,
            exponent=plan.exponent,
            weight_exponent=plan.weight_exponent,
            metric=self.metric,
        )
        self._stream = state.state()
        self.n_samples_seen_ = n_rows
        self.__dict__.pop("_is_stale", None)

    def _check_has_centers(self) -> None:
        if "cluster_centers_" in self.__dict__:
            return
        check_is_fitted(self)
        check_params(self)  # they may have been set since rows were learned
        if self.n_samples_seen_ >= self.n_clusters:
            return  # they are computed when they are read
        raise NotFittedError(f"This {type(self).__name__} {self._what_is_missing()}")

    def _what_is_missing(self) -> str:
        seen = self.n_samples_seen_
        return (
            f"has seen {seen} row(s) and lacks {self.n_clusters - seen} more for its "
            f"{self.n_clusters} clusters; call `partial_fit` again"
        )

    def _make_or_raise(self) -> None:
        self._make_model()  # an AttributeError raised by a callable `init` is passed on

    def _make_model(self) -> None:
        state = self._state_of_all_rows()
        model, plan = reduced_model(
            state,
            lambda rows: self._plan(rows, state.exponent, state.weight_exponent),
            self.n_clusters,
            is_auto=self.n_init == "auto",
            from_rows=isinstance(self.init, str),
            metric=self.metric,
            n_threads=effective_n_threads(self.n_jobs),
            report=lambda level, text: say(self, text, level=level),
        )
        model.centers = model.centers.astype(state.dtype)
        self._set_model(model, plan)
        self._keep_automatic(plan)
        self.__dict__.pop("labels_", None)  # those of the weighted centres
        warn_if_infinite(self.inertia_)
        if state.has_lost_squares(model.inertia):
            warn(
                "`inertia_` omits the squared distances of rows that are 1e150 times nearer to "
                "each other than the largest value in X; their labels may be wrong, too. "
                "Remove the rows of huge values, or `score` rows"
            )


def warn_if_infinite(inertia: float) -> None:
    """Warn if the sum of squares overflows float64."""
    if not np.isfinite(inertia):
        warn(
            "`inertia_` overflows float64 (1.8e308) and is infinite; labels and centres are not "
            "affected. Divide X by a constant for a finite value"
        )


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
