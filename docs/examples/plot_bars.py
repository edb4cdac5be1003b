"""
Topics that are pictures
========================

Griffiths and Steyvers' demonstration: the words are the 25 pixels of a square, and each of ten
topics is a row or a column of it. A document has 150 tokens of a few topics, so it is a picture of
overlapping bars. :class:`algos.LatentDirichletAllocation` finds the bars from 2000 such pictures.

T. Griffiths, M. Steyvers. "Finding scientific topics". PNAS 101, 2004.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment

from algos import LatentDirichletAllocation

rng = np.random.default_rng(0)
side = 5
bars = np.vstack([np.repeat(np.eye(side), side, axis=1), np.tile(np.eye(side), (1, side))]) / side
mixtures = rng.dirichlet(np.full(len(bars), 0.1), size=2000)
X = np.array([rng.multinomial(150, mixture @ bars) for mixture in mixtures])


def draw(rows, title):
    """Draw documents or topics as pictures in one row."""
    figure, axes = plt.subplots(1, len(rows), figsize=(9, 1.35), layout="constrained")
    figure.suptitle(title, fontsize=10)
    for row, ax in zip(rows, axes, strict=True):
        ax.imshow(np.reshape(row, (side, side)), cmap="gray_r", vmin=0)
        ax.set(xticks=[], yticks=[])


draw(X[:10], "ten documents")

# %%
# The method of moments
# ---------------------
# ``learning_method="spectral"`` uses the frequencies of pairs and triples of words, whose
# decomposition is unique: there are no bad starts. It also finds the frequency of each topic.


def matched(model):
    """Return the topics in the order of the bars, and each one's total variation to its bar."""
    topics = model.components_ / model.components_.sum(axis=1, keepdims=True)
    distances = np.abs(bars[:, None] - topics).sum(axis=2) / 2
    places = linear_sum_assignment(distances)[1]
    return topics[places], distances[np.arange(len(bars)), places]


spectral = LatentDirichletAllocation(10, learning_method="spectral", random_state=0).fit(X)
topics, distances = matched(spectral)
draw(topics, "topics by the method of moments")
print(f"spectral: the worst topic is {distances.max():.3f} from its bar, where 1 is the maximum")

# %%
# Other starts
# ------------
# A random start may end with two bars in one topic and another bar twice; which ones depends on the
# seed. ``init="spectral"`` starts from the method of moments instead.

for method in ("batch", "cvb0"):
    for init in ("random", "spectral"):
        worst = []
        for seed in range(5):
            model = LatentDirichletAllocation(
                10, learning_method=method, init=init, max_iter=20, random_state=seed
            )
            worst.append(matched(model.fit(X))[1].max())
        print(f"{method:6} {init:9} worst topics: " + "  ".join(f"{w:.2f}" for w in worst))

# %%
# The mixtures of documents, compared with the true ones.

found = spectral.transform(X)
order = linear_sum_assignment(-(mixtures.T @ found))[1]
print(f"mean error of a share: {np.abs(found[:, order] - mixtures).mean():.3f}")
plt.show()
