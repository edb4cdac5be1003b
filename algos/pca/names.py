"""What SageMaker and Spark call our parameters, and what to write instead."""

from __future__ import annotations

FOREIGN_NAMES = {
    "num_components": "n_components",
    "k": "n_components",
    "feature_dim": "nothing: X tells it",
    "mini_batch_size": "nothing: `fit` goes over the rows in blocks of its own",
    "algorithm_mode": "svd_solver, 'covariance_eigh' for 'regular' and 'sketch' for 'randomized'",
    "extra_components": "n_oversamples, whose default is that of -1 in a sketch",
    "subtract_mean": "nothing: the mean is always subtracted",
}
