"""Parameter names of SageMaker and Spark, and what to write instead."""

from __future__ import annotations

FOREIGN_NAMES = {
    "num_components": "n_components",
    "k": "n_components",
    "K": "n_components",
    "ncomp": "n_components",
    "center": "nothing: the mean is always subtracted",
    "svd": "svd_solver",
    "seed": "random_state",
    "batch_size": "nothing: `partial_fit` takes batches of any size",
    "feature_dim": "nothing: it is found from X",
    "mini_batch_size": "nothing: `fit` reads the rows in blocks of its own",
    "algorithm_mode": "svd_solver, 'covariance_eigh' for 'regular' and 'sketch' for 'randomized'",
    "extra_components": "n_oversamples; in a sketch its default is that of -1",
    "subtract_mean": "nothing: the mean is always subtracted",
}
