"""The plan of a fit of k-means: all parameters, with every "auto" resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from algos._common.arrays import FloatArray
from algos._common.checked import check_array
from algos._common.warn import warn
from algos._cython._codes import is_fast
from algos.kmeans.rows import Rows

_FEW_DISTANCES = 50_000  # per pass: for fewer, "auto" uses no codes
_REASONS = {
    "lloyd": "computing the distances costs less than keeping bounds on them",
    "elkan": "bounds save computing the distances of rows that keep their label",
    "quantized": "products of 8-bit codes rule most centres out",
}


@dataclass(frozen=True)
class Plan:
    """The parameters of a fit, with every "auto" resolved; `tol` is a squared distance."""

    n_clusters: int
    init: Any  # "k-means++", "k-means||", "random", a callable, or an array in the coordinates of X
    n_init: int
    max_iter: int
    tol: float
    algorithm: str  # "lloyd", "elkan" or "quantized"
    exponent: int = 0  # the rows are those of X / 2**exponent
    weight_exponent: int = 0  # the weights are those given / 2**weight_exponent

    @property
    def inertia_exponent(self) -> int:
        return 2 * self.exponent + self.weight_exponent


def starts_from(init: Any, n_init: Any, n_clusters: int, n_features: int) -> tuple[Any, int]:
    """Return (`init` with given centres checked, the number of runs)."""
    if not is_given(init):
        if n_init == "auto":
            n_init = 1 if init in ("k-means++", "k-means||") else 10
        return init, n_init
    if n_init not in ("auto", 1):
        warn(
            f"Explicit initial center position passed: performing only one init in "
            f"KMeans instead of n_init={n_init}.",
            RuntimeWarning,
        )
    return check_initial_centers(init, n_clusters, n_features), 1


def is_given(init: Any) -> bool:
    """Tell whether `init` is an array of centres."""
    return not isinstance(init, str) and not callable(init)


def check_initial_centers(centers: Any, n_clusters: int, n_features: int) -> FloatArray:
    """Return given centres as floats of shape (n_clusters, n_features)."""
    checked = check_array(centers, dtype=(np.float64, np.float32), order="C", input_name="init")
    for given, wanted, what in zip(
        checked.shape,
        (n_clusters, n_features),
        ("clusters", "features of the data"),
        strict=True,
    ):
        if given != wanted:
            raise ValueError(
                f"The shape of the initial centers {checked.shape} does not match the number of "
                f"{what} {wanted}; `init` must be of shape ({n_clusters}, {n_features})"
            )
    return checked  # type: ignore[no-any-return]


def choose_algorithm(asked: str, rows: Rows, n_clusters: int) -> str:
    """Return "lloyd", "elkan" or "quantized".

    Measured: codes pay wherever they can be used. Otherwise bounds pay from about 3000 products
    per row; but not with many centres, when some other centre is always near, nor with few rows,
    where the distances between centres, which bounds need in each pass, dominate.
    """
    n, d = rows.X.shape
    has_room = rows.has_room_for_bounds(n_clusters)
    pays = asked == "auto" and is_fast() and n * n_clusters >= _FEW_DISTANCES
    if (asked == "quantized" or pays) and rows.codes is not None:
        return "quantized"
    if asked == "lloyd" or not has_room:
        return "lloyd"
    pays = n_clusters * d >= 3000 and n_clusters <= 256 and n >= 50 * n_clusters
    return "elkan" if asked == "elkan" or pays else "lloyd"


def reason_for(chosen: str, asked: str, rows: Rows) -> str:
    """Return the reason for the choice of `choose_algorithm`."""
    if asked == "auto":
        return _REASONS[chosen]
    if chosen == asked:
        return f"algorithm={asked!r} was asked for"
    if asked == "quantized":
        return f"codes were asked for but not used: {rows.why_no_codes}"
    return f"bounds were asked for but not used: {rows.why_no_bounds}"


def check_enough(n_rows: int, n_clusters: int) -> None:
    """Raise ValueError if there are fewer rows than clusters."""
    if n_rows < n_clusters:
        raise ValueError(
            f"n_samples={n_rows} should be >= n_clusters={n_clusters}; "
            f"pass more rows (of positive weight), or write n_clusters={n_rows}"
        )
