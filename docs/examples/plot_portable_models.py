"""
Models that leave Python
========================

A pipeline of :class:`algos.PCA` and :class:`algos.LinearLearnerClassifier` is saved in three
formats: as a pickle, as a skops file, whose types can be checked before it is loaded, and as an
ONNX graph, which needs neither algos nor Python. All give the same predictions.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import skops.io
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from algos import PCA, LinearLearnerClassifier
from algos.onnx import to_onnx

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = make_pipeline(PCA(30), LinearLearnerClassifier(alpha=1e-3)).fit(X_train, y_train)
print(f"accuracy on digits not learned: {model.score(X_test, y_test):.3f}")

# %%
# Three files
# -----------

folder = tempfile.TemporaryDirectory()
here = Path(folder.name)
joblib.dump(model, here / "model.joblib")
skops.io.dump(model, here / "model.skops")
(here / "model.onnx").write_bytes(to_onnx(model, dtype="float64").SerializeToString())

unknown = skops.io.get_untrusted_types(file=here / "model.skops")
print("skops asks whether to trust:", *unknown, sep="\n  ")
loaded = {
    "joblib": joblib.load(here / "model.joblib"),
    "skops": skops.io.load(here / "model.skops", trusted=unknown),
}

# %%
# The graph in a process without algos
# ------------------------------------
# onnxruntime reads it. It also exists for C, C#, Java, JavaScript and mobile devices.

np.save(here / "rows.npy", X_test)
CODE = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
labels, chances = session.run(["predict", "predict_proba"], {"X": numpy.load("rows.npy")})
numpy.savez("answers.npz", labels=labels, chances=chances)
print("loaded there:", [name for name in ("algos", "sklearn", "scipy") if name in sys.modules])
"""
told = subprocess.run(
    [sys.executable, "-c", CODE], cwd=here, check=True, capture_output=True, text=True
)
print(told.stdout, end="")

# %%
# The predictions
# ---------------

answers = {name: (one.predict(X_test), one.predict_proba(X_test)) for name, one in loaded.items()}
with np.load(here / "answers.npz") as file:
    answers["onnx"] = file["labels"], file["chances"]
sizes = {}
for name, (labels, chances) in answers.items():
    assert np.array_equal(labels, model.predict(X_test))
    far = np.abs(chances - model.predict_proba(X_test)).max()
    sizes[name] = (here / f"model.{name}").stat().st_size / 1024
    print(f"{name:8}{sizes[name]:7.1f} kB; labels are the same, chances differ by {far:.0e}")

figure, ax = plt.subplots(figsize=(6, 2), layout="constrained")
ax.barh(list(sizes), list(sizes.values()), color="#1b2a41")
ax.set(xlabel="kB")
ax.invert_yaxis()
folder.cleanup()
plt.show()
