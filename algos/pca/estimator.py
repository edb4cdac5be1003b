"""The PCA estimator: parameters, checks and fitted attributes."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from algos._common.arrays import FloatArray
from algos._common.automatic import keep_automatic
from algos._common.base import Estimator, learning
from algos._common.callbacks import fit_tasks
from algos._common.checked import check_array
from algos._common.column_types import names_columns_of
from algos._common.csr import canonical
from algos._common.method_names import named
from algos._common.params import (
    N_JOBS,
    NON_NEGATIVE,
    POSITIVE_INT,
    SHARE,
    VERBOSE,
    Boolean,
    Constraint,
    Interval,
    Options,
    RandomState as IsRandomState,
    knows_foreign_names,
)
from algos._common.random import seed_key
from algos._common.search import Categorical, Continuous
from algos._common.threads import threads_for
from algos._common.validation import MANY_VALUES, validate_dense_or_csr, validate_rows
from algos._common.verbose import say
from algos._cython.finite import all_finite
from algos.pca.model import combined, projected
from algos.pca.n_components import check_count, known_count, wanted_share
from algos.pca.names import FOREIGN_NAMES
from algos.pca.probabilistic import Probabilistic
from algos.pca.randomized import normalizer_for
from algos.pca.solvers import TRUNCATED, Settings, choose_solver, decompose, reason_for, stand_in
from algos.pca.sparse_rows import is_sparse
from algos.pca.state import Learned


@named
class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Learned, Probabilistic, Estimator):
    """Principal component analysis, a drop-in for :class:`sklearn.decomposition.PCA`.

    It has the same parameters and attributes as scikit-learn's class, and up to rounding the
    same components, with the same bits for every number of threads. X is centred but not
    scaled; it is never written to, and copied only in the cases named in the notes. Sums are
    in double precision, after subtracting the mean, so float32 data with a large offset
    loses no digits. `partial_fit` and `merge` are exact unless a truncated fit came before,
    see the notes.

    X may be sparse: CSR rows (other formats are converted) are centred implicitly, in their
    products, and never made dense. "full" refuses them with a TypeError.

    Parameters
    ----------
    n_components : int, float, "mle" or None, default=None
        Number of components to keep. A float in (0, 1) keeps the fewest that explain more
        than this share of the variance, "mle" the number that Minka's approximate evidence
        favours [1]_ (it needs n_samples >= n_features), and None all of them:
        min(n_samples, n_features), one less for `svd_solver="arpack"`.
    copy : bool, default=True
        Ignored; present for compatibility. X is never written to, and needs no copy.
    whiten : bool, default=False
        Whether `transform` divides each component by its standard deviation. The relative
        scales of the components are lost, which helps estimators that expect equal variances.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized", "sketch"}, \
            default="auto"
        "auto" chooses the fastest accurate solver for the shape of X and the number of
        components; `svd_solver_` says which. "covariance_eigh" computes eigenvectors of the
        covariance matrix, which is accumulated in one pass (or of the inner products of the
        rows if there are more columns than rows): best for up to some thousand columns, or rows.
        "full" computes the singular vectors of the centred rows in double precision, without
        squaring: best for directions of very small variance, see the notes.
        "randomized" finds the leading components from random combinations of the columns
        [2]_, and "arpack" by Lanczos iterations; both suit many columns and few components.
        "sketch" reads the rows once, with memory for a few of them, and `partial_fit` then
        does the same: for streams of many columns, and less accurate [4]_.
        If the covariance matrix takes no more memory, "covariance_eigh" is used instead of it.
    tol : float, default=0.0
        Tolerance for the singular values of `svd_solver="arpack"`; 0 is machine precision.
    iterated_power : int or "auto", default="auto"
        Number of power iterations of `svd_solver="randomized"`, each one pass over X. A
        larger number is more accurate if the spectrum decays slowly. "auto" combines the
        results of all passes, and stops when the relative error of the eigenvalues is about
        1e-8 (float32: 1e-6); if that is not reached, there is a ConvergenceWarning.
    n_oversamples : int, default=10
        Random vectors beyond `n_components` in `svd_solver="randomized"`. "sketch" keeps
        2 * (n_components + max(n_oversamples, n_components)) rows.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        How power iterations are kept from losing the smaller directions if `iterated_power`
        is an int: by a QR or LU factorisation after each, or not at all. "auto" is "none" for
        up to two iterations and "LU" for more.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed of "arpack" and "randomized"; the others draw nothing. An int makes the result
        reproducible to the last bit, for every `n_jobs`; None draws from numpy's global state.
    n_jobs : int or None, default=None
        Number of threads: None is all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    verbose : int, default=0
        1 prints which solver runs and why, and the share of the variance explained.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        Principal axes, orthonormal, by decreasing variance. The entry of largest
        magnitude of each is positive.
    explained_variance_ : ndarray of shape (n_components_,)
        Variance along each component, with n_samples_ - 1 degrees of freedom.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        Share of the total variance; zero if there is no variance at all.
    singular_values_ : ndarray of shape (n_components_,)
        Singular values of the centred rows.
    mean_ : ndarray of shape (n_features_in_,)
        Mean of each column.
    n_components_ : int
        Number of components.
    n_samples_ : int
        Number of rows seen.
    noise_variance_ : float
        Mean variance of the min(n_samples_, n_features_in_) - n_components_ directions that
        are left out; 0 if there are none.
    svd_solver_ : str
        The solver that computed the components.
    auto_params_ : dict
        The value that was used for each parameter given as "auto" in the last `fit`. Setting
        the parameter to this value requests the same.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    algos.KMeans : Clustering, which is often better and faster on a few components.
    sklearn.decomposition.TruncatedSVD : The same without centring.

    Notes
    -----
    For n rows, d columns and k components, "covariance_eigh" takes n * d**2 operations in
    one pass and memory for a few d x d matrices of doubles, plus at most 5 % of X (or
    16 MB) for sums; if n < d it takes (n**2 + 2 * n * k + 2 * k**2) * d operations and a copy
    of X, with k counted in the eigenvalues if `n_components` is a share. "randomized" and
    "arpack" take about 4 * n * d * k operations per pass and memory for 8 MB of rows and a
    few vectors of length d for each of at most 8 * (k + n_oversamples); "full" takes
    2 * n * d**2 operations in double precision and 5 * d**2 doubles, or a copy of X if
    n < d. "sketch" with s rows takes about 2 * n * d * s operations and memory for about 7 * s
    rows of doubles, 12 * s buffered rows, and 4 MB; if d <= 2 * s, it takes what
    "covariance_eigh" takes with n >= d. float32 data with a mean square above 1e19 (float64:
    1e154), or as far below 1, is scaled by a power of two, in a copy. X in Fortran order is
    copied once.

    If the standard deviation along a direction is 1 / r of the largest, the relative
    error of its variance is about 1e-9 * r**2 for float32 with "covariance_eigh" and
    "randomized": some thousandths at r = 1600, a tenth at r = 1e4. For float64 it is about
    1e-16 * r**2, so directions below 1e-8 of the largest are lost. "arpack" is 10
    to 1000 times as accurate for float32, depending on the release of SciPy, and 10 times for
    float64. "full" is accurate to rounding of the result, for float64 to about 1e-16 * r.
    `partial_fit` and `merge` are as accurate as "covariance_eigh".

    For CSR rows with z stored values, "randomized" and "arpack" take 4 * z operations
    per vector, in double precision ("randomized" on float32 rows near zero: in blocks
    of float32), and memory for at most max(200, 2 * (k + 8)) vectors;
    "covariance_eigh" takes z**2 / n.

    `partial_fit` and `merge` update the mean and the scatter matrix, unless `svd_solver` is
    "sketch" (of s rows) and there are more than 2 * s columns. They are exact if all rows were
    learned by `partial_fit`, by `fit` with "covariance_eigh" or "full" and n >= d, or by any
    `fit` to at most 64 columns. Other fits, which "auto" may choose too, keep no scatter matrix:
    unless they left no variance out, `partial_fit` and `merge` continue with a warning from
    `get_covariance()`, where the model approximates the directions that were left out, which
    may be wrong by several percent. The model is computed when it is first read, so a stream
    does not pay for it with every batch.

    With "sketch" they update the rows of the sketch; once it has discarded variance, no other
    `svd_solver` can continue from it. Mean and total variance are exact; up to rounding, the
    variance along a direction is never too large, and too small by at most what was discarded.
    How rows are divided into batches does not matter, and their order matters little; merging
    two sketches has an error like that of one sketch of all rows.

    `get_covariance`, `get_precision` and `score` refer to the probabilistic model [3]_.
    With `whiten`, scikit-learn's `get_covariance` multiplies by the variances twice;
    this class returns the covariance of the data in both cases.

    References
    ----------
    .. [1] Minka, T. P., "Automatic choice of dimensionality for PCA", NIPS 2000.
    .. [2] Halko, N., Martinsson, P. G. and Tropp, J. A., "Finding structure with
       randomness", SIAM Review 53 (2011).
    .. [3] Tipping, M. E. and Bishop, C. M., "Probabilistic principal component analysis",
       Journal of the Royal Statistical Society B 61 (1999).
    .. [4] Desai, A., Ghashami, M. and Phillips, J. M., "Improved practical matrix sketching
       with guarantees", IEEE Transactions on Knowledge and Data Engineering 28 (2016);
       Tropp, J. A., Yurtsever, A., Udell, M. and Cevher, V., "Fixed-rank approximation of a
       positive-semidefinite matrix from streaming data", NIPS 30 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from algos import PCA
    >>> X = np.array([[-1, -1], [-2, -1], [-3, -2], [1, 1], [2, 1], [3, 2]])
    >>> pca = PCA(n_components=1).fit(X)
    >>> pca.explained_variance_ratio_.round(4)
    array([0.9924])
    >>> pca.transform(X[:2]).round(4)
    array([[-1.3834],
           [-2.2219]])
    >>> pca.svd_solver_
    'covariance_eigh'
    """

    components_: FloatArray
    explained_variance_: FloatArray
    singular_values_: FloatArray
    mean_: FloatArray
    n_components_: int
    n_samples_: int
    noise_variance_: float
    svd_solver_: str

    # SageMaker tunes nothing here; the share of variance to keep is a natural choice.
    _ranges: ClassVar = {"whiten": Categorical((False, True))}
    _ranges_where: ClassVar = {
        ("svd_solver", solver): {"n_components": Continuous(0.5, 0.999)}
        for solver in ("auto", "full", "covariance_eigh")
    }
    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "n_components": [
            Interval(Integral, 0, None),
            SHARE,
            Options("mle"),
            None,
        ],
        "copy": [Boolean()],
        "whiten": [Boolean()],
        "svd_solver": [
            Options(
                *("auto", "full", "covariance_eigh", "arpack", "randomized", "sketch"),
                aliases={"regular": "covariance_eigh"},
            )
        ],
        "tol": [NON_NEGATIVE],
        "iterated_power": [Options("auto"), Interval(Integral, 0, None)],
        "n_oversamples": [POSITIVE_INT],
        "power_iteration_normalizer": [Options("auto", "QR", "LU", "none")],
        "random_state": [IsRandomState()],
        "n_jobs": N_JOBS,
        "verbose": VERBOSE,
    }

    @knows_foreign_names(FOREIGN_NAMES)
    def __init__(
        self,
        n_components: int | float | str | None = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: str = "auto",
        tol: float = 0.0,
        iterated_power: int | str = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components: Any = n_components
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.svd_solver != "full"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @learning
    def fit(self, X: Any, y: Any = None) -> PCA:
        """Find the principal components of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            At least two rows.
        y : None
            Ignored.

        Returns
        -------
        self : PCA
        """
        rows = self._validated(X, reset=True, ensure_min_samples=2, is_summed=True)
        with names_columns_of(X), fit_tasks(self, 1, X=rows) as task:
            for _ in task.loop("solve", range(1)):
                self._fit(rows)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> FloatArray:
        """Find the principal components of X and return the coordinates of X along them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components_)
            The same as `fit(X).transform(X)`, to the last bit.
        """
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> FloatArray:
        """Return the coordinates of X along the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components_)
            In the dtype of X. The bits of a row do not depend on the other rows.
        """
        self._check_has_components()
        X = validate_dense_or_csr(self, X, reset=False)
        return projected(X, self.mean_, self._projection(), self._threads_for(X))

    def inverse_transform(self, X: Any) -> FloatArray:
        """Return the rows whose coordinates are X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            In the dtype of X, without the variation along components that were left out.
        """
        self._check_has_components()
        X = _checked_coordinates(X)
        if X.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} has "
                f"{self.n_components_} components; pass what `transform` returned"
            )
        components = self.components_
        if self.whiten:
            components = components * self._deviations()[:, None]
        threads = threads_for(self.n_jobs, X.size * self.n_features_in_)
        return combined(X, components, self.mean_, threads)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _validated(
        self, X: Any, *, reset: bool, ensure_min_samples: int = 1, is_summed: bool = False
    ) -> Any:
        """Return checked rows; values that are not finite show in their sums if these come next."""
        if self.svd_solver == "full" and is_sparse(X):
            raise TypeError(
                'PCA only supports sparse input with the "auto", "arpack", "covariance_eigh", '
                '"randomized" and "sketch" solvers, while "full" was passed; write '
                'svd_solver="covariance_eigh", or `X.toarray()` if memory suffices'
            )
        rows = validate_rows(
            self,
            X,
            reset=reset,
            accept_sparse=False if self.svd_solver == "full" else "csr",
            ensure_min_samples=ensure_min_samples,
            ensure_all_finite=(self.svd_solver == "sketch" and not is_summed) or _is_one_row(X),
        )
        return canonical(rows)

    def _fit(self, X: Any) -> None:
        n, d = X.shape
        solver = self.svd_solver
        count = known_count(self.n_components, n, d, solver)
        if solver == "auto":
            n_values = X.nnz if is_sparse(X) else None
            solver = choose_solver(n, d, count, self.n_oversamples, n_values)
        check_count(self.n_components, n, d, solver)
        settings = Settings(
            solver,
            self.tol,
            self.iterated_power,
            self.n_oversamples,
            self.power_iteration_normalizer,
            self._n_threads(),
            wanted_share(self.n_components),
        )
        # The others draw nothing, and must not advance numpy's global state.
        key = seed_key(self.random_state) if solver in TRUNCATED else None
        solver = stand_in(solver, count, self.n_oversamples, d)
        reason = reason_for(solver, self.svd_solver, X.shape, count)
        say(self, f"svd_solver {solver!r}: {reason}")
        found = decompose(X, count, key, settings)
        used: dict[str, Any] = {"svd_solver": solver}
        if solver == "randomized" and self.iterated_power != "auto":
            used["power_iteration_normalizer"] = normalizer_for(int(self.iterated_power))
        keep_automatic(self, used)
        self._keep(found, n, X.dtype, solver)

    def _projection(self) -> FloatArray:
        """Return the vectors by which centred rows are multiplied."""
        components = self.components_
        return components / self._deviations()[:, None] if self.whiten else components

    def _deviations(self) -> FloatArray:
        """Return the standard deviation along each component, none of them zero."""
        deviations: FloatArray = self.singular_values_ / float(np.sqrt(self.n_samples_ - 1))
        # Below rounding, of the dtype or of the squares, there is only noise to amplify.
        double = float(np.finfo(np.float64).eps)
        rounding = double * max(self.n_samples_, self.n_features_in_)
        if self.svd_solver_ == "covariance_eigh":
            rounding = float(np.sqrt(double * self.n_features_in_))
        rounding = max(rounding, float(np.finfo(deviations.dtype).eps))
        least = deviations.dtype.type(rounding) * deviations.max(initial=0)
        return np.maximum(deviations, least if least > 0 else deviations.dtype.type(1))


def _is_one_row(X: Any) -> bool:
    return len(getattr(X, "shape", ())) == 2 and X.shape[0] == 1


def _checked_coordinates(X: Any) -> FloatArray:
    """Return X as a float array; check_array takes longer than transforming one row."""
    if (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in (np.float64, np.float32)
        and X.flags.c_contiguous
        and 0 < X.size < MANY_VALUES
        and all_finite(X)
    ):
        return X
    checked: FloatArray = check_array(X, dtype=[np.float64, np.float32], order="C", input_name="X")
    return checked
