"""
How many clusters?
==================

What a stream leaves behind in :class:`algos.KMeans` makes clusters in any number, so one pass over
the rows is enough to try them all. :class:`algos.plotting.InertiaDisplay` draws the inertia against
the number of clusters, and the knee of the curve is where more of them stop to pay.
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
# Nobody knows the number of groups yet: ``n_clusters`` is a guess on the large side.

stream = KMeans(n_clusters=10, random_state=0)
for begin in range(0, len(X), 500):
    stream.partial_fit(X[order[begin : begin + 500]])
print(f"{stream.n_samples_seen_:,} rows were seen; none of them is read again")

# %%
# The curve
# ---------
# The knee is where the curve bends most on a logarithmic scale: the last number of clusters that
# divides the inertia by much more than the next one does.

counts, inertias = stream.inertia_curve(range(1, 21))
bends = np.diff(np.log(inertias), 2)
knee = int(counts[1:-1][np.argmax(bends)])
print(f"the knee is at {knee} clusters")

# %%
# A point of the curve is an upper bound of what a fit to all rows reaches, and the gap grows with
# the number of clusters. The knee does not move: here are fits to all rows beside the curve.

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
# Its clusters
# ------------
# ``recluster`` makes them of the same state, and what it returns learns on from there.

kmeans = stream.recluster(knee)
labels = kmeans.predict(X)
agreement = adjusted_rand_score(group, labels)
print(f"{knee} clusters, whose adjusted Rand index with the groups is {agreement:.3f}")
plt.show()
