"""
Films for a user, and films like a film
=======================================

This example builds a recommender from a hundred thousand film ratings: scikit-learn's encoders turn
users, films and the words of titles into columns, :class:`algos.FactorizationMachineRegressor`
learns their interactions, and its factors show which films, and which users, are similar.

The ratings are read from ``factorization_machine/ml100k.npz`` and ``ml100k.item.tsv``
(MovieLens-100K, which may not be redistributed) in the folder given by the environment variable
``ALGOS_DATA``; without it, similar data are simulated.
"""

import os
import textwrap
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import root_mean_squared_error
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from algos import PCA, FactorizationMachineRegressor, LinearLearnerRegressor


def made_up():
    """Return simulated ratings, which depend on the kind of film and the user's taste."""
    rng = np.random.default_rng(0)
    kinds = np.array(["comedy", "crime", "space", "love", "war", "western"])
    kind = rng.integers(len(kinds), size=400)
    films = pd.DataFrame(
        {
            "film": np.arange(400),
            "title": [f"A {kinds[k]} film, number {i}" for i, k in enumerate(kind)],
            "words": [f"{kinds[k]} {kinds[(k + i % 2) % 6]}" for i, k in enumerate(kind)],
        }
    )
    likes, quality = rng.normal(size=(500, len(kinds))), rng.normal(scale=0.5, size=400)
    user, film = rng.integers(500, size=30_000), (400 * rng.random(30_000) ** 5).astype(int)
    rating = (
        3.5 + quality[film] + 0.8 * likes[user, kind[film]] + rng.normal(scale=0.7, size=30_000)
    )
    ratings = pd.DataFrame({"user": user, "film": film, "rating": np.clip(np.rint(rating), 1, 5)})
    ratings = ratings.drop_duplicates(["user", "film"])
    return ratings.merge(films), films, "simulated (no ml100k.npz in ALGOS_DATA)"


def movielens():
    """Return ratings with titles and genres, the films, and the name of the source."""
    folder = Path(os.environ.get("ALGOS_DATA", ".")) / "factorization_machine"
    if not (folder / "ml100k.npz").exists():
        return made_up()
    with np.load(folder / "ml100k.npz") as data:
        ratings = pd.DataFrame(
            {"user": data["user"], "film": data["item"], "rating": data["rating"]}
        )
    names = ["film", "title", "year", "genres"]
    films = pd.read_csv(folder / "ml100k.item.tsv", sep="\t", names=names, header=0)
    films["words"] = films["title"] + " " + films["genres"]
    return ratings.merge(films[["film", "title", "words"]]), films, "MovieLens-100K"


ratings, films, source = movielens()
print(f"{len(ratings):,} ratings: {source}")

# %%
# Columns and model
# -----------------
# A row of X has a one in the column of its user and a one in that of its film: with these columns
# alone, a factorization machine is a matrix factorisation with biases. Any further column can be
# added. Here these are the words of titles and genres, through which films with few ratings borrow
# strength from others. A user or a film that was never seen has no column, and adds nothing.
#
# No parameter is tuned: for ratings, the default is to draw models from their posterior, which
# learns all penalties itself, and to predict by the mean of the draws.

columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore", dtype=np.float32), ["user", "film"]),
    (TfidfVectorizer(min_df=200, token_pattern=r"[A-Za-z]{3,}", dtype=np.float32), "words"),
)
test = np.random.default_rng(0).random(len(ratings)) < 0.1
train, held_out = ratings[~test], ratings[test]

recommender = make_pipeline(columns, FactorizationMachineRegressor(n_factors=8, random_state=0))
biases = make_pipeline(columns, LinearLearnerRegressor(standardize=False, random_state=0))
for name, pipeline in (("linear model", biases), ("with factors", recommender)):
    began = time.perf_counter()
    pipeline.fit(train, train["rating"])
    seconds = time.perf_counter() - began
    error = root_mean_squared_error(held_out["rating"], pipeline.predict(held_out))
    took = "" if "ALGOS_DOCS_BUILD" in os.environ else f", fitted in {seconds:.1f} s"
    print(f"{name:14} error on held-out ratings: {error:.3f} stars{took}")

model = recommender[-1]

