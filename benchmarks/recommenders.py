"""Quality of predicted ratings, clicks and rankings, and the same choice of settings for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_CHOSEN = Path(__file__).parents[1] / "build" / "benchmarks" / "settings.json"


class Setting(NamedTuple):
    """What a grid chooses: a step size, one L2 penalty for all coefficients, and epochs."""

    learning_rate: float
    alpha: float
    epochs: int

    def __str__(self) -> str:
        return f"step {self.learning_rate:g}, L2 {self.alpha:g}, {self.epochs} epochs"


GRID = [
    Setting(learning_rate, alpha, epochs)
    for learning_rate in (0.1, 0.2, 0.4)
    for alpha in (3e-4, 1e-3, 3e-3)
    for epochs in (3, 5, 10, 15)
]


def chosen(key: str, loss: Callable[[Any], float], grid: Sequence[Any] = GRID) -> Any:
    """Return the setting of a grid with the least loss; each is tried once for each key."""
    losses = _known().get(key, {})
    for setting in grid:
        if str(setting) not in losses:
            losses[str(setting)] = loss(setting)
            known = _known()  # another process may have tried others meanwhile
            known.setdefault(key, {}).update(losses)
            _CHOSEN.parent.mkdir(parents=True, exist_ok=True)
            _CHOSEN.write_text(json.dumps(known, indent=1))
    return min(grid, key=lambda setting: np.nan_to_num(losses[str(setting)], nan=np.inf))


def _known() -> dict[str, dict[str, float]]:
    return json.loads(_CHOSEN.read_text()) if _CHOSEN.exists() else {}


def log_loss(y: Any, chances: Any) -> float:
    """Return the mean log loss of the chances of 1; a chance of 0 or 1 counts as 1e-7 off."""
    p = np.clip(np.asarray(chances, dtype=np.float64), 1e-7, 1 - 1e-7)
    return float(-np.where(y > 0, np.log(p), np.log1p(-p)).mean())


def rmse(y: Any, predictions: Any) -> float:
    """Return the root mean squared error of predictions brought into the ratings' range."""
    return float(np.sqrt(np.mean((np.clip(predictions, 1, 5) - y) ** 2)))


def ranks(scores: Any, seen: Any, held: Any) -> Any:
    """Return how many items that a user has not seen come before the one held out.

    `scores` and `seen` are (n_users, n_items), `held` (n_users,). Items of equal score come
    before: a model that tells nothing apart has found nothing.
    """
    rows = np.arange(len(held))
    own = scores[rows, held]
    before = (scores >= own[:, None]) & ~seen
    before[rows, held] = False
    return before.sum(axis=1)


def hit_rate(ranks: Any, k: int) -> float:
    """Return the share of users whose item is among the first k."""
    return float(np.mean(ranks < k))


def ndcg(ranks: Any, k: int) -> float:
    """Return the discounted gain of one item a user, of which 1 is the most."""
    return float(np.mean(np.where(ranks < k, 1 / np.log2(ranks + 2.0), 0.0)))
