"""Our random cut forest with another score, and where the variant says so, without scaling."""

from __future__ import annotations

from benchmarks.peers.our_forests import OurForests


class Adapter(OurForests):
    """A variant: a `score_method`, and behind it "-raw" for `scale=None`."""

    def __init__(self, variant: str) -> None:
        method, _, raw = variant.partition("-")
        self.parameters = {"score_method": method} | ({"scale": None} if raw else {})
        self.title = f"algos, {method}" + (", scale=None" if raw else "")

    def version(self) -> str:
        import algos

        return algos.__version__
