"""Vowpal Wabbit: one pass of its adaptive online gradient steps."""

from __future__ import annotations

import numpy as np


class Adapter:
    """Vowpal Wabbit; its examples are made of text, which is not timed."""

    title = "Vowpal Wabbit"

    def version(self) -> str:
        from importlib.metadata import version

        import vowpalwabbit  # noqa: F401

        return version("vowpalwabbit")

    def linear_stream(self, X, y, X_val, y_val, loss, n_jobs, **others):
        """One pass over the rows, and the loss of others."""
        from vowpalwabbit import Workspace

        if loss != "log_loss":
            return None
        signs = np.where(y > 0, 1, -1)
        texts = [
            f"{sign} | " + " ".join(f"{j}:{value:.7g}" for j, value in enumerate(row))
            for sign, row in zip(signs, X, strict=True)
        ]
        held = ["| " + " ".join(f"{j}:{v:.7g}" for j, v in enumerate(row)) for row in X_val]

        def run():
            model = Workspace("--loss_function logistic --quiet")
            for text in texts:
                model.learn(text)
            decisions = np.array([model.predict(text) for text in held])
            model.finish()
            return {"decisions": decisions, "note": "text is parsed in its time"}

        return run
