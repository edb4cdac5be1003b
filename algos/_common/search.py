"""What is worth searching: ranges of parameters, for scikit-learn's searches and optuna."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.utils import check_random_state


@dataclass(frozen=True)
class Continuous:
    """Numbers from `low` to `high`, on a logarithmic scale if `log`."""

    low: float
    high: float
    log: bool = False

    def rvs(self, random_state: Any = None) -> float:
        """Draw one, as scikit-learn's searches do."""
        return _drawn(self.low, self.high, self.log, random_state)

    def suggest(self, trial: Any, name: str) -> float:
        """Let an optuna trial choose."""
        return float(trial.suggest_float(name, self.low, self.high, log=self.log))


@dataclass(frozen=True)
class Integer:
    """Integers from `low` to `high`, both included, on a logarithmic scale if `log`."""

    low: int
    high: int
    log: bool = False

    def rvs(self, random_state: Any = None) -> int:
        """Draw one, as scikit-learn's searches do."""
        # Each integer is as likely as the half units on its either side together.
        drawn = _drawn(self.low - 0.5, self.high + 0.5, self.log, random_state)
        return min(max(math.floor(drawn + 0.5), self.low), self.high)

    def suggest(self, trial: Any, name: str) -> int:
        """Let an optuna trial choose."""
        return int(trial.suggest_int(name, self.low, self.high, log=self.log))


@dataclass(frozen=True)
class Categorical:
    """One of some values, each as likely."""

    choices: tuple[Any, ...]

    def rvs(self, random_state: Any = None) -> Any:
        """Draw one, as scikit-learn's searches do."""
        return self.choices[check_random_state(random_state).randint(len(self.choices))]

    def suggest(self, trial: Any, name: str) -> Any:
        """Let an optuna trial choose."""
        return trial.suggest_categorical(name, self.choices)


Distribution = Continuous | Integer | Categorical


class SearchSpace(dict[str, Distribution]):
    """The ranges of an estimator's parameters, by their names.

    It is a dictionary, so that entries can be changed, added and deleted, and it goes as it
    is into :class:`~sklearn.model_selection.RandomizedSearchCV` and
    :class:`~sklearn.model_selection.HalvingRandomSearchCV`.
    """

    def prefixed(self, step: str) -> SearchSpace:
        """Return the same ranges for an estimator that is a step of a pipeline.

        Parameters
        ----------
        step : str
            Name of the step: "kmeans" makes "kmeans__n_clusters" of "n_clusters".

        Returns
        -------
        space : SearchSpace
        """
        return SearchSpace({f"{step}__{name}": values for name, values in self.items()})

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Return the parameters that an optuna trial chooses.

        Parameters
        ----------
        trial : optuna.trial.Trial
            What optuna gives to the function that it optimises.

        Returns
        -------
        params : dict
            For `set_params`.
        """
        return {name: values.suggest(trial, name) for name, values in self.items()}


class Searchable:
    """Gives an estimator its `search_space`."""

    # What every instance has, and what depends on the value of one parameter:
    # (parameter, value) -> ranges.
    _ranges: ClassVar[Mapping[str, Distribution]] = {}
    _ranges_where: ClassVar[Mapping[tuple[str, Any], Mapping[str, Distribution]]] = {}

    def _unsearched(self) -> Iterable[str]:
        """Return what of the ranges says nothing with the parameters as they are."""
        return ()

    def search_space(self) -> SearchSpace:
        """Return ranges of the parameters that are worth searching.

        They are those over which SageMaker tunes the algorithm, by our names, and what ours
        has besides; of a parameter of one solver only if this is the estimator's.

        Returns
        -------
        space : SearchSpace
            A dictionary from names to distributions, for
            :class:`~sklearn.model_selection.RandomizedSearchCV` and
            :class:`~sklearn.model_selection.HalvingRandomSearchCV`; its method
            ``suggest(trial)`` is for optuna, ``prefixed("step")`` for a pipeline.

        Notes
        -----
        Of SageMaker's ranges are not there:

        * linear learner: `positive_example_weight_mult`. A `class_weight` names the classes, so a
          search over ``[{"no": 1, "yes": w} for w in np.logspace(-5, 5)]`` has to be written
          with them; here are None and "balanced".
        * k-means: `mini_batch_size` and `epochs`, for `fit` has all rows at once and goes on
          until it converges; `extra_center_factor`, which `partial_fit` alone looks at.
        * LDA: `alpha0` but for "spectral", for that is the sum of a document's prior, which the
          others have as `doc_topic_prior`, a topic's share of it: 0.01 to 1 is 0.1 to 10 of
          ten topics.
        * factorization machine: passes of "mcmc", where more are never worse; what
          `init_linear` "zeros" does not use; `bias_init`'s, for an intercept is found from
          anywhere.

        Narrower are learning rates and first numbers of a factorization machine (from 1e-4 and
        1e-3, to 1, not 512: nothing is learned beyond), and `max_samples` of a forest, from 2:
        a tree of a single row cuts nothing.

        Examples
        --------
        >>> from algos import RandomCutForest
        >>> space = RandomCutForest().search_space()
        >>> space["n_estimators"]
        Integer(low=50, high=1000, log=True)
        """
        ranges = dict(self._ranges)
        for (parameter, value), more in self._ranges_where.items():
            if getattr(self, parameter) == value:
                ranges |= more
        unsearched = frozenset(self._unsearched())
        return SearchSpace({name: ranges[name] for name in ranges if name not in unsearched})


def _drawn(low: float, high: float, log: bool, random_state: Any) -> float:
    uniform = float(check_random_state(random_state).uniform())
    if log:
        return min(low * math.exp(uniform * math.log(high / low)), high)
    return low + uniform * (high - low)
