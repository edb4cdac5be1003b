"""The choice of a solver, and its run on rows scaled into the range of floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from algos._common.arrays import Float64Array
from algos._common.random import Key
from algos._common.scale import in_range, scaled, unscaled
from algos.pca import arpack, covariance, full, randomized, sketch
from algos.pca.moments import Moments, at_any_scale, gather
from algos.pca.rows import Rows, centered
from algos.pca.sketch import Sketch
from algos.pca.sparse_rows import SparseRows, is_sparse
from algos.pca.spectrum import Spectrum

TRUNCATED = ("arpack", "randomized")  # find only the leading directions, from a random start
CHEAP = 64  # columns whose scatter matrix takes far less time than a solver without it
NEARLY_ALL = 0.8  # of the directions, beyond which truncated solvers do not pay
ALWAYS_EXACT = 500  # rows and columns, as in scikit-learn


@dataclass(frozen=True)
class Settings:
    """The parameters of a solver."""

    solver: str
    tol: float
    iterated_power: int | str
    n_oversamples: int
    power_iteration_normalizer: str
    n_threads: int
    share: float | None = None  # of the variance, if the number of components depends on it


class Decomposition(NamedTuple):
    """A spectrum of the rows divided by 2**exponent, and the state for incremental learning."""

    spectrum: Spectrum
    mean: Float64Array
    scatter: Float64Array | None  # None if the solver does not compute it
    exponent: int
    sketch: Sketch | None = None


def choose_solver(
    n: int, d: int, count: int | None, n_oversamples: int, n_values: int | None = None
) -> str:
    """Return the solver that "auto" chooses: the fastest of the accurate ones.

    Parameters
    ----------
    n, d : int
        Shape of the data.
    count : int or None
        Number of components; None if it depends on all eigenvalues.
    n_oversamples : int
        See `PCA`.
    n_values : int or None, default=None
        Stored values of sparse data; None for dense.
    """
    small, large = min(n, d), max(n, d)
    if n_values is not None:
        return _choose_for_sparse(n, d, count, n_values)
    if large <= ALWAYS_EXACT:
        return "covariance_eigh" if d <= n else "full"
    is_slim = d <= ALWAYS_EXACT or (10 * d <= n and d <= 2 * ALWAYS_EXACT)
    if is_slim or count is None or count == 0 or count >= NEARLY_ALL * small:
        return "covariance_eigh"
    # Costs in multiplications of an efficient product, all factors measured: the matrix and its
    # leading eigenvectors, against passes over X with orthogonalisation. Ten passes are
    # enough if the spectrum decays, 30 to 50 if it is flat, which is not known in advance.
    size = count + n_oversamples
    exact = large * small**2 / 2 + 4.5 * small**3
    passes = 12 * (2.6 * n * d * size + 30 * d * size**2)
    return "covariance_eigh" if exact <= passes else "randomized"


def _choose_for_sparse(n: int, d: int, count: int | None, n_values: int) -> str:
    small = min(n, d)
    if count is None or count == 0 or count >= NEARLY_ALL * small or max(n, d) <= ALWAYS_EXACT:
        return "covariance_eigh"
    # Nanoseconds: pairs of values in a row and the leading eigenvectors, against some
    # vectors for each component, each multiplied by all values and orthogonalised.
    pairs = n_values**2 / n if n >= d else n * n_values
    exact = 0.6 * pairs + 0.25 * small**3
    vectors = 5 * count + 40
    passes = vectors * (0.35 * n_values + 5 * d + 0.06 * d * min(vectors, 200))
    return "covariance_eigh" if exact <= passes else "randomized"


_REASONS = {
    "covariance_eigh": "the covariance is the fastest for {n} rows and {d} columns",
    "full": "there are more columns than rows, and few of either",
    "randomized": "passes over {n} rows take less time than the covariance of {d} columns",
    "all": "it finds all {most} directions, and truncated solvers only a few",
    "sketch": "a sketch of {d} columns would take no less memory than their covariance",
}


def reason_for(solver: str, asked: str, shape: tuple[int, int], count: int | None) -> str:
    """Return why this solver runs for `count` components if `svd_solver` is `asked`."""
    if asked == solver:
        return "it was asked for"
    n, d = shape
    wants_all = count is None or count >= NEARLY_ALL * min(n, d)
    if asked != "auto":
        reason = asked  # another solver replaces it
    else:
        reason = "all" if wants_all and max(n, d) > ALWAYS_EXACT else solver
    return _REASONS[reason].format(n=n, d=d, most=min(n, d))


def stand_in(solver: str, count: int | None, n_oversamples: int, d: int) -> str:
    """Return the solver to run: the covariance if a sketch would save no memory."""
    if solver != "sketch" or sketch.is_needed(_sketch_size(count, n_oversamples, d), d):
        return solver
    return "covariance_eigh"


def _sketch_size(count: int | None, n_oversamples: int, d: int) -> int:
    return sketch.size_for(d if count is None else count, n_oversamples, d)


def decompose(X: Any, count: int | None, key: Key | None, settings: Settings) -> Decomposition:
    """Return the `count` leading directions of the rows of X, or all.

    X is dense or canonical CSR. NaN and infinity are detected in the sums, without another
    pass. X is divided by a power of two, in a copy, if squares would leave the range of floats.
    """
    n_threads = settings.n_threads
    n, d = X.shape
    is_slim = settings.solver == "covariance_eigh" and n >= d
    if settings.solver == "sketch":
        size = _sketch_size(count, settings.n_oversamples, d)
        if sketch.is_needed(size, d):
            return _sketched(X, size, min(n, d) if count is None else count, n_threads)
        is_slim = True
    rows: Moments | Rows
    if is_slim:
        rows, exponent = in_range(X, lambda X: _gathered(X, n_threads), "PCA")
    else:
        rows, exponent = in_range(X, lambda X: centered(X, n_threads), "PCA")
    return _solve(rows, count, key, settings, exponent)


def moments_of(X: Any, n_threads: int) -> Moments:
    """Return the moments of the rows of X, dense or canonical CSR, whatever their magnitude."""
    return at_any_scale(X, lambda X: _gathered(X, n_threads))


def _gathered(X: Any, n_threads: int) -> Moments:
    return SparseRows(X, n_threads).moments() if is_sparse(X) else gather(X, n_threads)


class _Sketched(NamedTuple):
    """A sketch as `partial_fit` would leave it, and with its buffered rows included."""

    state: Sketch
    settled: Sketch

    @property
    def mean_square(self) -> float:
        return self.settled.mean_square


def _sketched(X: Any, size: int, count: int, n_threads: int) -> Decomposition:
    def measure(X: Any) -> _Sketched:
        state = sketch.updated(sketch.empty(size, X.shape[1]), X, n_threads)
        return _Sketched(state, sketch.settled(state, n_threads))

    (state, settled), exponent = in_range(X, measure, "PCA")
    spectrum, mean = sketch.solve(settled, count, n_threads)
    if exponent:
        state = settled._replace(
            mean=scaled(settled.mean, -exponent),
            rows=scaled(settled.rows, -exponent),
            total=unscaled(settled.total, 2 * exponent),
        )
    return Decomposition(spectrum, mean, None, exponent, state)


def _solve(
    rows: Moments | Rows,
    count: int | None,
    key: Key | None,
    settings: Settings,
    exponent: int,
) -> Decomposition:
    scatter = None
    if isinstance(rows, Moments):
        spectrum, scatter = covariance.solve(rows, count), rows.scatter
    elif settings.solver == "covariance_eigh":
        spectrum = covariance.solve_wide(rows, count, settings.share)
    elif settings.solver == "full":
        spectrum, scatter = full.solve(rows.X, rows.mean)
    else:
        assert key is not None  # the estimator passes one for these
        spectrum = _truncated(rows, min(rows.X.shape) if count is None else count, key, settings)
    if scatter is None and not isinstance(rows, Moments) and len(rows.mean) <= CHEAP:
        scatter = rows.moments().scatter  # partial_fit continues exactly from it
    return Decomposition(spectrum, rows.mean, scatter, exponent)


def _truncated(rows: Rows, count: int, key: Key, settings: Settings) -> Spectrum:
    if settings.solver == "arpack":
        return arpack.solve(rows, count, key, tol=settings.tol)
    return randomized.solve(
        rows,
        count,
        key,
        n_oversamples=settings.n_oversamples,
        iterated_power=settings.iterated_power,
        power_iteration_normalizer=settings.power_iteration_normalizer,
    )
