"""Bayesian personalized ranking: chosen items are to score above items not chosen.

Rendle, Freudenthaler, Gantner and Schmidt-Thieme (2009), "BPR: Bayesian personalized ranking
from implicit feedback", UAI. The loss of a pair of rows is log(1 + exp(f(rival) - f(row))).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Int64Array
from algos._common.random import Key, stream
from algos.factorization_machine.batches import Data
from algos.factorization_machine.rows import Rows
from algos.factorization_machine.steps import Steps
from algos.factorization_machine.stochastic import StepSettings, epochs, one_pass

Numbers = Int64Array

_OF_RIVALS, _OF_CHECKS = 2, 3  # streams of random numbers
_TRIES = 32  # attempts to draw a rival that the group has not chosen
_PAIRS = 1 << 16  # pairs whose rows are built at once


Pairs = tuple[Numbers, Numbers]


@dataclass(frozen=True)
class Choices:
    """Chosen rows, and the rows of the same group that were not chosen.

    Attributes
    ----------
    data : Data
    positives : ndarray of shape (n_positives,)
        Rows with a positive target in groups that also have others.
    negatives : ndarray of shape (n_negatives,)
        Rows with target 0, group by group.
    first, count : ndarray of shape (n_positives,)
        Place and number of the negatives of each positive row's group.
    """

    data: Data
    positives: Numbers
    negatives: Numbers
    first: Numbers
    count: Numbers

    @classmethod
    def of(cls, data: Data, groups: Numbers) -> Choices:
        """Return the choices in rows with targets and groups."""
        is_positive = data.target > 0
        negatives = np.flatnonzero(~is_positive)
        negatives = negatives[np.argsort(groups[negatives], kind="stable")]
        positives = np.flatnonzero(is_positive)
        first = np.searchsorted(groups[negatives], groups[positives], side="left")
        count = np.searchsorted(groups[negatives], groups[positives], side="right") - first
        has_rival = count > 0
        return cls(data, positives[has_rival], negatives, first[has_rival], count[has_rival])

    def pairs(self, draw: np.random.Generator) -> Iterator[tuple[Data, Pairs]]:
        """Yield rows, and pairs of each positive row with a drawn rival."""
        place = self.first + (draw.random(len(self.first)) * self.count).astype(np.int64)
        if len(place):
            yield self.data, (self.positives, self.negatives[place])


@dataclass(frozen=True)
class Catalogue:
    """All items, by the columns that describe them, and those that each group has chosen.

    A rival of a row is the same row with another item's columns in place of its own.

    Attributes
    ----------
    contexts : Rows
        The chosen rows without their items' columns.
    item, group : ndarray of shape (n_positives,)
        Item and group of these rows.
    items : Rows
        Each item once.
    chosen : ndarray
        group * n_items + item of the rows whose items cannot be rivals, ascending.
    weight : ndarray of shape (n_positives,), float32
    """

    contexts: Rows
    item: Numbers
    group: Numbers
    items: Rows
    chosen: Numbers
    weight: Float32Array

    @classmethod
    def of(cls, data: Data, groups: Numbers, is_of_item: NDArray[np.bool_]) -> Catalogue:
        """Return the catalogue of all items in rows; `is_of_item` masks the items' columns."""
        rows = replace(data.rows, values=data.values)
        parts = part_of(rows, is_of_item)
        item, first = numbered(parts)
        positives = np.flatnonzero(data.target > 0)
        item, group = item[positives], groups[positives]
        chosen = np.unique(group * len(first) + item)
        contexts = part_of(rows, ~is_of_item).take(positives)
        return cls(contexts, item, group, parts.take(first), chosen, data.weight[positives])

    def split(self, n_first: int) -> tuple[Catalogue, Catalogue]:
        """Return the catalogues of the first chosen rows, and of the others.

        The first know nothing of the others; items of neither are rivals of the others.
        """
        first, others = np.arange(n_first), np.arange(n_first, len(self.item))
        known = np.unique(self.group[:n_first] * self.items.n + self.item[:n_first])
        mine = replace(self.take(first), chosen=known)
        return mine, self.take(others)

    def take(self, places: Numbers) -> Catalogue:
        """Return the catalogue of the chosen rows at these places."""
        return replace(
            self,
            contexts=self.contexts.take(places),
            item=self.item[places],
            group=self.group[places],
            weight=self.weight[places],
        )

    def rivals(self, draw: np.random.Generator) -> Numbers:
        """Return for each chosen row an item that its group has not chosen; -1 for none."""
        rival = np.full(len(self.item), -1, dtype=np.int64)
        left = np.arange(len(self.item))
        for _ in range(_TRIES):
            if not len(left):
                break
            tried = draw.integers(self.items.n, size=len(left))
            code = self.group[left] * self.items.n + tried
            place = np.minimum(np.searchsorted(self.chosen, code), len(self.chosen) - 1)
            is_new = self.chosen[place] != code
            rival[left[is_new]] = tried[is_new]
            left = left[~is_new]
        return rival

    def pairs(self, draw: np.random.Generator) -> Iterator[tuple[Data, Pairs]]:
        """Yield chosen rows followed by their drawn rivals, and their pairing."""
        rival = self.rivals(draw)
        places = np.flatnonzero(rival >= 0)
        places = places[draw.permutation(len(places))]
        for start in range(0, len(places), _PAIRS):
            part = places[start : start + _PAIRS]
            count = len(part)
            items = np.concatenate([self.item[part], rival[part]])
            rows = joined(self.contexts.take(np.tile(part, 2)), self.items.take(items))
            target = np.repeat(np.array([1, 0], np.float32), count)
            data = Data(rows, rows.values, target, np.tile(self.weight[part], 2))
            yield data, (np.arange(count), np.arange(count, 2 * count))


