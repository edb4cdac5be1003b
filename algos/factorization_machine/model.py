"""What both fitted estimators compute: scores, embeddings and weights of pairs."""

from __future__ import annotations

from dataclasses import asdict
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float64Array, Int64Array
from algos._common.base import Estimator
from algos._common.deferred import Deferred
from algos._common.params import Interval
from algos._common.threads import threads_for
from algos._common.validation import validate_dense_or_csr
from algos.factorization_machine.columns import column_number
from algos.factorization_machine.interactions import interaction_of, strongest_pairs
from algos.factorization_machine.machine import Machine
from algos.factorization_machine.posterior import Draws, predict_variance
from algos.factorization_machine.posterior_mean import PosteriorMean
from algos.factorization_machine.rows import Columns
from algos.factorization_machine.scoring import embeddings, in_dtype, scores
from algos.factorization_machine.targets import Unit


class FittedMachine(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Deferred, Estimator):
    """Scores, embeddings and interactions, for both estimators."""

    _deferred: ClassVar[tuple[str, ...]] = ("intercept_", "coef_", "factors_")

    n_factors: int
    n_jobs: int | None
    n_features_in_: int
    coef_: NDArray[Any]
    factors_: NDArray[Any]
    intercept_: Any
    _target_unit: tuple[float, float]
    _cuts: Float64Array | None
    _fields: Int64Array | None
    _draws: list[dict[str, Any]] | None
    _means: list[dict[str, Any]]
    _is_sure: bool  # whether the posterior needs no draws: equal targets, or no values
    _frame_of_fit: dict[str, Any]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _validated_rows(self, X: Any, *, reset: bool) -> Any:
        return validate_dense_or_csr(self, X, reset=reset)

    # Between models and attributes.

    @property
    def _unit(self) -> Unit:
        return Unit(*self._target_unit)

    def _attributes(
        self, machines: list[Machine], columns: Columns, unit: Unit, dtype: Any, solver: str
    ) -> dict[str, Any]:
        """Return the attributes that predictions need."""
        single = solver == "adagrad" or dtype == np.float32
        each = [one.in_units(columns, unit, single=single) for one in machines]
        intercepts, linear, factors = zip(*each, strict=True)
        is_one = len(machines) == 1
        drawn = [one.draws for one in machines if one.draws is not None]
        single = dtype == np.float32
        means = [PosteriorMean.of(draws, columns, unit, single=single) for draws in drawn]
        return {
            "intercept_": intercepts[0] if is_one else np.array(intercepts),
            "coef_": linear[0] if is_one else np.stack(linear),
            "factors_": factors[0] if is_one else np.stack(factors),
            "_draws": [asdict(draws) for draws in drawn] or None,
            "_means": [dict(vars(mean)) for mean in means],
            "_cuts": machines[0].cuts,
        }

    def _columns(self) -> Columns:
        frame = self._frame_of_fit
        return Columns(frame["d"], frame["places"], frame["scale"])

    def _check_learned(self) -> None:
        """Raise NotFittedError if no model has been learned."""
        check_is_fitted(self, "solver_")

    # Scores.

    def _scores(self, X: Any) -> Float64Array:
        """Return the scores of validated rows, of shape (n, n_outputs)."""
        if self._draws is not None:
            return self._mean_scores(X)
        factors = self.factors_ if self.factors_.ndim == 3 else self.factors_[np.newaxis]
        threads = self._threads(X, factors.shape[0] * factors.shape[2])
        each = zip(np.atleast_1d(self.intercept_), np.atleast_2d(self.coef_), factors, strict=True)
        return np.column_stack([scores(X, *one, threads) for one in each])

    def _mean_scores(self, X: Any) -> Float64Array:
        """Return the scores' posterior means, from models with more factors than `factors_`."""
        threads = self._threads(X, self._means[0]["factors"].shape[1])
        return np.stack([PosteriorMean(**mean).scores(X, threads) for mean in self._means], axis=1)

    def _variance(self, X: Any) -> Float64Array | None:
        """Return the variance of scores over draws, in the solver's units; None without draws."""
        if self._draws is None:
            return None
        rows = self._columns().rows(X)
        threads = self._threads(X, self._draws[0]["factors"].shape[1])
        each = [predict_variance(rows, Draws(**one), threads) for one in self._draws]
        return np.column_stack(each)

    def _threads(self, X: Any, width: int) -> int:
        stored = X.nnz if hasattr(X, "nnz") else X.size
        return threads_for(self.n_jobs, float(stored) * width)

    # Embeddings and pairs.

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the embedding of each row: the sum of its columns' factors times its values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        embedding : ndarray of shape (n_samples, n_factors)
            In the dtype of X. More than two classes have `n_classes * n_factors` columns, class by
            class.
        """
        self._check_learned()
        rows = self._validated_rows(X, reset=False)
        factors = self.factors_ if self.factors_.ndim == 2 else np.concatenate(self.factors_, 1)
        found = embeddings(rows, factors, self._threads(rows, factors.shape[1]))
        return in_dtype(found, rows.dtype)

    @property
    def _n_features_out(self) -> int:
        return int(np.prod(self.factors_.shape) // self.factors_.shape[-2])

    def interaction(self, i: Any, j: Any) -> Any:
        """Return the weight of a pair of columns: the inner product of their factors.

        Parameters
        ----------
        i, j : int or str
            Columns, by index or by name.

        Returns
        -------
        weight : float, or ndarray of shape (n_classes,)
            The change of the score if both columns are 1, beyond their coefficients.
        """
        self._check_learned()
        names = getattr(self, "feature_names_in_", None)
        d = self.n_features_in_
        a, b = (column_number(column, names, d) for column in (i, j))
        weight = interaction_of(self.factors_[..., a, :], self.factors_[..., b, :])
        return float(weight) if weight.ndim == 0 else weight

    def top_interactions(
        self,
        feature_names: ArrayLike | None = None,
        n: int = 20,
        *,
        output: int = 0,
        within_fields: bool = False,
    ) -> list[tuple[str, str, float]]:
        """Return the pairs of columns with the largest weights, positive or negative.

        Parameters
        ----------
        feature_names : array-like of shape (n_features,), default=None
            None means the names of X, or "x0", "x1", … if it has none.
        n : int, default=20
            Number of pairs.
        output : int, default=0
            Index of a class in `classes_`, if there are more than two.
        within_fields : bool, default=False
            Whether to include pairs within a field, that is neighbouring columns of which no row
            had two in `fit`, two users say. After `partial_fit` or `merge` the fields are
            unknown, and all pairs are included.

        Returns
        -------
        pairs : list of (name, name, weight)
            Largest magnitude first.
        """
        self._check_learned()
        if n < 1:
            raise ValueError(f"`n`={n!r} must be at least 1; it is the number of pairs to return")
        factors = self.factors_ if self.factors_.ndim == 3 else self.factors_[np.newaxis]
        if not Interval(Integral, 0, len(factors)).accepts(output):
            raise ValueError(
                f"`output`={output!r} must be an int in [0, {len(factors)}): the index of a class "
                f"in `classes_`, or 0 with two classes and in regression"
            )
        names = self._names(feature_names)
        found = strongest_pairs(
            factors[output], n, None if within_fields else self._field_numbers()
        )
        return [(names(a), names(b), weight) for a, b, weight in found]

    def _field_numbers(self) -> NDArray[Any] | None:
        """Return the number of each column's field, or None if the fields are unknown."""
        if self._fields is None:
            return None
        sizes = np.diff(self._fields)
        return self._columns().spread(np.repeat(np.arange(len(sizes)), sizes))

    def _names(self, feature_names: ArrayLike | None) -> Any:
        given: NDArray[Any] | None = getattr(self, "feature_names_in_", None)
        if feature_names is not None:
            given = np.asarray(feature_names)
            if given.shape != (self.n_features_in_,):
                raise ValueError(
                    f"`feature_names` of shape {given.shape} must be of shape "
                    f"({self.n_features_in_},), one name for each column"
                )
        if given is None:
            return lambda place: f"x{place}"
        return lambda place: str(given[place])
