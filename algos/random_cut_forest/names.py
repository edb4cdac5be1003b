"""Parameter names and values of other libraries, and what to write instead."""

from __future__ import annotations

from numbers import Real
from typing import Any

# Of scikit-learn's IsolationForest, SageMaker, Kinesis, AWS's library and river.
FOREIGN_NAMES = {
    "max_features": "feature_weights=..., with 0 for columns that should not be cut",
    "bootstrap": "nothing: samples are drawn without replacement",
    "warm_start": "nothing: `partial_fit` learns further rows",
    "num_trees": "n_estimators",
    "n_trees": "n_estimators",
    "numberOfTrees": "n_estimators",
    "number_of_trees": "n_estimators",
    "num_samples_per_tree": "max_samples",
    "subSampleSize": "max_samples",
    "sampleSize": "max_samples",
    "sample_size": "max_samples",
    "shingleSize": "shingle_size",
    "timeDecay": "time_decay, which is 1 / timeDecay of Kinesis",
    "outputAfter": "warm_up",
    "output_after": "warm_up",
    "feature_dim": "nothing: it is found from X",
    "mini_batch_size": "nothing: `partial_fit` takes blocks of any size",
    "window_size": "max_samples, with a time_decay of about 1 / window_size",
    "seed": "random_state",
    "eval_metrics": "nothing: apply scikit-learn's metrics to what `predict` returns",
}


def instead_of_share(value: Any) -> str | None:
    """Return what to write for IsolationForest's values of `max_samples`."""
    if isinstance(value, str) and value == "auto":
        return "IsolationForest's 'auto' is RandomCutForest(max_samples=256), the default"
    if isinstance(value, float) and 0 < value <= 1:
        return (
            f"a stream has no fixed number of rows to take a share of; write max_samples="
            f"int({value!r} * len(X)) instead, or the default 256"
        )
    return None


def instead_of_rows(value: Any) -> str | None:
    """Return what to write for Kinesis' values of its timeDecay, a number of rows."""
    if isinstance(value, Real) and 1 < float(value) < float("inf"):
        return (
            f"it is 1 / timeDecay of Kinesis, the number of rows after which a weight falls to "
            f"1/e: write RandomCutForest(time_decay={1 / float(value):.3g})"
        )
    return None
