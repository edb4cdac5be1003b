"""What is said to those who come from other libraries."""

from __future__ import annotations

from numbers import Real
from typing import Any

# Parameters of scikit-learn's IsolationForest, SageMaker, Kinesis and AWS's library.
FOREIGN_NAMES = {
    "max_features": "feature_weights=..., with 0 for columns that are not to be cut",
    "bootstrap": "nothing: samples are drawn without replacement",
    "warm_start": "nothing: `partial_fit` learns further rows",
    "num_trees": "n_estimators",
    "numberOfTrees": "n_estimators",
    "number_of_trees": "n_estimators",
    "num_samples_per_tree": "max_samples",
    "subSampleSize": "max_samples",
    "sampleSize": "max_samples",
    "sample_size": "max_samples",
    "shingleSize": "shingle_size",
    "timeDecay": "time_decay, in Kinesis' terms 1 / timeDecay",
    "outputAfter": "warm_up",
    "output_after": "warm_up",
    "feature_dim": "nothing: X tells it",
    "mini_batch_size": "nothing: `partial_fit` takes blocks of any size",
    "eval_metrics": "nothing: scikit-learn's metrics judge `predict`",
}


def instead_of_share(value: Any) -> str | None:
    """Return what to write for IsolationForest's values of `max_samples`."""
    if isinstance(value, str) and value == "auto":
        return "IsolationForest's 'auto' is RandomCutForest(max_samples=256), the default"
    if isinstance(value, float) and 0 < value <= 1:
        return (
            f"a stream has no number of rows to take a share of; write max_samples="
            f"int({value!r} * len(X)) in its place, or the default 256"
        )
    return None


def instead_of_rows(value: Any) -> str | None:
    """Return what to write for Kinesis' values of its timeDecay, a number of rows."""
    if isinstance(value, Real) and 1 < float(value) < float("inf"):
        return (
            f"it is 1 / Kinesis' timeDecay, the rows until the past counts 1/e: write "
            f"RandomCutForest(time_decay={1 / float(value):.3g})"
        )
    return None
