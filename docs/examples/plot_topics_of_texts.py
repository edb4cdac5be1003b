"""
The topics of thousands of texts
================================

From raw text to topics: scikit-learn's ``CountVectorizer`` counts the words of each text,
:class:`algos.LatentDirichletAllocation` finds the topics in which they occur together, and then
each topic has its words and its texts, and each text its mixture of topics.

The texts are docstrings of the installed Python, NumPy, SciPy and scikit-learn, read from their
files without importing them; so this runs anywhere. The model does not know which package a text
comes from.
"""

import ast
import inspect
import sysconfig
import warnings
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import Pipeline

from algos import LatentDirichletAllocation
from algos.plotting import TopicWordDisplay

PACKAGES = {
    "numpy": Path(find_spec("numpy").origin).parent,
    "scipy": Path(find_spec("scipy").origin).parent,
    "sklearn": Path(find_spec("sklearn").origin).parent,
    "Python": Path(sysconfig.get_path("stdlib")),
}
KINDS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(file):
    """Yield the name and the docstring of each definition in a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in old files
        tree = ast.parse(file.read_text(encoding="utf-8", errors="replace"))
    nodes = [tree]
    for node in nodes:
        nodes += [inner for inner in node.body if isinstance(inner, KINDS)]
        if text := ast.get_docstring(node):
            yield getattr(node, "name", file.stem), inspect.cleandoc(text)


names, texts = [], []
for package, folder in PACKAGES.items():
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).parts
        if {"tests", "test", "site-packages", "externals", "idlelib"} & set(parts):
            continue
        module = ".".join([package, *parts[:-1], file.stem])
        for name, text in docstrings(file):
            if len(text.split()) >= 40 and text not in texts[-20:]:
                names.append(f"{module}.{name}")
                texts.append(text)
print(f"{len(texts):,} texts")

# %%
# From words to counts to topics
# ------------------------------
# Both steps are one pipeline. Words in fewer than ten texts or in more than a fifth of them are not
# informative. With a seed, everything after the counts is reproducible for any number of threads.

N_TOPICS = 24
pipeline = Pipeline(
    [
        (
            "counts",
            CountVectorizer(
                stop_words="english", min_df=10, max_df=0.2, token_pattern=r"[a-z][a-z]{2,}"
            ),
        ),
        ("topics", LatentDirichletAllocation(N_TOPICS, random_state=0)),
    ]
)
mixtures = pipeline.fit_transform(texts)
counts, model = pipeline[:-1].transform(texts), pipeline[-1]
words = pipeline[0].get_feature_names_out()
print(f"{counts.shape[1]:,} words, {counts.sum():,} tokens; method: {model.learning_method_}")

# %%
# The words and the texts of each topic
# -------------------------------------
# ``top_words`` returns the heaviest words of a topic. Rows of ``mixtures`` are shares that sum to
# 1, so the texts with the largest share of a topic are mostly about it.

shares = mixtures.mean(axis=0)
tops = model.top_words(words, n_words=8)
for topic in np.argsort(-shares):
    print(f"{100 * shares[topic]:4.1f} %  {' '.join(tops[topic])}")
    for text in np.argsort(-mixtures[:, topic], kind="stable")[:2]:
        print(f"           {mixtures[text, topic]:.2f}  {names[text]}")

# %%
# The six topics with the highest coherence: their words occur together most often.

best = np.argsort(-model.coherence(counts))[:6]
display = TopicWordDisplay.from_estimator(model, feature_names=words, n_words=8, topics=best)

# %%
# The topics of a new text
# ------------------------

new = [
    "How well scores rank: precision and recall of a classifier at each threshold.",
    "The eigenvalues of a symmetric matrix by an iterative method for sparse linear operators.",
    "Read rows of a table from a file and parse the dates and times in its first column.",
]
for text, mixture in zip(new, pipeline.transform(new), strict=True):
    print(text)
    for topic in np.argsort(-mixture)[:2]:
        print(f"    {mixture[topic]:.2f}  {' '.join(tops[topic])}")

# %%
# How many topics?
# ----------------
# The perplexity of held-out words in texts that were not learned: the lower, the better they are
# predicted. Half the words of each text determine its mixture, which predicts the other half. The
# perplexity goes on falling beyond useful numbers of topics; coherence shows when topics get mixed.

order = np.random.default_rng(0).permutation(len(texts))
learned, others = order[: -len(order) // 5], order[-len(order) // 5 :]
print("topics  perplexity  coherence")
for n_topics in (6, 24, 48):
    trial = LatentDirichletAllocation(n_topics, random_state=0).fit(counts[learned])
    perplexity = trial.perplexity(counts[others], held_out=0.5)
    coherence = trial.coherence(counts[learned]).mean()
    print(f"{n_topics:6}{perplexity:12.0f}{coherence:11.2f}")
plt.show()
