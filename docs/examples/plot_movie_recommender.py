"""
Films for a user, and films like a film
=======================================

A hundred thousand ratings of films become a recommender: scikit-learn's encoders make columns of
users, films and the words of titles, :class:`algos.FactorizationMachineRegressor` learns how they
go together, and its factors say which films are alike, and which users.

The ratings are read from ``factorization_machine/ml100k.npz`` and ``ml100k.item.tsv``
(MovieLens-100K, which may not be passed on) in the folder that the environment variable
``ALGOS_DATA`` names; without that some of their kind are made up.
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
    """Return ratings of films whose kinds users like or do not."""
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
    return ratings.merge(films), films, "made up (no ml100k.npz in ALGOS_DATA)"


def movielens():
    """Return ratings with titles and genres, the films, and where they are from."""
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
# Columns, and a model of them
# ----------------------------
# A row of X has a one in the column of its user and a one in that of its film: of these columns a
# factorization machine is a matrix factorisation with biases. Any other column joins in. Here the
# words of titles and genres do, by which films that few have rated borrow from others. A user or a
# film that was never seen has no column, and adds nothing.
#
# No setting is tuned: for ratings the default is to draw models from their posterior, which weighs
# all penalties itself, and to predict by the mean of the draws.

columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore", dtype=np.float32), ["user", "film"]),
    (TfidfVectorizer(min_df=200, token_pattern=r"[A-Za-z]{3,}", dtype=np.float32), "words"),
)
test = np.random.default_rng(0).random(len(ratings)) < 0.1
train, held_out = ratings[~test], ratings[test]

recommender = make_pipeline(columns, FactorizationMachineRegressor(n_factors=8, random_state=0))
biases = make_pipeline(columns, LinearLearnerRegressor(standardize=False, random_state=0))
for name, pipeline in (("columns alone", biases), ("with factors", recommender)):
    began = time.perf_counter()
    pipeline.fit(train, train["rating"])
    seconds = time.perf_counter() - began
    error = root_mean_squared_error(held_out["rating"], pipeline.predict(held_out))
    took = "" if "ALGOS_DOCS_BUILD" in os.environ else f", fitted in {seconds:.1f} s"
    print(f"{name:14} error of ratings not learned: {error:.3f} stars{took}")

model = recommender[-1]

# %%
# How sure is it?
# ---------------
# The draws tell how far the model itself is unsure of a rating: least for users and films with many
# ratings. What a user's mood adds is not in it.

rows = columns.transform(held_out)
expected, spread = model.predict(rows, return_std=True)
times_rated = held_out["film"].map(train["film"].value_counts()).fillna(0)
for low, high in ((1, 20), (20, 100), (100, 1000)):
    some = (times_rated >= low) & (times_rated < high)
    print(f"films rated {low:3} to {high - 1:3} times: unsure by {spread[some].mean():.2f} stars")

# %%
# The best films for a user
# -------------------------
# All films that the user has not rated are rows with the user's number, and the highest predictions
# come first. Films that hardly anyone has rated are left out.

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
# ``transform`` adds up the factors of a row's columns. Rows of films are made with a user whom
# nobody knows, so that they have the factors of films and their words alone; rows of users
# likewise. What lies in the same direction is liked alike.

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
# ``interaction`` is the weight of a pair of columns: here of that user and each of the words that
# are met often.

names = list(columns.get_feature_names_out())
place = names.index(f"onehotencoder__user_{user}")
often_met = np.asarray((columns.transform(train) != 0).sum(axis=0)).ravel() > len(train) / 50
words = [i for i, name in enumerate(names) if "tfidf" in name and often_met[i]]
tastes = sorted((model.interaction(place, i), names[i].split("__")[1]) for i in words)
print("likes:", *(f"{word} {weight:+.2f}" for weight, word in reversed(tastes[-4:])))
print("dislikes:", *(f"{word} {weight:+.2f}" for weight, word in tastes[:4]))

# %%
# A map of films
# --------------
# The two directions in which factors of much rated films differ most. Where names would cover each
# other, that of the film with more ratings is shown.

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
