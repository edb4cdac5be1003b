"""Search spaces: ranges of parameters, for scikit-learn's searches and optuna."""

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
        """Draw one value, for scikit-learn's searches."""
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
        """Draw one value, for scikit-learn's searches."""
        # Each integer stands for the interval of half a unit to either side.
        drawn = _drawn(self.low - 0.5, self.high + 0.5, self.log, random_state)
        return min(max(math.floor(drawn + 0.5), self.low), self.high)

    def suggest(self, trial: Any, name: str) -> int:
        """Let an optuna trial choose."""
        return int(trial.suggest_int(name, self.low, self.high, log=self.log))


@dataclass(frozen=True)
class Categorical:
    """One of several values, all equally likely."""

    choices: tuple[Any, ...]

    def rvs(self, random_state: Any = None) -> Any:
        """Draw one value, for scikit-learn's searches."""
        return self.choices[check_random_state(random_state).randint(len(self.choices))]

    def suggest(self, trial: Any, name: str) -> Any:
        """Let an optuna trial choose."""
        return trial.suggest_categorical(name, self.choices)


Distribution = Continuous | Integer | Categorical

_EPSILON = 2.0**-53
_OF_OPTUNA = (bool, int, float, str)  # the choices that its storage can hold


class SearchSpace(dict[str, Distribution]):
    """The ranges of an estimator's parameters, by name.

    It is a dictionary, so that entries can be changed, added and deleted, and it can be passed
    directly to :class:`~sklearn.model_selection.RandomizedSearchCV` and
    :class:`~sklearn.model_selection.HalvingRandomSearchCV`.
    """

    def prefixed(self, step: str) -> SearchSpace:
        """Return the same ranges for an estimator inside a pipeline.

        Parameters
        ----------
        step : str
            Name of the step: "kmeans" turns "n_clusters" into "kmeans__n_clusters".

        Returns
        -------
        space : SearchSpace
        """
        return SearchSpace({f"{step}__{name}": values for name, values in self.items()})

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Let an optuna trial choose all parameters.

        Parameters
        ----------
        trial : optuna.trial.Trial
            The argument that optuna passes to the objective function.

        Returns
        -------
        params : dict
            For `set_params`. ``suggest(optuna.trial.FixedTrial(study.best_params))`` returns those
            of the best trial. (`study.best_params` itself holds an index where an entry is a list
            of arrays or dictionaries, and a quantile for most distributions, both under other
            names, such as "alpha (quantile)".)

        Raises
        ------
        TypeError
            If an entry is neither a range of ours, nor a sequence of values, nor a distribution
            with a method `ppf`, such as those of `scipy.stats`.
        """
        return {name: _suggested(trial, name, values) for name, values in self.items()}

    def copy(self) -> SearchSpace:
        """Return a shallow copy."""
        return SearchSpace(self)

    def __or__(self, other: Any) -> SearchSpace:  # type: ignore[override]
        return SearchSpace({**self, **other})

    def __ror__(self, other: Any) -> SearchSpace:  # type: ignore[override]
        return SearchSpace({**other, **self})


class Searchable:
    """Mixin with `search_space`."""

    # Ranges for every instance, and those for one value of a parameter:
    # (parameter, value) -> ranges.
    _ranges: ClassVar[Mapping[str, Distribution]] = {}
    _ranges_where: ClassVar[Mapping[tuple[str, Any], Mapping[str, Distribution]]] = {}

    def _unsearched(self) -> Iterable[str]:
        """Return the parameters that have no effect with the current settings."""
        return ()

    def search_space(self) -> SearchSpace:
        """Return ranges of the parameters that are worth searching.

        They are the ranges over which SageMaker tunes the algorithm, by our names, and those of
        further parameters; parameters of a solver are included only if the estimator uses it.
        :doc:`/from_sagemaker` lists the ranges of SageMaker's that are left out or narrower.

        Returns
        -------
        space : SearchSpace
            A dictionary from names to distributions, for
            :class:`~sklearn.model_selection.RandomizedSearchCV` and
            :class:`~sklearn.model_selection.HalvingRandomSearchCV`; its method
            ``suggest(trial)`` is for optuna, ``prefixed("step")`` for a pipeline.

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


def _suggested(trial: Any, name: str, values: Any) -> Any:
    """Let an optuna trial choose from a range of ours, from a sequence or from a distribution."""
    if hasattr(values, "suggest"):
        return values.suggest(trial, name)
    if hasattr(values, "ppf"):
        same = _as_range(values)
        return _quantile(trial, name, values) if same is None else same.suggest(trial, name)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__getitem__"):
        raise TypeError(
            f"the search space's entry {name!r}={values!r} must be a range such "
            f"as Continuous(low=0, high=1), a list of values or a distribution with a "
            f"method `ppf`, such as scipy.stats.norm()"
        )
    choices = list(values)
    if all(choice is None or isinstance(choice, _OF_OPTUNA) for choice in choices):
        return trial.suggest_categorical(name, choices)
    return choices[trial.suggest_int(f"{name} (index)", 0, len(choices) - 1)]  # as for dicts


def _as_range(values: Any) -> Distribution | None:
    """Return the range that a distribution of scipy.stats is equal to, if any."""
    kind = getattr(getattr(values, "dist", None), "name", None)
    if kind not in ("uniform", "loguniform", "reciprocal", "randint"):
        return None
    low, high = values.support()
    if kind == "uniform":
        return Continuous(float(low), float(high))
    loc = _loc(values)
    if kind == "randint":
        return Integer(int(low), int(high)) if loc.is_integer() else None
    return Continuous(float(low), float(high), log=True) if loc == 0 else None


def _loc(values: Any) -> float:
    """Return by how much a distribution of scipy.stats is shifted."""
    further = values.args[values.dist.numargs :]  # after the parameters of its shape
    return float(further[0] if further else values.kwds.get("loc", 0))


def _quantile(trial: Any, name: str, values: Any) -> Any:
    """Let an optuna trial choose a quantile of a distribution, and return its value."""
    # At 0 and 1 themselves, values may be infinite, or one below the least integer.
    chosen = trial.suggest_float(f"{name} (quantile)", _EPSILON, 1 - _EPSILON)
    value = values.ppf(chosen).item()
    is_discrete = hasattr(getattr(values, "dist", values), "pmf")
    return int(value) if is_discrete and float(value).is_integer() else value


def _drawn(low: float, high: float, log: bool, random_state: Any) -> float:
    uniform = float(check_random_state(random_state).uniform())
    if log:
        return min(low * math.exp(uniform * math.log(high / low)), high)
    return low + uniform * (high - low)
