"""Validation rows: scores of candidates, and early stopping of those that cannot be the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas
from algos.linear_learner.data import Data
from algos.linear_learner.decisions import decision_values
from algos.linear_learner.losses import Loss
from algos.linear_learner.scores import DecisionScorer, Scores
from algos.linear_learner.threshold import Criterion
from algos.linear_learner.trained import Model, Watch

_NEARLY_SOLVED = 0.01  # certificate below which the validation loss is close to its final value
_HOPELESS = 0.1  # excess loss of a hopeless candidate, as a share of the best one's gain
_PATIENCE = 4  # evaluations of a nearly solved candidate before it may be given up


class Validation:
    """Scores candidates on validation rows.

    Parameters
    ----------
    data : Data
        Without class weights.
    loss_weight : ndarray of shape (n,)
    loss : Loss
    criterion : Criterion
    n_outputs, top_k : int
        See `DecisionScorer`.
    n_threads : int
    """

    def __init__(
        self,
        data: Data,
        loss_weight: Float64Array,
        loss: Loss,
        criterion: Criterion,
        n_outputs: int,
        top_k: int,
        n_threads: int,
    ) -> None:
        self.data, self.n_outputs, self.n_threads = data, n_outputs, n_threads
        self._scorer = DecisionScorer(
            data.target, data.shares, loss_weight, loss, criterion, n_outputs, top_k
        )

    @property
    def criterion(self) -> str:
        return self._scorer.criterion.name

    def score(self, models: list[Model]) -> Scores:
        """Return the scores of all candidates."""
        return self.score_decisions(self.decisions(models))

    def decisions(self, models: list[Model]) -> list[Float64Array]:
        """Return the decision values of each candidate, (n, n_outputs)."""
        coef = np.concatenate([model.coef for model in models])
        intercept = np.concatenate([model.intercept for model in models])
        with one_thread_blas():
            return self._decisions(coef, intercept, len(models))

    def score_decisions(self, decisions: list[Float64Array]) -> Scores:
        """Return the scores of candidates from their decision values."""
        with one_thread_blas():
            return self._scorer.score(decisions)

    def threshold_rows(
        self, decisions: Callable[[], Float64Array]
    ) -> tuple[Float64Array, Float64Array, Float64Array] | None:
        """Return decision values, targets and shares of the rows, if a threshold needs them."""
        data = self.data
        has_threshold = self._scorer.loss.is_of_classes and self.n_outputs == 1
        if self.criterion == "loss" or not has_threshold:
            return None
        return decisions()[:, 0].copy(), data.target, data.shares

    def mean_loss(self, decision: Float64Array) -> float:
        """Return the weighted mean loss of these decision values."""
        return self._scorer.mean_loss(decision)

    def loss_of(self, coef: Float64Array, intercept: Float64Array) -> float:
        """Return the weighted mean loss of one model."""
        return self._losses_of([(coef, intercept)])[0]

    def watch(self) -> Watch:
        """Return a watch that gives up candidates that cannot have the least loss.

        It gives up a candidate near its optimum whose validation loss exceeds the best so far by
        a tenth of the best one's gain over the null model. Most candidates end before they are
        evaluated; their losses are computed with those of the first one that goes on.
        """
        zeros = np.zeros((self.n_outputs, self.data.X.shape[1])), np.zeros(self.n_outputs)
        null = best = np.inf
        looks: Counter[int] = Counter()
        unseen: dict[int, tuple[Float64Array, Float64Array]] = {}

        def is_hopeless(
            candidate: int, coef: Float64Array, intercept: Float64Array, certificate: float
        ) -> bool:
            nonlocal null, best
            if not certificate < _NEARLY_SOLVED:
                return False
            looks[candidate] += 1
            unseen[candidate] = coef.copy(), intercept.copy()
            if looks[candidate] < _PATIENCE:
                return False
            own = unseen.pop(candidate)
            now, zero, *others = self._losses_of([own, zeros, *unseen.values()])
            unseen.clear()
            null, best = zero, min(best, now, *others)
            return bool(now > best + _HOPELESS * max(null - best, 0.0))

        return is_hopeless

    def _losses_of(self, models: list[tuple[Float64Array, Float64Array]]) -> list[float]:
        coef, intercept = (np.concatenate(parts) for parts in zip(*models, strict=True))
        with one_thread_blas():
            decisions = self._decisions(coef, intercept, len(models))
            return [self._scorer.mean_loss(one) for one in decisions]

    def _decisions(
        self, coef: Float64Array, intercept: Float64Array, n_models: int
    ) -> list[Float64Array]:
        """Return the decision values (n, n_outputs) of each model, output by output in memory."""
        values = decision_values(self.data.X, coef, intercept, self.n_threads)
        by_output = np.ascontiguousarray(values.T)
        return [one.T for one in by_output.reshape(n_models, -1, len(values))]
