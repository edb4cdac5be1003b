"""
More rows than memory
=====================

Every class whose ``partial_fit`` takes rows learns a file of 240 MB, in a process that may
allocate no more than 150 MB. The rows are in a memory map, and each call gets a slice of it.
The size of a model does not depend on the number of rows, so the limit is never reached.
``DeepARForecaster`` is not among them: its rows are whole series, and a call of its
``partial_fit`` is an epoch over a panel in memory.
"""

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import algos

try:
    import resource
except ImportError:  # Windows
    resource = None

N_ROWS, N_COLUMNS, N_BATCH = 1_200_000, 50, 20_000

# %%
# The file
# --------
# Counts of 50 kinds of events in 10 groups, in which each of the algorithms finds something. The
# target is linear in the counts and in one product of two of them.

rng = np.random.default_rng(0)
rates = rng.gamma(0.5, 2, (10, N_COLUMNS))
coef = rng.normal(0, 0.3, N_COLUMNS)
folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "rows.dat"
written = np.memmap(file, dtype=np.float32, mode="w+", shape=(N_ROWS, N_COLUMNS))
pool = rng.poisson(rates[rng.integers(10, size=N_BATCH)])
for begin in range(0, N_ROWS, N_BATCH):
    written[begin : begin + N_BATCH] = rng.permutation(pool)
written.flush()
del written
rows = np.memmap(file, dtype=np.float32, mode="r", shape=(N_ROWS, N_COLUMNS))
print(f"{len(rows):,} rows, {rows.nbytes / 1e6:.0f} MB")


def target(X):
    """Return y of some rows."""
    return X @ coef + 0.2 * X[:, 0] * X[:, 1]


# %%
# The estimators
# --------------
# Each with the arguments that its ``partial_fit`` takes for some rows.

streams = {
    "KMeans": (algos.KMeans(10, random_state=0), lambda X: (X,)),
    "PCA": (algos.PCA(10), lambda X: (X,)),
    "LinearLearnerRegressor": (algos.LinearLearnerRegressor(), lambda X: (X, target(X))),
    "LinearLearnerClassifier": (
        algos.LinearLearnerClassifier(random_state=0),
        lambda X: (X, target(X) > 0),
    ),
    "LatentDirichletAllocation": (
        algos.LatentDirichletAllocation(10, random_state=0),
        lambda X: (X,),
    ),
    "FactorizationMachineRegressor": (
        algos.FactorizationMachineRegressor(solver="adagrad", random_state=0),
        lambda X: (X, target(X)),
    ),
    "FactorizationMachineClassifier": (
        algos.FactorizationMachineClassifier(solver="adagrad", random_state=0),
        lambda X: (X, target(X) > 0),
    ),
    "RandomCutForest": (algos.RandomCutForest(50, random_state=0), lambda X: (X,)),
}
# %%
# The limit
# ---------
# ``RLIMIT_DATA`` limits the memory that a process may write to; the mapped file, which it only
# reads, does not count.


def data_in_use():
    """Return the bytes that count, or None if the system does not say."""
    status = Path("/proc/self/status")
    if resource is None or not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["VmData"].split()[0]) * 1024


EXTRA = 150_000_000
in_use = data_in_use()
limits = None
if in_use is not None:
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (in_use + EXTRA, limits[1]))
    print(f"at most {EXTRA / 1e6:.0f} MB more than now")
    try:
        np.ones(rows.shape, dtype=np.float32)  # reading the whole file would take this much
    except MemoryError as error:
        print(f"{type(error).__name__}: {error}")

# %%
# The streams
# -----------

gigabytes_a_second = {}
for name, (estimator, arguments) in streams.items():
    begun = time.perf_counter()
    for begin in range(0, N_ROWS, N_BATCH):
        estimator.partial_fit(*arguments(rows[begin : begin + N_BATCH]))
    seconds = time.perf_counter() - begun
    gigabytes_a_second[name] = rows.nbytes / 1e9 / seconds
    print(f"{name:32}{seconds:6.2f} s")

if limits is not None:
    resource.setrlimit(resource.RLIMIT_DATA, limits)

# %%
# What was learned
# ----------------

test = np.array(rows[-5000:])
regressor, classifier = (streams[f"LinearLearner{kind}"][0] for kind in ("Regressor", "Classifier"))
print(f"R² of the linear regressor      {regressor.score(test, target(test)):.3f}")
print(f"accuracy of the classifier      {classifier.score(test, target(test) > 0):.3f}")
print(f"variance in 10 components       {streams['PCA'][0].explained_variance_ratio_.sum():.3f}")
print(f"inertia of a row, 10 clusters   {-streams['KMeans'][0].score(test) / len(test):.1f}")

# %%
# How fast they read
# ------------------

figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
ax.barh(list(gigabytes_a_second), list(gigabytes_a_second.values()), color="#1b2a41")
ax.set(xscale="log", xlabel="GB a second")
ax.invert_yaxis()

del rows
folder.cleanup()
plt.show()
