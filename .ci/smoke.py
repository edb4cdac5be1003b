"""The installed package, away from its source: a pipeline, a pickle, a thread count."""

import pickle

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline

import algos


def main():
    assert "site-packages" in algos.__file__, algos.__file__
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(
        algos.PCA(n_components=20, random_state=0),
        algos.KMeans(n_clusters=10, n_init=5, random_state=0),
    )
    labels = pipeline.fit_predict(X)
    quality = adjusted_rand_score(y, labels)
    assert quality > 0.5, quality
    assert np.array_equal(pickle.loads(pickle.dumps(pipeline)).predict(X), labels)
    again = pipeline.set_params(kmeans__n_jobs=1, pca__n_jobs=1).fit_predict(X)
    assert np.array_equal(again, labels)
    print(f"algos {algos.__version__} from {algos.__file__.split('site-packages')[-1]}: ", end="")
    print(f"adjusted Rand index {quality:.3f}")


if __name__ == "__main__":
    main()
