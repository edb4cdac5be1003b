"""
Counts of new products, with planned promotions
===============================================

Daily sales are small counts with many zeros; each product has a category, and promotions are
planned ahead. :class:`algos.DeepARForecaster` learns all products together, so it can forecast a
product of a known category from its first day. The data are generated from a known distribution,
with which the forecasts can be compared.
"""

import matplotlib.pyplot as plt
import numpy as np

from algos import DeepARForecaster
from algos.plotting import ForecastDisplay

HORIZON, N_DAYS = 28, 280
CATEGORIES = np.array(["bread", "drinks", "flowers"])
MEAN = {"bread": 4.0, "drinks": 9.0, "flowers": 2.0}
WEEKEND = {"bread": 0.5, "drinks": 1.3, "flowers": 2.5}
PROMOTED = 3.0  # factor of sales

rng = np.random.default_rng(0)


def mean_sales(category, promoted):
    """Return a product's mean sales of each day, given promotions."""
    is_weekend = np.arange(len(promoted)) % 7 >= 5
    factor = np.where(is_weekend, WEEKEND[category], 1.0)
    return MEAN[category] * factor * np.where(promoted, PROMOTED, 1.0)


n_products = 90
category = CATEGORIES[np.arange(n_products) % 3]
promoted = np.zeros((n_products, N_DAYS + HORIZON), dtype=bool)
for row in promoted:
    for begin in rng.integers(N_DAYS + HORIZON - 4, size=12):
        row[begin : begin + 4] = True
means = np.array([mean_sales(*pair) for pair in zip(category, promoted, strict=True)])
means *= rng.lognormal(sigma=0.3, size=(n_products, 1))
sales = rng.negative_binomial(5, 5 / (5 + means)).astype(float)
X, future = sales[:, :N_DAYS], sales[:, N_DAYS:]
print(f"{n_products} products, {N_DAYS} days, {np.mean(X == 0):.0%} of them without a sale")

# %%
# Counts, categories and plans
# ----------------------------
# Categories may be strings. ``dynamic_real`` has a matrix for each
# product with a row for each covariate; it extends beyond X, since promotions are planned.

model = DeepARForecaster(
    HORIZON, freq="D", likelihood="negative_binomial", max_iter=15, random_state=0
)
model.fit(
    X,
    start="2024-01-01",  # a Monday
    static_categorical=category[:, np.newaxis],
    dynamic_real=promoted[:, np.newaxis].astype(float),
)
paths = model.sample(n_samples=200)

figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for ax, number in zip(axes, (0, 1, 2), strict=True):
    ForecastDisplay.from_samples(
        paths[number], history=X[number, -28:], truth=future[number], ax=ax
    )
    ax.set_title(category[number])
    if number:
        ax.get_legend().remove()
plt.show()

ratio = model.predict()[promoted[:, N_DAYS:]].sum() / means[:, N_DAYS:][promoted[:, N_DAYS:]].sum()
print(f"forecast of promoted days, relative to their true mean: {ratio:.2f}")

# %%
# Products without a past
# -----------------------
# A product that is launched tomorrow is an empty row: its forecast is how products of its
# category begin. Its promotion in the second week is known. The thin line is the true mean.

plan = np.zeros((3, 1, HORIZON))
plan[:, :, 7:11] = 1
launched = model.sample(
    np.empty((3, 0)),
    n_samples=400,
    start=np.datetime64("2024-01-01") + np.timedelta64(N_DAYS, "D"),
    static_categorical=CATEGORIES[:, np.newaxis],
    dynamic_real=plan,
)
figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained", sharey=True)
for ax, name, drawn in zip(axes, CATEGORIES, launched, strict=True):
    ForecastDisplay.from_samples(drawn, ax=ax)
    ax.plot(np.arange(1, HORIZON + 1), mean_sales(name, plan[0, 0] > 0), color="black", linewidth=1)
    ax.set_title(f"{name}, new")
    if name != CATEGORIES[0]:
        ax.get_legend().remove()
plt.show()
for name, drawn in zip(CATEGORIES, launched, strict=True):
    true_mean = mean_sales(name, plan[0, 0] > 0).mean()
    print(f"{name:8} a day's mean: {drawn.mean():5.1f}, true mean: {true_mean:5.1f}")

# %%
# The importance of promotions
# ----------------------------
# A covariate matters as much as the loss rises when its values are permuted among windows. The
# windows here are the last four weeks, which were not learned.

found = model.covariate_importance(
    sales,
    n_windows=1,
    start="2024-01-01",
    static_categorical=category[:, np.newaxis],
    dynamic_real=promoted[:, np.newaxis].astype(float),
)
print(f"quantile loss {found.loss:.3f}")
for name, mean in zip(found.names, found.importances_mean, strict=True):
    print(f"  {name:22} permuted: {mean:+.3f}")
