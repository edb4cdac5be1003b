"""What KMeans does beyond fit: learn in parts, join parts, and cluster anew without rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

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
from algos.kmeans.rows import Doubles, Rows
from algos.kmeans.stream import Settings, Stream, joined

Self = TypeVar("Self", bound="Incremental")


class Incremental(Deferred):
    """Mixin of KMeans: learning in parts.

    The state is `_stream`, the parts of a `Stream`; the model is made of it when an
    attribute of the model is first read.
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
        """Learn further rows; those that came before need not be kept.

        A batch may have any number of rows, one as well as a million. The model is made of
        the state when one of its attributes is first read, or at the next `predict`. While
        there were fewer than `n_clusters` rows, `predict` raises NotFittedError and says
        how many are missing. After `fit`, learning goes on from the fitted centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The order of its rows does not matter. Once float64 rows came, the model is float64.
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
        """Join what another KMeans has learned from other rows.

        Afterwards the state has the weight, the mean and the sum of squares of all rows,
        exactly; of rows that `fit` saw as exactly as its centres are means, which `tol` and
        `max_iter` decide. It holds `extra_center_factor * n_clusters` weighted centres again:
        of more the closest are merged. So the clusters are nearly those of one stream over all
        rows. To swap the two changes rounding at most. The model is float64 if either is.

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
        """Return a KMeans with another number of clusters, made without reading rows.

        Parameters
        ----------
        n_clusters : int
            At most the number of weighted centres in the state: after `partial_fit` that is
            `extra_center_factor` times `n_clusters` if as many different rows came, after
            `fit` alone it is `n_clusters`.

        Returns
        -------
        kmeans : KMeans
            With the parameters of this one, but for `n_clusters`, for an
            `extra_center_factor` that keeps as many centres, and for an array as `init`,
            instead of which "k-means++" stands. It learns on from the same state.
        """
        state = self._state_of_all_rows()
        most = max(len(state.centers), 1)  # none, if only rows without a direction came
        if not _is_int(n_clusters) or not 1 <= n_clusters <= most:
            raise InvalidParameterError(
                f"`n_clusters`={n_clusters!r} must be an int in [1, {most}], as many as there "
                f"are weighted centres; for more clusters learn the rows anew, by another "
                f"KMeans with a larger `n_clusters` or `extra_center_factor`"
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
    ) -> tuple[NDArray[np.intp], Doubles]:
        """Return the inertia for several numbers of clusters, made without reading rows.

        The weighted centres are merged two by two from their full number down to one, each
        time the pair that adds least to the inertia; every number of clusters that is asked
        for is then improved by Lloyd's iterations. More clusters never have more inertia.

        Parameters
        ----------
        n_clusters : int or iterable of int, default=None
            From 1 to the number of weighted centres; None is all of them from 2.

        Returns
        -------
        n_clusters : ndarray of shape (n_points,)
            Ascending.
        inertias : ndarray of shape (n_points,)
            In the sense of `inertia_`: rows stay with the weighted centres they went into, so
            each is an upper bound of what a fit to all rows reaches. The gap grows with
            `n_clusters`; measured, up to a tenth where rows form groups, and a fifth on the
            uniform square. For the inertia itself, score rows with what `recluster` returns.
        """
        state = self._state_of_all_rows()
        most = max(len(state.centers), 1)  # none, if only rows without a direction came
        asked = range(min(2, most), most + 1) if n_clusters is None else n_clusters
        counts = list(asked) if isinstance(asked, Iterable) else [asked]
        if not counts or not all(_is_int(count) and 1 <= count <= most for count in counts):
            raise InvalidParameterError(
                f"`n_clusters`={n_clusters!r} must be an int or ints in [1, {most}], as many as "
                f"there are weighted centres; the default is None, which is all from 2"
            )
        points = np.unique(np.array(counts, dtype=np.intp))
        return points, curve(state, points, self.metric, self._settings().n_threads)

    def _settings(self) -> Settings:
        capacity = self.extra_center_factor * self.n_clusters
        return Settings(capacity, self.half_life, self.metric, self.n_jobs)

    def _state_of_all_rows(self) -> Stream:
        """Return the state with no row held back."""
        check_is_fitted(self)
        check_params(self)  # they may have been set since rows were learned
        return self._restored().settled(self._settings())

    def _restored(self) -> Stream:
        state = Stream.restored(self._stream)
        if state.metric != self.metric:
            raise ValueError(
                f"`metric`={self.metric!r} must be {state.metric!r}, with which the rows so far "
                f"were learned; set it back, or start anew with another KMeans"
            )
        return state

    def _continue(self, state: Stream) -> None:
        """Take a state; the model is made when it is asked for, if there are rows enough."""
        self._stream = state.state()
        self.n_samples_seen_ = state.n_rows
        self.__dict__.pop("labels_", None)  # of rows that are gone
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
                f"{type(self).__name__!r} object has no 'labels_': rows of a stream are gone; "
                f"call `predict` on those that you have"
            )
        return super().__getattr__(name)

    def _begin_stream(
        self, key: Key, model: Model, plan: Plan, weights: NDArray[Any], n_rows: int
    ) -> None:
        """Take the clusters of a fit as the state from which `partial_fit` goes on."""
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
            return  # they are made when they are read
        raise NotFittedError(f"This {type(self).__name__} {self._what_is_missing()}")

    def _what_is_missing(self) -> str:
        seen = self.n_samples_seen_
        return (
            f"has seen {seen} row(s) and lacks {self.n_clusters - seen} more for its "
            f"{self.n_clusters} clusters; call `partial_fit` again"
        )

    def _make_or_raise(self) -> None:
        self._make_model()  # an AttributeError of a callable `init` is the user's own

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
                "`inertia_` lacks the squared distances of rows that lie 1e150 times nearer to "
                "each other than the largest value is large; labels of such rows may be wrong "
                "too. Leave the giant rows out, or `score` rows"
            )


def warn_if_infinite(inertia: float) -> None:
    """Warn of a sum of squares that no float64 can hold."""
    if not np.isfinite(inertia):
        warn(
            "`inertia_` is beyond 1.8e308, the largest float64, so it is infinite; labels and "
            "centres are not concerned. Divide X by a constant for a number"
        )


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
