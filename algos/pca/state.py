"""The state of PCA, from which its model is computed: moments, or a sketch of the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import FloatArray
from algos._common.base import check_mergeable, learning
from algos._common.column_types import names_columns_of
from algos._common.deferred import Deferred
from algos._common.params import check_params
from algos._common.scale import scaled
from algos._common.threads import effective_n_threads, threads_for
from algos._common.verbose import say
from algos._common.warn import warn
from algos.pca import covariance, sketch
from algos.pca.fitted import check_total, fitted_attributes
from algos.pca.model import Model
from algos.pca.moments import Moments, joined, unscaled_squares, with_row
from algos.pca.n_components import check_count, known_count, rows_needed
from algos.pca.sketch import Sketch
from algos.pca.solvers import Decomposition, moments_of
from algos.pca.sparse_rows import is_sparse
from algos.pca.spectrum import Spectrum

Self = TypeVar("Self", bound="Learned")


class Learned(Deferred):
    """Mixin of PCA: learns moments or a sketch, and computes the model when it is read.

    Attributes
    ----------
    n_samples_ : int
    _dtype : str
        Of the attributes that the model will have.
    _mean, _scatter : ndarray of shape (d,) and (d, d)
        The moments, if they are known. After a truncated fit there is only `_mean`.
    _sketch : dict
        The fields of `Sketch`, if a sketch was learned instead.
    """

    n_components: Any
    n_oversamples: int
    n_jobs: int | None
    svd_solver: str
    n_features_in_: int
    n_samples_: int
    n_components_: int
    components_: FloatArray
    explained_variance_: FloatArray
    explained_variance_ratio_: FloatArray
    noise_variance_: float
    svd_solver_: str
    _validated: Callable[..., Any]

    _follows_parameters = True
    _deferred = (
        "components_",
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "mean_",
        "n_components_",
        "noise_variance_",
        "svd_solver_",
    )

    @learning
    def partial_fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learn further rows, with the result of one fit to all rows.

        The result is exact except with `svd_solver="sketch"`, and after a `fit` that kept only a
        part of the variance, which gives a UserWarning: see the notes of the class.

        A batch may have any number of rows. Until there are as many as the components need,
        `transform` raises NotFittedError and says how many are missing.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : PCA
        """
        first = not hasattr(self, "n_samples_")
        rows = self._validated(X, reset=first)
        with names_columns_of(X):
            self._learn_rows(rows, first=first)
        return self

    @learning
    def merge(self: Self, other: Any) -> Self:
        """Add what another PCA has learned from other rows, exactly if `partial_fit` is exact.

        Parameters
        ----------
        other : PCA
            Fitted on the same columns with the same parameters; it is not changed.

        Returns
        -------
        self : PCA
        """
        check_mergeable(self, other)
        self._learn_other(other)
        return self

    def _keep(self, found: Decomposition, n: int, dtype: Any, solver: str) -> None:
        """Store the model and the state that a fit has computed."""
        self._take_model(found, n, dtype, solver)
        self._forget()
        self._dtype = np.dtype(dtype).name
        if found.sketch is not None:
            self._sketch = found.sketch._asdict()
        else:
            self._mean = scaled(found.mean, -found.exponent)
        if found.scatter is not None:
            self._scatter = unscaled_squares(found.scatter, found.exponent)

    def _learn_rows(self, X: Any, *, first: bool) -> None:
        """Learn further rows."""
        dtype = X.dtype if first else np.promote_types(self._dtype, X.dtype)
        if not self._keeps_moments():
            check_total(sketch.square_bound(X.data if is_sparse(X) else X))
            before = self._empty_sketch() if first else self._sketch_so_far()
            self._learn_sketch(sketch.updated(before, X, self._n_threads()), dtype)
            return
        if not first and X.shape[0] == 1 and not is_sparse(X):
            moments = with_row(self._moments(), X[0])
        else:
            moments = moments_of(X, self._n_threads())
            if not first:
                moments = joined(self._moments(), moments)
        self._learn_moments(moments, dtype)

    def _learn_other(self, other: Learned) -> None:
        """Add what another estimator has learned."""
        dtype = np.promote_types(self._dtype, other._dtype)
        if not (self._keeps_moments() and other._keeps_moments()):
            a, b = self._sketch_so_far(), other._sketch_so_far()
            self._learn_sketch(sketch.merged(a, b, self._n_threads()), dtype)
            return
        self._learn_moments(joined(self._moments(), other._moments()), dtype)

    def _learn_moments(self, moments: Moments, dtype: Any) -> None:
        total = float(np.einsum("ii", moments.scatter))
        check_total(total)
        self._forget()
        self._mean, self._scatter = moments.mean, moments.scatter
        self._defer(moments.n, total, dtype)

    def _learn_sketch(self, learned: Sketch, dtype: Any) -> None:
        bound = learned.square_bound
        check_total(bound)
        self._forget()
        self._sketch = learned._asdict()
        self._defer(learned.n_seen, bound, dtype)

    def _defer(self, n: int, total: float, dtype: Any) -> None:
        """Mark the model to be computed when it is read, if there are enough rows."""
        d = self.n_features_in_
        # Too many components for any number of rows are refused at once.
        check_count(self.n_components, max(n, d), d, self._solver_of_state())
        self.n_samples_, self._dtype = n, np.dtype(dtype).name
        self._defer_model()
        if self._lacks_rows():
            self.mean_ = self._state_mean().astype(dtype)
        elif total > float(np.finfo(dtype).max) / 4:
            self._make_model()  # only a learning method may refuse it

    def __getattr__(self, name: str) -> Any:
        # `n_components` may be set after rows were learned, so this is not known earlier.
        is_stale = self.__dict__.get("_is_stale", False)
        if is_stale and name in self._deferred and self._lacks_rows():
            raise AttributeError(
                f"{type(self).__name__!r} object has no {name!r} yet; it {self._what_is_missing()}"
            )
        return super().__getattr__(name)

    def _make_model(self) -> None:
        check_params(self)  # they may have been set since rows were learned
        n, d, solver = self.n_samples_, self.n_features_in_, self._solver_of_state()
        check_count(self.n_components, n, d, solver)
        count = known_count(self.n_components, n, d)
        if solver == "sketch":
            most = min(n, d) if count is None else count
            spectrum, mean = sketch.solve(self._sketch_so_far(), most, self._n_threads())
        else:
            moments = Moments(n, self._mean, self._scatter)
            spectrum, mean = covariance.solve(moments, count), self._mean
        self._take_model(Decomposition(spectrum, mean, None, 0), n, self._dtype, solver)

    def _take_model(self, found: Decomposition, n: int, dtype: Any, solver: str) -> None:
        made = fitted_attributes(found, self.n_components, n, np.dtype(dtype), solver)
        for name, value in made.items():
            setattr(self, name, value)
        share = float(self.explained_variance_ratio_.sum())
        count = self.n_components_
        say(self, f"svd_solver_ {solver!r}, rows {n}, components {count}", variance_ratio=share)

    def _forget(self) -> None:
        for name in ("_mean", "_scatter", "_sketch", "_is_stale"):
            self.__dict__.pop(name, None)

    def _n_threads(self) -> int:
        return effective_n_threads(self.n_jobs)

    def _threads_for(self, X: Any) -> int:
        return threads_for(self.n_jobs, X.size * self.n_components_)

    def _solver_of_state(self) -> str:
        return "sketch" if "_sketch" in self.__dict__ else "covariance_eigh"

    def _lacks_rows(self) -> bool:
        """Tell whether more rows would help; there are at most as many components as columns."""
        return 0 < self._n_missing() <= max(2, self.n_features_in_) - self.n_samples_

    def _n_missing(self) -> int:
        """Return how many more rows the model needs."""
        return rows_needed(self.n_components, self.n_features_in_) - self.n_samples_

    def _state_mean(self) -> FloatArray:
        if "_sketch" not in self.__dict__:
            return self._mean
        return sketch.settled(Sketch(**self._sketch), 1).mean

    def _moments(self) -> Moments:
        if "_scatter" in self.__dict__:
            return Moments(self.n_samples_, self._mean, self._scatter)
        if "_sketch" in self.__dict__:
            return self._moments_of_sketch()
        if self.noise_variance_ > 0:
            self._warn_of_loss()
        scatter = self._model().covariance() * (self.n_samples_ - 1)
        return Moments(self.n_samples_, self._mean, scatter)

    def _moments_of_sketch(self) -> Moments:
        """Return the moments; raise ValueError if the sketch has lost some of them."""
        settled = sketch.settled(Sketch(**self._sketch), self._n_threads())
        moments = sketch.moments_in(settled)
        if moments is None:
            raise ValueError(
                f"`svd_solver`={self.svd_solver!r} must be 'sketch', with which the rows so far "
                f"were learned, since a sketch keeps only a part of their variance; set it back, "
                f"or start with a new PCA"
            )
        return moments

    def _keeps_moments(self) -> bool:
        """Tell whether further rows update moments: always, unless a sketch saves memory."""
        if self.svd_solver != "sketch":
            return True
        if hasattr(self, "n_samples_") and "_scatter" not in self.__dict__:
            return False
        return not sketch.is_needed(self._empty_sketch().size, self.n_features_in_)

    def _empty_sketch(self) -> Sketch:
        count, d = self._count_for_sketch(), self.n_features_in_
        return sketch.empty(sketch.size_for(count, self.n_oversamples, d), d)

    def _count_for_sketch(self) -> int:
        d = self.n_features_in_
        check_count(self.n_components, d, d, "sketch")
        count = known_count(self.n_components, d, d)
        return d if count is None else count

    def _sketch_so_far(self) -> Sketch:
        count, size = self._count_for_sketch(), self._empty_sketch().size
        if "_sketch" in self.__dict__:
            return sketch.resized(Sketch(**self._sketch), size, count, self._n_threads())
        if "_scatter" in self.__dict__:
            return sketch.from_moments(size, Moments(self.n_samples_, self._mean, self._scatter))
        if self.noise_variance_ > 0:
            if count > self.n_components_:
                raise ValueError(
                    f"`n_components`={count} must be at most {self.n_components_}, the number "
                    f"of directions kept by the fit with svd_solver={self.svd_solver_!r}; refit "
                    f"with the larger `n_components`"
                )
            self._warn_of_loss()
        variances = self.explained_variance_.astype(np.float64)
        total = variances.sum() + self.noise_variance_ * max(
            min(self.n_samples_, self.n_features_in_) - self.n_components_, 0
        )
        spectrum = Spectrum(variances, self.components_.astype(np.float64), total)
        has_lost = self.noise_variance_ > 0 or len(variances) > size
        return sketch.from_spectrum(size, self.n_samples_, self._mean, spectrum, has_lost=has_lost)

    def _warn_of_loss(self) -> None:
        warn(
            f"The fit with svd_solver={self.svd_solver_!r} kept {self.n_components_} directions "
            f"and only the mean variance of the others, so the result differs from a fit to all "
            f'rows. For exact results fit with svd_solver="covariance_eigh" and at least as many '
            f"rows as columns, or use partial_fit from the start"
        )

    def _model(self) -> Model:
        return Model(self.components_, self.explained_variance_, self.noise_variance_)

    def _check_has_components(self) -> None:
        if "components_" in self.__dict__:
            return
        check_is_fitted(self)  # takes longer than the rest for one row
        if not hasattr(self, "components_"):
            raise NotFittedError(f"This {type(self).__name__} {self._what_is_missing()}")

    def _what_is_missing(self) -> str:
        return (
            f"has seen {self.n_samples_} row(s) and lacks {self._n_missing()} more for its "
            f"components; call `partial_fit` again"
        )
