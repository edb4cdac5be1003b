"""krcf: AWS's own library (its Rust code) for Python."""

from __future__ import annotations

from benchmarks.peers.row_forests import RowForests


class Adapter(RowForests):
    """krcf."""

    title = "krcf"

    def version(self) -> str:
        import krcf

        return krcf.__version__

    def stream(self, n_columns, shingle_size, n_trees, sample_size, decay, seed, n_jobs):
        import krcf

        options = {
            "dimensions": n_columns,
            "shingle_size": shingle_size,
            "num_trees": n_trees,
            "sample_size": sample_size,
            "random_seed": seed + 1,
            "parallel_execution_enabled": (n_jobs or 1) > 1,
            "internal_shingling": shingle_size > 1,
        }
        if decay is not None:
            options["lambda"] = decay
        return krcf.RandomCutForest(options)
