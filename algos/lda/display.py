"""The display of topics by their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from algos._common.drawing import require_matplotlib
from algos.lda.topics import heaviest


class TopicWordDisplay:
    """The heaviest words of each topic, as bars: a panel for each topic.

    Make one with :meth:`from_estimator`.

    Parameters
    ----------
    components : array-like of shape (n_topics, n_features)
        Weights of words in topics, such as `components_`. Panels show each word's share of its
        topic.
    feature_names : sequence of str of length n_features, default=None
        The words; None numbers them.
    n_words : int, default=10
        Number of words of each topic.
    topics : sequence of int, default=None
        Which topics, in that order; None is all.
    titles : sequence of str, default=None
        Titles of the panels; None is "Topic" and a number.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        The panels, one for each topic.
    figure_ : matplotlib Figure
        The figure of `axes_`.
    bars_ : list of matplotlib BarContainer
        The bars of each panel, the heaviest word first.

    See Also
    --------
    algos.LatentDirichletAllocation.top_words : The words alone.

    Examples
    --------
    >>> import numpy as np
    >>> from algos import LatentDirichletAllocation
    >>> from algos.plotting import TopicWordDisplay
    >>> X = np.repeat([[3, 2, 0, 0], [0, 0, 2, 3]], 10, axis=0)
    >>> lda = LatentDirichletAllocation(2, random_state=0).fit(X)
    >>> display = TopicWordDisplay.from_estimator(
    ...     lda, ["cat", "dog", "bond", "stock"], n_words=2
    ... )  # doctest: +SKIP
    """

    def __init__(
        self,
        components: ArrayLike,
        *,
        feature_names: Sequence[str] | None = None,
        n_words: int = 10,
        topics: Sequence[int] | None = None,
        titles: Sequence[str] | None = None,
    ) -> None:
        self.components = components
        self.feature_names = feature_names
        self.n_words = n_words
        self.topics = topics
        self.titles = titles

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        feature_names: Sequence[str] | None = None,
        *,
        n_words: int = 10,
        topics: Sequence[int] | None = None,
        titles: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> TopicWordDisplay:
        """Draw the topics of a fitted estimator.

        Parameters
        ----------
        estimator : estimator with `components_`, or Pipeline that ends with one
            Such as LatentDirichletAllocation, fitted.
        feature_names : sequence of str of length n_features, default=None
            The words; None is the names that the steps of a pipeline give them, the estimator's
            `feature_names_in_`, or numbers.
        n_words : int, default=10
            Number of words of each topic.
        topics : sequence of int, default=None
            Which topics, in that order; None is all.
        titles : sequence of str, default=None
            Titles of the panels; None is "Topic" and a number.
        ax : matplotlib Axes, default=None
            Whose place to take; None is a new figure.
        **kwargs : dict
            Passed to matplotlib's `barh`.

        Returns
        -------
        display : TopicWordDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        components = getattr(last, "components_", None)
        if components is None:
            raise ValueError(
                f"`estimator` must have `components_`, as a fitted LatentDirichletAllocation "
                f"has, and is a {type(last).__name__} without them; fit it, or give another one"
            )
        if feature_names is None:
            feature_names = _names_before(estimator, last)
        display = cls(
            components,
            feature_names=feature_names,
            n_words=n_words,
            topics=topics,
            titles=titles,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> TopicWordDisplay:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Whose place to take; None is a new figure.
        **kwargs : dict
            Passed to matplotlib's `barh`.

        Returns
        -------
        self : TopicWordDisplay
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        components, names, topics = self._checked()
        self.axes_ = _panels(ax, len(topics), min(self.n_words, components.shape[1]))
        self.figure_ = self.axes_[0].figure
        self.bars_ = []
        shares = components / components.sum(axis=1, keepdims=True)
        for place, (panel, topic) in enumerate(zip(self.axes_, topics, strict=True)):
            words = heaviest(shares[topic][np.newaxis], self.n_words)[0]
            bars = panel.barh(np.arange(len(words)), shares[topic, words], **kwargs)
            panel.set_yticks(np.arange(len(words)), names[words])
            panel.invert_yaxis()
            title = f"Topic {topic}" if self.titles is None else self.titles[place]
            panel.set_title(title, fontsize="medium")
            panel.tick_params(labelsize="small")
            panel.spines[["top", "right"]].set_visible(False)
            self.bars_.append(bars)
        return self

    def _checked(self) -> tuple[Any, Any, list[int]]:
        components = np.asarray(self.components, dtype=np.float64)
        if components.ndim != 2 or components.size == 0:
            raise ValueError(
                f"`components` of shape {components.shape} must be of shape (n_topics, "
                f"n_features); give a fitted estimator's `components_`"
            )
        n_topics, n_words = components.shape
        names = np.arange(n_words).astype(str)
        if self.feature_names is not None:
            names = np.asarray(self.feature_names)
        if names.shape != (n_words,):
            raise ValueError(
                f"`feature_names` of shape {names.shape} must be of shape ({n_words},), a name "
                f"for each column; vectorizer.get_feature_names_out() has them"
            )
        topics = list(range(n_topics)) if self.topics is None else list(self.topics)
        if not topics or not all(0 <= topic < n_topics for topic in topics):
            raise ValueError(
                f"`topics`={self.topics!r} must be ints in [0, {n_topics - 1}]; None is all"
            )
        if self.titles is not None and len(self.titles) != len(topics):
            raise ValueError(
                f"`titles` has {len(self.titles)} titles and must have {len(topics)}, one for "
                f"each topic; None is the default titles"
            )
        return components, names, topics


def _names_before(estimator: Any, last: Any) -> Any:
    """Return the names of the columns that an estimator, or a pipeline's last step, has seen."""
    if estimator is not last and len(estimator.steps) > 1:
        try:
            return estimator[:-1].get_feature_names_out()
        except (AttributeError, ValueError):  # a step has none
            pass
    return getattr(last, "feature_names_in_", None)


def _panels(ax: Any, n_panels: int, n_words: int) -> Any:
    """Return one Axes for each topic, up to five in a row, rows about equally long."""
    import matplotlib.pyplot as plt

    n_rows = -(-n_panels // 5)
    n_columns = -(-n_panels // n_rows)
    if ax is None:
        size = (2.6 * n_columns, n_rows * (0.6 + 0.19 * n_words))
        figure = plt.figure(figsize=size, layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns)
    else:
        figure = ax.figure
        ax.set_axis_off()
        grid = ax.get_subplotspec().subgridspec(n_rows, n_columns, wspace=0.9, hspace=0.5)
    places = [divmod(i, n_columns) for i in range(n_panels)]
    return np.array([figure.add_subplot(grid[row, column]) for row, column in places])
