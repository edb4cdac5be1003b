"""
How many clusters?
==================

From the state of a stream, :class:`algos.KMeans` can compute any number of clusters, so one pass
over the rows is enough to try them all. :class:`algos.plotting.InertiaDisplay` draws the inertia
against the number of clusters; beyond the knee of the curve, more clusters improve it little.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from algos import KMeans
from algos.plotting import InertiaDisplay

X, group = make_blobs(6000, n_features=6, centers=7, random_state=3)
order = np.random.default_rng(0).permutation(len(X))

# %%
# One pass
# --------
# The number of groups is not known yet: ``n_clusters`` is a generous guess.

stream = KMeans(n_clusters=10, random_state=0)
for begin in range(0, len(X), 500):
    stream.partial_fit(X[order[begin : begin + 500]])
print(f"{stream.n_samples_seen_:,} rows were seen; none of them is read again")

# %%
# The curve
# ---------
# The knee is where the curve bends most on a logarithmic scale: the last number of clusters that
# reduces the inertia by a much larger factor than the next one.

counts, inertias = stream.inertia_curve(range(1, 21))
bends = np.diff(np.log(inertias), 2)
knee = int(counts[1:-1][np.argmax(bends)])
print(f"the knee is at {knee} clusters")

# %%
# A point of the curve is an upper bound on the inertia of a fit to all rows, and the gap grows with
# the number of clusters. The knee does not move, as a comparison with fits to all rows shows.

fitted = np.array([2, 4, 7, 10, 15, 20])
reached = [KMeans(k, n_init=5, random_state=0).fit(X).inertia_ for k in fitted]
for k, inertia in zip(fitted, reached, strict=True):
    print(
        f"{k:3} clusters: the curve is at {inertias[k - 1] / inertia:.3f} times a fit to all rows"
    )

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
InertiaDisplay(counts, inertias, chosen=knee).plot(ax=ax, label="from the stream")
ax.plot(fitted, reached, "x", color="tab:red", label="fits to all rows")
ax.annotate(f"{knee} clusters", (knee, inertias[knee - 1]), (6, 12), textcoords="offset points")
ax.set_xticks(counts[::2])
ax.legend()

# %%
# The clusters
# ------------
# ``recluster`` computes them from the same state; the model it returns can continue learning.

kmeans = stream.recluster(knee)
labels = kmeans.predict(X)
agreement = adjusted_rand_score(group, labels)
print(f"{knee} clusters, whose adjusted Rand index with the groups is {agreement:.3f}")
plt.show()
