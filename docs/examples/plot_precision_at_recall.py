"""
The most precise model that misses few
======================================

One handwritten digit in ten is an eight. Suppose that nine eights of ten must be found, with as few
other digits as possible: :class:`algos.LinearLearnerClassifier` trains 32 models with different
penalties at once and chooses the model and the threshold with the highest precision at that recall.
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
print(f"{y_train.sum()} eights among {len(y_train)} training digits")

# %%
# Two fits
# --------
# By default the model with the least log loss is chosen, and every digit with a probability above
# one half is predicted to be an eight. With
# ``selection_criterion="precision_at_target_recall"`` the validation rows choose both the model and
# the threshold.
#
# The target recall is reached on the validation rows. On other rows the recall may be higher or
# lower: that in the last line has a standard error of 0.04, since there are only 52 eights to find.
# If the target must not be missed, ask for a higher recall, or use more validation rows.

TARGET = 0.9

by_loss = LinearLearnerClassifier().fit(X_train, y_train, X_val=X_val, y_val=y_val)
model = LinearLearnerClassifier(
    selection_criterion="precision_at_target_recall", target_recall=TARGET
)
model.fit(X_train, y_train, X_val=X_val, y_val=y_val)

print(f"{'':24}{'threshold':>10}{'precision':>11}{'recall':>8}   (on test digits)")
for name, fitted in (("least loss", by_loss), ("precision at recall", model)):
    found = fitted.predict(X_test)
    print(
        f"{name:24}{fitted.threshold_:10.3f}{precision_score(y_test, found):11.3f}"
        f"{recall_score(y_test, found):8.3f}"
    )

# %%
# All candidates are kept
# -----------------------
# ``candidates_`` has the validation results of all models; ``best_index_`` is the chosen one.

table = model.candidates_
print(f"{'alpha':>10}{'precision':>11}{'recall':>8}{'loss':>8}")
for i in np.unique([0, 8, 16, 24, 31, model.best_index_]):
    mark = "  <- chosen" if i == model.best_index_ else ""
    print(
        f"{table['alpha'][i]:10.2g}{table['precision'][i]:11.3f}{table['recall'][i]:8.3f}"
        f"{table['validation_loss'][i]:8.3f}{mark}"
    )

# %%
# Precision and recall at other thresholds
# ----------------------------------------
# ``predict_proba`` does not depend on the threshold, so both curves can be drawn from it. The sign
# of ``decision_function`` always agrees with ``predict``.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, rows, target, title in (
    (axes[0], X_val, y_val, "validation rows"),
    (axes[1], X_test, y_test, "test rows"),
):
    probability = model.predict_proba(rows)[:, 1]
    precision, recall, threshold = precision_recall_curve(target, probability)
    ax.plot(threshold, precision[:-1], label="precision")
    ax.plot(threshold, recall[:-1], label="recall")
    ax.axhline(TARGET, color="0.7", linestyle=":", label="target recall")
    ax.axvline(model.threshold_, color="k", linestyle="--", label="threshold_")
    ax.set(xlabel="threshold on the probability", title=title)
axes[0].legend(loc="lower center")
plt.show()