def sampled(
    data: Data,
    groups: Numbers,
    is_of_item: NDArray[np.bool_] | None,
    validation: tuple[Data, Numbers] | None,
) -> tuple[Choices | Catalogue, Choices | Catalogue | None]:
    """Return samplers of pairs for training and for validation."""
    if is_of_item is None:
        return Choices.of(data, groups), validation and Choices.of(*validation)
    if validation is None:
        return Catalogue.of(data, groups, is_of_item), None
    both = Catalogue.of(
        stacked(data, validation[0]), np.concatenate([groups, validation[1]]), is_of_item
    )
    return both.split(int(np.count_nonzero(data.target > 0)))


def stacked(data: Data, other: Data) -> Data:
    """Return the rows of both."""
    rows, more = data.rows, other.rows
    values = None
    if data.values is not None or other.values is not None:
        values = np.concatenate(
            [np.ones(one.rows.stored, np.float32) if one.values is None else one.values
             for one in (data, other)]
        )  # fmt: skip
    indptr = np.concatenate([rows.indptr, rows.indptr[-1] + more.indptr[1:]])
    indices = np.concatenate([rows.indices, more.indices])
    return Data(
        Rows(indptr, indices, values, rows.n_columns),
        values,
        np.concatenate([data.target, other.target]),
        np.concatenate([data.weight, other.weight]),
    )


def part_of(rows: Rows, is_kept: NDArray[np.bool_]) -> Rows:
    """Return the rows with the values of the kept columns only."""
    kept = is_kept[rows.indices]
    indptr = np.concatenate([[0], np.cumsum(kept)])[rows.indptr].astype(np.int64)
    values = None if rows.values is None else rows.values[kept]
    return Rows(indptr, rows.indices[kept], values, rows.n_columns)


def joined(left: Rows, right: Rows) -> Rows:
    """Return each row of `left` joined with that of `right`, columns ascending."""
    owner = [np.repeat(np.arange(one.n), np.diff(one.indptr)) for one in (left, right)]
    indices = np.concatenate([left.indices, right.indices])
    # A single sort key; it is nearly sorted already, which a stable sort exploits.
    order = np.argsort(np.concatenate(owner) * left.n_columns + indices, kind="stable")
    values = None
    if left.values is not None and right.values is not None:
        values = np.concatenate([left.values, right.values])[order]
    return Rows(left.indptr + right.indptr, indices[order], values, left.n_columns)


def numbered(rows: Rows) -> tuple[Numbers, Numbers]:
    """Return the number of each row among the distinct ones, and where these first occur."""
    values = np.ones(rows.stored, np.float32) if rows.values is None else rows.values
    packed = np.stack([rows.indices, values.view(np.int32)], axis=1)
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    number = np.empty(rows.n, dtype=np.int64)
    for i, (start, end) in enumerate(zip(rows.indptr[:-1], rows.indptr[1:], strict=True)):
        content = packed[start:end].tobytes()
        number[i] = numbers.setdefault(content, len(first))
        if number[i] == len(first):
            first.append(i)
    return number, np.array(first, dtype=np.int64)


def pair_loss(steps: Steps, data: Data, pairs: tuple[Numbers, Numbers], n_threads: int) -> float:
    """Return the weighted mean loss of pairs."""
    z = steps.scores(data.rows, n_threads=n_threads)[:, 0].astype(np.float64)
    losses = np.logaddexp(0, z[pairs[1]] - z[pairs[0]])
    return float(np.average(losses, weights=data.weight[pairs[0]]))


def learn_choices(
    steps: Steps,
    data: Data,
    groups: Numbers,
    settings: StepSettings,
    key: Key,
    *,
    is_of_item: NDArray[np.bool_] | None = None,
    validation: tuple[Data, Numbers] | None = None,
    n_threads: int = 1,
    **control: Any,
) -> Steps:
    """Learn to rank by `epochs`, to which `control` is passed.

    Parameters
    ----------
    steps : Steps
    data : Data
        Rows with a positive target were chosen.
    groups : ndarray of shape (n,)
        The user or query of each row.
    settings : StepSettings
    key : ndarray of shape (2,), dtype uint64
    is_of_item : ndarray of shape (n_columns,), bool, default=None
        Mask of the columns that describe an item: rivals are then drawn from all items. Without
        it, rivals are rows of the same group with target 0.
    validation : tuple of (Data, groups), default=None
    n_threads : int, default=1
    """
    sampler, held = sampled(data, groups, is_of_item, validation)
    # The same pairs after each epoch.
    known = [] if held is None else list(held.pairs(stream(key, _OF_CHECKS)))

    def check(steps: Steps) -> float:
        weights = [float(data.weight[pairs[0]].sum()) for data, pairs in known]
        losses = [pair_loss(steps, data, pairs, n_threads) for data, pairs in known]
        return float(np.average(losses, weights=weights))

    def once(steps: Steps) -> float:
        losses, weights = [], []
        drawn = sampler.pairs(stream(key, _OF_RIVALS, steps.n_epochs))
        for part, (data, pairs) in enumerate(drawn):
            loss = one_pass(steps, data, settings, key, pairs=pairs, part=part, n_threads=n_threads)
            losses.append(loss)
            weights.append(float(data.weight[pairs[0]].sum()))
        return float(np.average(losses, weights=weights)) if losses else 0.0

    return epochs(steps, once, check if known else None, **control)
