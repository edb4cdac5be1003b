"""The laws that benchmark data is drawn from. All are seeded; `divisor` shortens them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy import sparse

SEED = 20_26


def n_rows(full: int, divisor: int, least: int) -> int:
    """Return the number of rows, at least as many as the task needs."""
    return max(full // divisor, min(least, full))


def overlapping_groups(n: int, d: int, n_groups: int) -> np.ndarray:
    """Rows around `n_groups` centres, centres and rows both with unit variance, float32."""
    rng = np.random.default_rng([SEED, n, d, n_groups])
    centers = rng.standard_normal((n_groups, d), dtype=np.float32)
    X = rng.standard_normal((n, d), dtype=np.float32)
    X += centers[rng.integers(n_groups, size=n)]
    return X


def separate_groups(n: int, d: int, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows with deviation 1/2 around centres of deviation 2, and one row of each group.

    The groups do not touch, but with an offset of 10,000 their distances are lost in what
    float32 rounds off a squared norm.
    """
    rng = np.random.default_rng([SEED, n, d, n_groups, 1])
    centers = 2 * rng.standard_normal((n_groups, d))
    group = np.arange(n) % n_groups
    X = centers[group] + rng.standard_normal((n, d)) / 2
    return X, X[:n_groups].copy()


def falling_variances(n: int, d: int) -> np.ndarray:
    """Rows whose principal variances are 1, 1/2, …, 1/d in random directions, float32."""
    rng = np.random.default_rng([SEED, n, d, 2])
    directions = np.linalg.qr(rng.standard_normal((d, d)))[0]
    scaled = (directions / np.sqrt(np.arange(1, d + 1))).T.astype(np.float32)
    return rng.standard_normal((n, d), dtype=np.float32) @ scaled


def low_rank(n: int, d: int, rank: int) -> np.ndarray:
    """More columns than rows: variances 1, 1/2, …, 1/rank times d, and a little noise, float32."""
    rng = np.random.default_rng([SEED, n, d, rank, 7])
    factors = rng.standard_normal((n, rank), dtype=np.float32)
    factors /= np.sqrt(np.arange(1, rank + 1, dtype=np.float32))
    X = factors @ rng.standard_normal((rank, d), dtype=np.float32)
    X += rng.standard_normal((n, d), dtype=np.float32) / 10
    return X


