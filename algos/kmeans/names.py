"""Parameter names of SageMaker, its SDK and scikit-learn, and what to write instead."""

from __future__ import annotations

_MAX_ITER, _TRIALS = "max_iter", "n_init, which is 10 after `partial_fit` if it is 'auto'"
_INIT = "init; the first centres of a stream are always drawn by squared distance"
_BATCH = "nothing: `fit` uses all rows at once, `partial_fit` those of a batch"

FOREIGN_NAMES = {
    "k": "n_clusters",
    "K": "n_clusters",
    "distance": "metric",
    "seed": "random_state",
    "init_size": "nothing: initial centres are drawn from all rows of `fit` or of the first batch",
    "compute_labels": "nothing: `fit` always sets `labels_`",
    "max_no_improvement": "tol, at which `fit` stops",
    "reassignment_ratio": "extra_center_factor, the spare centres of `partial_fit`",
    "feature_dim": "nothing: it is found from X",
    "init_method": "init, 'k-means++' or 'random'",
    "mini_batch_size": _BATCH,
    "batch_size": _BATCH,
    "epochs": "nothing: `fit` runs until it converges; each call of `partial_fit` is a batch",
    "half_life_time_size": "half_life, None for SageMaker's 0",
    "center_factor": "extra_center_factor",
    "local_lloyd_max_iter": _MAX_ITER,
    "max_iterations": _MAX_ITER,
    "local_lloyd_num_trials": _TRIALS,
    "num_trials": _TRIALS,
    "local_lloyd_tol": "tol",
    "local_lloyd_init_method": _INIT,
    "local_init_method": _INIT,
    "eval_metrics": "nothing: `inertia_` is ssd, and divided by the number of rows msd",
}
