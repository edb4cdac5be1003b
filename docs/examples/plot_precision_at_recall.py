"""
The most precise model that misses few
======================================

One handwritten digit in ten is an eight. Who must find nine eights of ten wants the fewest other
digits among what is found: :class:`algos.LinearLearnerClassifier` trains 32 models of different
penalties at once and takes the one, and the threshold, of highest precision at that recall.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import precision_recall_curve, precision_score, recall_score
from sklearn.model_selection import train_test_split

from algos import LinearLearnerClassifier

X, digit = load_digits(return_X_y=True)
is_eight = digit == 8
X_train, X_rest, y_train, y_rest = train_test_split(
    X, is_eight, test_size=0.6, stratify=is_eight, random_state=0
)
X_val, X_test, y_val, y_test = train_test_split(
    X_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0
)
print(f"{y_train.sum()} eights among {len(y_train)} digits to learn from")

# %%
# Two fits
# --------
# With defaults, the model is the one of least log loss, and whatever is more probable than not is
# called an eight. With ``selection_criterion="precision_at_target_recall"`` the validation rows
# choose both the model and the threshold.
#
# The target is met by the rows that chose the threshold. Others come out above or below it by
# chance: the recall of the last line has a standard error of 0.04, for there are 52 eights to find.
# Who must not miss the target asks for more than it, or chooses by more rows.

TARGET = 0.9

by_loss = LinearLearnerClassifier().fit(X_train, y_train, X_val=X_val, y_val=y_val)
model = LinearLearnerClassifier(
    selection_criterion="precision_at_target_recall", target_recall=TARGET
)
model.fit(X_train, y_train, X_val=X_val, y_val=y_val)

print(f"{'':24}{'threshold':>10}{'precision':>11}{'recall':>8}   (of digits not seen so far)")
for name, fitted in (("least loss", by_loss), ("precision at recall", model)):
    found = fitted.predict(X_test)
    print(
        f"{name:24}{fitted.threshold_:10.3f}{precision_score(y_test, found):11.3f}"
        f"{recall_score(y_test, found):8.3f}"
    )

# %%
# All candidates are kept
# -----------------------
# ``candidates_`` tells of each what the validation rows said; ``best_index_`` is the one taken.

table = model.candidates_
print(f"{'alpha':>10}{'precision':>11}{'recall':>8}{'loss':>8}")
for i in np.unique([0, 8, 16, 24, 31, model.best_index_]):
    mark = "  <- taken" if i == model.best_index_ else ""
    print(
        f"{table['alpha'][i]:10.2g}{table['precision'][i]:11.3f}{table['recall'][i]:8.3f}"
        f"{table['validation_loss'][i]:8.3f}{mark}"
    )

# %%
# What other thresholds would have given
# --------------------------------------
# ``predict_proba`` is the model's probability whatever the threshold, so both curves can be drawn
# from it. The sign of ``decision_function`` is always what ``predict`` says.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, rows, truth, title in (
    (axes[0], X_val, y_val, "rows that chose the threshold"),
    (axes[1], X_test, y_test, "other rows"),
):
    probability = model.predict_proba(rows)[:, 1]
    precision, recall, threshold = precision_recall_curve(truth, probability)
    ax.plot(threshold, precision[:-1], label="precision")
    ax.plot(threshold, recall[:-1], label="recall")
    ax.axhline(TARGET, color="0.7", linestyle=":", label="target recall")
    ax.axvline(model.threshold_, color="k", linestyle="--", label="threshold_")
    ax.set(xlabel="probability asked for", title=title)
axes[0].legend(loc="lower center")
plt.show()
