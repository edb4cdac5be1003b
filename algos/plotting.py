"""Displays that scikit-learn lacks, in its style. matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from algos._common.drawing import axes_to_draw, require_matplotlib
from algos.deepar.display import ForecastDisplay
from algos.lda.display import TopicWordDisplay
from algos.random_cut_forest.display import AnomalyDisplay

__all__ = ["AnomalyDisplay", "ForecastDisplay", "InertiaDisplay", "TopicWordDisplay"]


class InertiaDisplay:
    """The inertia of k-means against the number of clusters.

    The number beyond which the curve flattens is a good choice of `n_clusters`. Make one
    with :meth:`from_estimator`. Its points are upper bounds: see
    :meth:`algos.KMeans.inertia_curve`.

    Parameters
    ----------
    n_clusters : array-like of shape (n_points,)
        Numbers of clusters, ascending.
    inertias : array-like of shape (n_points,)
        The inertia for each of them.
    chosen : int or None, default=None
        A number of clusters to mark, such as the model's present one; it should be among
        `n_clusters`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the curve was drawn.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    line_ : matplotlib Line2D
        The curve.
    mark_ : matplotlib Line2D or None
        The mark of `chosen`.

    See Also
    --------
    algos.KMeans.inertia_curve : The same as numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from algos import KMeans
    >>> from algos.plotting import InertiaDisplay
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> kmeans = KMeans(4, random_state=0).partial_fit(X)
    >>> display = InertiaDisplay.from_estimator(kmeans, range(1, 9))  # doctest: +SKIP
    """

    def __init__(
        self, n_clusters: ArrayLike, inertias: ArrayLike, *, chosen: int | None = None
    ) -> None:
        self.n_clusters = n_clusters
        self.inertias = inertias
        self.chosen = chosen

    @classmethod
    def from_estimator(
        cls,
        kmeans: Any,
        n_clusters: Iterable[int] | None = None,
        *,
        ax: Any = None,
        **kwargs: Any,
    ) -> InertiaDisplay:
        """Draw the curve of a fitted KMeans, without reading its rows again.

        Parameters
        ----------
        kmeans : KMeans
            Fitted by `partial_fit`, or by `fit` for fewer clusters than it has.
        n_clusters : iterable of int, default=None
            Numbers of clusters; None is all that `kmeans.inertia_curve` gives.
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot` for the curve.

        Returns
        -------
        display : InertiaDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        counts, inertias = kmeans.inertia_curve(n_clusters)
        return cls(counts, inertias, chosen=kmeans.n_clusters).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> InertiaDisplay:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot` for the curve.

        Returns
        -------
        self : InertiaDisplay
        """
        self.ax_, self.figure_ = axes_to_draw(f"{type(self).__name__}.plot", ax)
        ax = self.ax_
        counts, inertias = np.asarray(self.n_clusters), np.asarray(self.inertias)
        (self.line_,) = ax.plot(counts, inertias, **{"marker": ".", **kwargs})
        self.mark_ = None
        is_chosen = counts == self.chosen
        if is_chosen.any():
            (self.mark_,) = ax.plot(
                counts[is_chosen],
                inertias[is_chosen],
                linestyle="none",
                marker="o",
                color=self.line_.get_color(),
                label=f"n_clusters={self.chosen}",
            )
            ax.legend(handles=[self.mark_])
        ax.set(xlabel="Number of clusters", ylabel="Inertia")
        ax.set_ylim(bottom=0)
        return self
