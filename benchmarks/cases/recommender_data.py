"""Ratings of MovieLens and uses of apps (Frappe) as one-hot rows; `ALGOS_DATA` says where.

Neither may be passed on, so both are read where their user has put them.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.cases import laws
from benchmarks.workload import Unreachable

N_FOLDS = 5


def file(name):
    place = Path(os.environ.get("ALGOS_DATA", ".")) / "factorization_machine" / name
    if not place.exists():
        raise Unreachable(f"there is no factorization_machine/{name} in ALGOS_DATA")
    return place


def one_hot(codes, sizes):
    """Return float32 CSR rows with a one in each block of columns; a code below 0 has none."""
    codes = np.asarray(codes)
    columns = codes + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    present = codes >= 0
    indices = columns[present].astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
    ones = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_array((ones, indices, starts), shape=(len(codes), int(np.sum(sizes))))


def movielens():
    """Return users and items from 0, ratings and times of MovieLens-100K, in its order."""
    with np.load(file("ml100k.npz")) as data:
        parts = (data[name].astype(np.int64) for name in ("user", "item", "rating", "timestamp"))
        user, item, rating, time = parts
    return user - 1, item - 1, rating.astype(np.float64), time


def side_columns():
    """Return what is known of users (age, gender, occupation) and items (genres, year), and sizes.

    A block a kind: all but the genres, of which an item may have several, are one-hot; the rows of
    an item's genres have length 1.
    """
    with file("ml100k.user.tsv").open(newline="") as lines:
        users = list(csv.DictReader(lines, delimiter="\t"))
    with file("ml100k.item.tsv").open(newline="") as lines:
        items = list(csv.DictReader(lines, delimiter="\t"))
    ages = [min(int(row["age:token"]) // 5, 12) for row in users]
    kinds = [_codes([row[name] for row in users]) for name in ("gender:token", "occupation:token")]
    sizes = [13, *(kind.max() + 1 for kind in kinds)]
    of_users = one_hot(np.column_stack([ages, *kinds]), sizes)
    years = [_five_years(row["release_year:token"]) for row in items]
    genres = [row["class:token_seq"].split() for row in items]
    names = sorted({genre for of_item in genres for genre in of_item})
    flags = np.array([[name in of_item for name in names] for of_item in genres], dtype=np.float32)
    flags /= np.sqrt(np.maximum(flags.sum(axis=1, keepdims=True), 1))
    of_items = sparse.hstack(
        [one_hot(np.array(years)[:, None], [15]), sparse.csr_array(flags)], format="csr"
    )
    return of_users, of_items, [*sizes, 15, len(names)]


def _five_years(text):
    """Return the five years since 1930 in which an item is from, -1 if nobody knows."""
    return min(max(int(text) - 1930, 0), 70) // 5 if text.isdigit() else -1


def _codes(texts):
    return np.unique(texts, return_inverse=True)[1]


def ratings(divisor, split, side=False):
    """Return ratings, and the fold in which each is for the test (-1: in none).

    The official splits "folds" (u1 … u5) and "u1" are blocks of 20,000 rows; "random" is a fifth
    of the rows; "users" and "items" hold whole users or items out.
    """
    user, item, rating, _ = movielens()
    rng = np.random.default_rng(laws.SEED)
    rows = np.arange(len(rating))
    deal = {
        "folds": lambda: rows * N_FOLDS // len(rows),
        "u1": lambda: np.where(rows < len(rows) // N_FOLDS, 0, -1),
        "random": lambda: np.where(rng.random(len(rows)) < 1 / N_FOLDS, 0, -1),
        "users": lambda: rng.integers(N_FOLDS, size=user.max() + 1)[user],
        "items": lambda: rng.integers(N_FOLDS, size=item.max() + 1)[item],
    }
    fold = deal[split]()
    sizes = [user.max() + 1, item.max() + 1]
    X = one_hot(np.column_stack([user, item]), sizes)
    if side:
        of_users, of_items, more = side_columns()
        X = sparse.hstack([X, of_users[user], of_items[item]], format="csr")
        sizes += more
    chosen = slice(None, None, divisor)
    return {"X": X[chosen], "y": rating[chosen], "fold": fold[chosen], "sizes": np.array(sizes)}


def positives(divisor):
    """Return who rated what, whatever the rating, and each user's newest one for the test."""
    user, item, _, time = movielens()
    keep = user < (user.max() + 1) // divisor
    user, item, time = user[keep], item[keep], time[keep]
    newest = np.zeros(len(user), dtype=bool)
    order = np.lexsort([item, time, user])
    newest[order[np.append(np.diff(user[order]) != 0, True)]] = True
    n_users, n_items = user.max() + 1, item.max() + 1
    seen = sparse.csr_array(
        (np.ones((~newest).sum(), np.float32), (user[~newest], item[~newest])),
        shape=(n_users, n_items),
    )
    held = np.empty(n_users, dtype=np.int64)
    held[user[newest]] = item[newest]
    return {"X": seen, "held": held}


def app_uses(divisor):
    """Return Frappe in the coding of the NFM paper: which apps were used in which context."""
    with np.load(file("frappe_nfm.npz")) as data:
        n_columns = max(int(data[f"X_{part}"].max()) for part in ("train", "valid", "test")) + 1
        made = {}
        for part, end in (("train", ""), ("valid", "_val"), ("test", "_test")):
            codes = data[f"X_{part}"][:: 1 if divisor == 1 else 10].astype(np.int32)
            n, width = codes.shape
            starts = np.arange(0, n * width + 1, width, dtype=np.int32)
            ones = np.ones(n * width, dtype=np.float32)
            codes = np.sort(codes, axis=1).ravel()
            made[f"X{end}"] = sparse.csr_array((ones, codes, starts), shape=(n, n_columns))
            labels = data[f"y_{part}"][:: 1 if divisor == 1 else 10]
            made[f"y{end}"] = (labels > 0).astype(np.int64)
    return made
