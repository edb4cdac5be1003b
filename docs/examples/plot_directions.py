"""
Directions far from zero, of sparse rows, and of streams
========================================================

Three cases in which principal components usually cost digits, memory or exactness:
:class:`algos.PCA` of float32 rows far from zero, of sparse rows, which must be centred without
filling their zeros, and of rows that arrive in batches, compared with scikit-learn's classes on
the same rows.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn import decomposition
from sklearn.datasets import load_digits

from algos import PCA

rng = np.random.default_rng(0)

# %%
# Far from zero
# -------------
# 20,000 rows of 20 columns, whose variances decrease from 1 to 0.001, are shifted away from zero
# and rounded to float32. The reference is float64 arithmetic on the same rounded rows. Subtracting
# the means after summing squares, which grow with the offset, loses the digits of the variance.

spread = np.sqrt(np.logspace(0, -3, 20))
turned = np.linalg.qr(rng.normal(size=(20, 20)))[0]
rows = (rng.normal(size=(20_000, 20)) * spread) @ turned


def error_of(pca, X):
    """Return the largest relative error of a variance, compared with double precision."""
    truth = np.linalg.eigvalsh(np.cov(X.astype(np.float64), rowvar=False))[::-1]
    return np.abs(pca.fit(X).explained_variance_ / truth - 1).max()


offsets = 10.0 ** np.arange(6)
errors = {"algos": [], "scikit-learn": []}
for offset in offsets:
    X = (rows + offset).astype(np.float32)
    errors["algos"].append(error_of(PCA(), X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about negative variances
        errors["scikit-learn"].append(error_of(decomposition.PCA(), X))

print(f"{'offset':>8}" + "".join(f"{name:>14}" for name in errors))
for offset, *both in zip(offsets, *errors.values(), strict=True):
    print(f"{offset:8,.0f}" + "".join(f"{error:14.1e}" for error in both))

figure, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for name, color in (("scikit-learn", "#8d99ae"), ("algos", "#d1495b")):
    ax.loglog(offsets, errors[name], "o-", color=color, label=name)
ax.axhline(1, color="black", linewidth=0.6, linestyle=":")
ax.text(1, 1.5, "no correct digit", fontsize=9)
ax.set(xlabel="offset of all columns", ylabel="error of the variances, float32")
ax.legend()
plt.show()

# %%
# Sparse rows
# -----------
# 15,000 rows have values in about 40 of 4,000 columns: a common background, and a few columns that
# distinguish three groups. Explicitly centred, the rows would have no zeros left. They are centred
# implicitly, in the products, so the two components separate the groups; without centring, as in
# ``TruncatedSVD``, the first component is close to the mean of all rows.

n_rows, n_columns = 15_000, 4_000
group = rng.integers(3, size=n_rows)
background = rng.integers(n_columns, size=(n_rows, 32))
own = 1000 * group[:, np.newaxis] + rng.integers(40, size=(n_rows, 8))
columns = np.hstack([background, own])
X = sparse.csr_array(
    (np.ones(columns.size, np.float32), columns.ravel(), np.arange(n_rows + 1) * columns.shape[1]),
    shape=(n_rows, n_columns),
)
X.sum_duplicates()
filled = X.dtype.itemsize * n_rows * n_columns
print(f"{X.data.nbytes / 1e6:.0f} MB of values; as a dense array {filled / 1e6:.0f} MB")

pca = PCA(n_components=2, random_state=0).fit(X)
uncentred = decomposition.TruncatedSVD(n_components=2, random_state=0).fit(X)

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for ax, model, title in ((axes[0], pca, "algos.PCA"), (axes[1], uncentred, "TruncatedSVD")):
    ax.scatter(*model.transform(X[:2000]).T, c=group[:2000], cmap="viridis", s=4)
    ax.set(title=title, xlabel="first component", ylabel="second component")
plt.show()
share = [model.transform(X).var(axis=0).sum() for model in (pca, uncentred)]
print(f"variance along two components: {share[0]:.3f}, of TruncatedSVD {share[1]:.3f}")

# %%
# Rows that arrive in batches
# ---------------------------
# ``partial_fit`` updates the mean and the scatter matrix, and ``merge`` combines two such
# states. So batches of any size, learned in two places, give the components of all rows.

digits = load_digits().data
whole = PCA(n_components=20).fit(digits)
here, there = PCA(n_components=20), PCA(n_components=20)
for begin in range(0, 900, 7):
    here.partial_fit(digits[begin : min(begin + 7, 900)])
there.partial_fit(digits[900:])
joint = here.merge(there)

incremental = decomposition.IncrementalPCA(n_components=20)
for begin in range(0, len(digits), 100):
    incremental.partial_fit(digits[begin : begin + 100] if begin < 1700 else digits[-97:])

for name, model in (("algos, two streams merged", joint), ("IncrementalPCA", incremental)):
    error = np.abs(model.explained_variance_ / whole.explained_variance_ - 1).max()
    print(f"{name:26} variances differ from those of one fit by {error:.0e}")