def sparse_groups(n: int, d: int, per_row: int, n_groups: int) -> sparse.csr_array:
    """Rows like documents: half of their columns from those of a group, half by Zipf's law.

    About `per_row` values a row (columns drawn twice count once), log-normal, float32.
    """
    rng = np.random.default_rng([SEED, n, d, n_groups, 6])
    zipf = np.cumsum(1 / np.arange(10, d + 10))
    common = np.searchsorted(zipf / zipf[-1], rng.random((n, per_row - per_row // 2)))
    own = rng.integers(d, size=(n_groups, d // 50))[rng.integers(n_groups, size=n)]
    chosen = rng.integers(own.shape[1], size=(n, per_row // 2))
    columns = np.hstack([common, np.take_along_axis(own, chosen, axis=1)])
    values = rng.lognormal(sigma=0.5, size=columns.size).astype(np.float32)
    starts = np.arange(0, columns.size + 1, per_row, dtype=np.int32)
    X = sparse.csr_array((values, columns.ravel().astype(np.int32), starts), shape=(n, d))
    X.sum_duplicates()
    return X


def digits(n: int) -> tuple[np.ndarray, str]:
    """MNIST's digits and copies of them shifted by a pixel or two, 784 columns, float32.

    Without MNIST: scikit-learn's 8 × 8 digits, enlarged, shifted and with noise of a
    thirtieth of the range.
    """
    images, source = _mnist_images() or _enlarged_images()
    rng = np.random.default_rng([SEED, n, 3])
    chosen = images[rng.integers(len(images), size=n)]
    X = np.empty((n, 784), dtype=np.float32)
    for row, (down, right) in enumerate(rng.integers(-2, 3, size=(n, 2))):
        X[row] = np.roll(chosen[row], (down, right), axis=(0, 1)).ravel()
    return X, source


def _mnist_images():
    file = Path(os.environ.get("ALGOS_DATA", ".")) / "digits" / "mnist5000.npz"
    if not file.exists():
        return None
    with np.load(file) as data:
        return data["X"].reshape(-1, 28, 28) / np.float32(255), "MNIST"


def _enlarged_images():
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    small = load_digits().images / 16
    images = np.pad(zoom(small, (1, 3, 3), order=1), ((0, 0), (2, 2), (2, 2)))
    noise = np.random.default_rng([SEED, 4]).normal(scale=1 / 30, size=images.shape)
    return np.clip(images + noise, 0, 1), "enlarged 8 × 8 digits (no MNIST in ALGOS_DATA)"


def distinct_rows(X: np.ndarray | sparse.csr_array, count: int) -> np.ndarray:
    """`count` rows of X, all different and dense: the common start of all peers."""
    rng = np.random.default_rng([SEED, 5, count])
    rows = rng.choice(X.shape[0], size=min(X.shape[0], 2 * count), replace=False)
    chosen = X[rows].toarray() if sparse.issparse(X) else X[rows]
    _, first = np.unique(chosen, axis=0, return_index=True)
    return chosen[np.sort(first)[:count]].copy()


def shared_factors(n: int, d: int, n_outputs: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Columns that share five factors, as tables do, and linear functions of them.

    The columns are float32, of deviation about 1, and five sixths of their variance is shared.
    The functions are of shape (n, n_outputs), of deviation 2; a third of the columns is in them.
    """
    rng = np.random.default_rng([SEED, n, d, n_outputs, 8])
    X = rng.standard_normal((n, d), dtype=np.float32)
    loads = rng.standard_normal((5, d), dtype=np.float32)
    X += rng.standard_normal((n, 5), dtype=np.float32) @ loads
    X /= np.sqrt(1 + (loads**2).sum(axis=0))
    coef = rng.standard_normal((d, n_outputs)) * (rng.random((d, 1)) < 1 / 3)
    z = X @ coef.astype(np.float32)
    return X, (2 * z / np.maximum(z.std(axis=0), 1e-6)).astype(np.float64)


def sparse_labels(X: sparse.csr_array) -> tuple[sparse.csr_array, np.ndarray]:
    """Rows of length 1, and labels 0 and 1 made by a linear function of all columns and chance."""
    rng = np.random.default_rng([SEED, *X.shape, 9])
    lengths = np.sqrt(X.multiply(X).sum(axis=1)).ravel()
    scaled = sparse.csr_array(X.multiply(1 / np.maximum(lengths, 1e-9)[:, None]), dtype=np.float32)
    z = scaled @ rng.standard_normal(X.shape[1])
    return scaled, (3 * z / z.std() + rng.logistic(size=len(z)) > 0).astype(np.int64)


def outlying_groups(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows around five centres, and one in fifty drawn five times as wide, which y tells."""
    rng = np.random.default_rng([SEED, n, d, 11])
    centers = 5 * rng.standard_normal((5, d))
    y = (rng.random(n) < 0.02).astype(np.int64)
    X = rng.standard_normal((n, d)) * np.where(y, 5.0, 1.0)[:, None]
    return (X + centers[rng.integers(5, size=n)]).astype(np.float32), y


def pulse(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A noisy sine of one column, and one value in fifty moved, which y tells."""
    rng = np.random.default_rng([SEED, n, 12])
    y = (rng.random(n) < 0.02).astype(np.int64)
    x = np.sin(np.arange(n) * (2 * np.pi / 60)) + 0.1 * rng.standard_normal(n)
    x += y * rng.choice([-1.5, 1.5], size=n)
    return x[:, None].astype(np.float32), y


def generated_ratings(n: int, n_users: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of users and items, and ratings 1 … 5: biases, eight factors and noise, rounded.

    Popularity is log-normal; a pair may come more than once.
    """
    rng = np.random.default_rng([SEED, n, n_users, n_items, 13])
    codes, biases, factors = [], [], []
    for size, deviation in ((n_users, 0.45), (n_items, 0.55)):
        popularity = np.cumsum(rng.lognormal(sigma=1.2, size=size))
        code = np.searchsorted(popularity / popularity[-1], rng.random(n))
        codes.append(np.minimum(code, size - 1))
        biases.append(deviation * rng.standard_normal(size))
        factors.append(rng.standard_normal((size, 8)) * np.geomspace(0.5, 0.25, 8))
    z = 3.5 + biases[0][codes[0]] + biases[1][codes[1]]
    z += (factors[0][codes[0]] * factors[1][codes[1]]).sum(axis=1)
    z += 0.8 * rng.standard_normal(n)
    return np.column_stack(codes), np.clip(np.rint(z), 1, 5)


CLICK_FIELDS = (10,) * 10 + (300,) * 10 + (2500,) * 8 + (40_000,) * 2


def clicks(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of thirty fields, small to large, and labels: a factorization machine's chances.

    Codes follow a power law in each field; four factors of each code make much of the labels'
    log-odds' variance.
    """
    rng = np.random.default_rng([SEED, n, 14])
    z = np.full(n, -1.0)
    total, squares = np.zeros((n, 4)), np.zeros((n, 4))
    codes = np.empty((n, len(CLICK_FIELDS)), dtype=np.int64)
    for field, size in enumerate(CLICK_FIELDS):
        law = np.random.default_rng([SEED, field, 15])  # the same for any n
        code = np.minimum((size * rng.random(n) ** 3).astype(np.int64), size - 1)
        codes[:, field] = law.permutation(size)[code]
        z += 0.35 * law.standard_normal(size)[codes[:, field]]
        factors = 0.2 * law.standard_normal((size, 4))[codes[:, field]]
        total += factors
        squares += factors**2
    z += (total**2 - squares).sum(axis=1) / 2
    return codes, (z + rng.logistic(size=n) > 0).astype(np.int64)