# %%
# How certain are the predictions?
# --------------------------------
# The spread of the draws is the model's own uncertainty about a rating: smallest for users and
# films with many ratings. It does not include the noise, such as a user's mood.

rows = columns.transform(held_out)
expected, spread = model.predict(rows, return_std=True)
times_rated = held_out["film"].map(train["film"].value_counts()).fillna(0)
for low, high in ((1, 20), (20, 100), (100, 1000)):
    some = (times_rated >= low) & (times_rated < high)
    print(f"films rated {low:3} to {high - 1:3} times: spread of {spread[some].mean():.2f} stars")

# %%
# The best films for a user
# -------------------------
# Each film that the user has not rated becomes a row with that user, and the films with the highest
# predictions are recommended. Films that hardly anyone has rated are left out.

user = train["user"].value_counts().index[20]
often = films["film"].map(train["film"].value_counts()).fillna(0) >= 30
known = train.loc[train["user"] == user, "film"]
candidates = films[often & ~films["film"].isin(known)].assign(user=user)
candidates["expected"] = recommender.predict(candidates)
liked = train[train["user"] == user].nlargest(5, "rating")
print(f"user {user} liked: " + "; ".join(liked["title"]))
print("and should see:")
for _, film in candidates.nlargest(5, "expected").iterrows():
    print(f"  {film['expected']:.1f}  {film['title']}")

# %%
# Films like a film, users like a user
# ------------------------------------
# ``transform`` adds up the factors of a row's columns. Rows for films get an unknown user, so that
# only the factors of the film and its words enter; rows for users likewise. Films whose factors
# point in the same direction are liked by the same users.

films_often = films[often].assign(user=-1)
factors = model.transform(columns.transform(films_often))
nearest = NearestNeighbors(n_neighbors=4, metric="cosine").fit(factors)
for title in films_often["title"].iloc[[0, 40, 120]]:
    of = np.flatnonzero(films_often["title"] == title)[:1]
    like = nearest.kneighbors(factors[of], return_distance=False)[0, 1:]
    print(f"{title}: " + "; ".join(films_often["title"].iloc[like]))

people = pd.DataFrame({"user": np.unique(train["user"]), "film": -1, "words": ""})
of_people = model.transform(columns.transform(people))
alike = NearestNeighbors(n_neighbors=4, metric="cosine").fit(of_people)
place = np.flatnonzero(people["user"] == user)
near = alike.kneighbors(of_people[place], return_distance=False)[0, 1:]
print(f"users like {user}:", *people["user"].iloc[near])

# %%
# What a user likes
# -----------------
# ``interaction`` is the weight of a pair of columns: here that of the user with each frequent word.

names = list(columns.get_feature_names_out())
place = names.index(f"onehotencoder__user_{user}")
is_frequent = np.asarray((columns.transform(train) != 0).sum(axis=0)).ravel() > len(train) / 50
words = [i for i, name in enumerate(names) if "tfidf" in name and is_frequent[i]]
tastes = sorted((model.interaction(place, i), names[i].split("__")[1]) for i in words)
print("likes:", *(f"{word} {weight:+.2f}" for weight, word in reversed(tastes[-4:])))
print("dislikes:", *(f"{word} {weight:+.2f}" for weight, word in tastes[:4]))

# %%
# A map of films
# --------------
# The plot shows the two directions in which the films' factors vary most. Where labels would
# overlap, the film with more ratings keeps its label.

popular = films_often["film"].map(train["film"].value_counts()).nlargest(30).index
at = films_often.index.get_indexer(popular)
flat = PCA(n_components=2).fit_transform(factors)[at]
figure, ax = plt.subplots(figsize=(9, 6.5), layout="constrained")
ax.scatter(*flat.T, s=12)
ax.set(xlabel="first direction", ylabel="second direction")
ax.margins(x=0.2)
boxes = []
for place, title in zip(flat, films_often["title"].iloc[at], strict=True):
    short = textwrap.shorten(title, 28, placeholder=" …")
    text = ax.annotate(short, place, xytext=(4, 2), textcoords="offset points", fontsize=8)
    figure.draw_without_rendering()
    box = text.get_window_extent()
    if any(box.overlaps(other) for other in boxes):
        text.remove()
    else:
        boxes.append(box)
plt.show()
