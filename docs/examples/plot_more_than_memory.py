"""
More rows than memory
=====================

A file of 400 MB goes through every class whose ``partial_fit`` takes rows, in a process that may
use no more than 200 MB beyond what it has when it begins. The rows lie in a memory map, of which
each call sees a slice. What a model keeps does not grow with the rows; so the operating system,
which is asked to refuse, finds nothing to refuse. ``DeepARForecaster`` is not among them: its
rows are whole series, each of which a network goes along many times, so a call of its
``partial_fit`` is an epoch over a panel that fits into memory.
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

N_ROWS, N_COLUMNS, N_BATCH = 2_000_000, 50, 20_000

# %%
# The file
# --------
# Counts of 50 kinds of events in 10 groups, so that every one of the algorithms finds something in
# them. The target is linear in the counts and in one product of two of them.

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
    """Compute y of some rows."""
    return X @ coef + 0.2 * X[:, 0] * X[:, 1]


# %%
# The estimators
# --------------
# Topics, factorization machines and forests take longer for a row, and get every twentieth batch.

streams = {
    "KMeans": (algos.KMeans(10, random_state=0), 1, lambda X: (X,)),
    "PCA": (algos.PCA(10), 1, lambda X: (X,)),
    "LinearLearnerRegressor": (algos.LinearLearnerRegressor(), 1, lambda X: (X, target(X))),
    "LinearLearnerClassifier": (
        algos.LinearLearnerClassifier(random_state=0),
        1,
        lambda X: (X, target(X) > 0),
    ),
    "LatentDirichletAllocation": (
        algos.LatentDirichletAllocation(10, random_state=0),
        20,
        lambda X: (X,),
    ),
    "FactorizationMachineRegressor": (
        algos.FactorizationMachineRegressor(solver="adagrad", random_state=0),
        20,
        lambda X: (X, target(X)),
    ),
    "FactorizationMachineClassifier": (
        algos.FactorizationMachineClassifier(solver="adagrad", random_state=0),
        20,
        lambda X: (X, target(X) > 0),
    ),
    "RandomCutForest": (algos.RandomCutForest(50, random_state=0), 20, lambda X: (X,)),
}
# %%
# The limit
# ---------
# ``RLIMIT_DATA`` bounds what a process may write to; the mapped file, which it only reads, is not
# counted.


def data_in_use():
    """The bytes that count, or None where the system does not tell."""
    status = Path("/proc/self/status")
    if resource is None or not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["VmData"].split()[0]) * 1024


EXTRA = 200_000_000
in_use = data_in_use()
limits = None
if in_use is not None:
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (in_use + EXTRA, limits[1]))
    print(f"at most {EXTRA / 1e6:.0f} MB more than now")
    try:
        np.ones(rows.shape, dtype=np.float32)  # to read the file would take this much
    except MemoryError as error:
        print(f"{type(error).__name__}: {error}")

# %%
# The streams
# -----------

gigabytes_a_second = {}
for name, (estimator, step, arguments) in streams.items():
    begun, n_seen = time.perf_counter(), 0
    for begin in range(0, N_ROWS, step * N_BATCH):
        batch = rows[begin : begin + N_BATCH]
        estimator.partial_fit(*arguments(batch))
        n_seen += len(batch)
    seconds = time.perf_counter() - begun
    gigabytes_a_second[name] = n_seen * rows.itemsize * N_COLUMNS / 1e9 / seconds
    print(f"{name:32}{n_seen:>10,} rows in {seconds:6.2f} s")

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
