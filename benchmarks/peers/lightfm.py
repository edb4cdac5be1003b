"""lightfm: factors of users and items, for rankings."""

from __future__ import annotations

import os
import warnings

import numpy as np
from scipy import sparse

_EPOCHS = 30


class Adapter:
    """lightfm (as lightfm-next), by its loss BPR or, as `lightfm:warp`, WARP."""

    def __init__(self, loss: str = "bpr") -> None:
        self.loss = loss
        self.title = f"lightfm, {loss.upper()}"

    def version(self) -> str:
        from importlib.metadata import version

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it was compiled without threads
            import lightfm  # noqa: F401
        return version("lightfm-next")

    def fm_ranking(self, X, held, n_factors, n_seeds, n_jobs, **others):
        """Fits to who took what, and all scores."""
        from lightfm import LightFM

        taken = X.tocoo()
        user, item = (codes.astype(np.int32) for codes in taken.coords)
        taken = sparse.coo_matrix((taken.data, (user, item)), shape=X.shape)

        def scores(seed):
            model = LightFM(n_factors, loss=self.loss, random_state=seed)
            model.fit(taken, epochs=_EPOCHS, num_threads=n_jobs or len(os.sched_getaffinity(0)))
            bias, items = model.get_item_representations()
            found = model.get_user_representations()[1] @ items.T + bias
            return found.astype(np.float64)

        return lambda: {
            "scores": [scores(seed) for seed in range(n_seeds)],
            "note": f"{_EPOCHS} epochs",
        }
