"""rcf3: another forest in Rust."""

from __future__ import annotations

from benchmarks.peers.row_forests import RowForests

_LEAST_DECAY = 1e-12  # 0 stands for its default


class Adapter(RowForests):
    """rcf3."""

    title = "rcf3"

    def version(self) -> str:
        import rcf3

        return rcf3.__version__

    def stream(self, n_columns, shingle_size, n_trees, sample_size, decay, seed, n_jobs):
        import rcf3

        if n_jobs is not None and n_jobs > 1:
            raise ValueError("rcf3 runs on one thread only")
        return rcf3.Forest(
            n_columns,
            shingle_size,
            n_trees,
            sample_size,
            0.0 if decay is None else max(decay, _LEAST_DECAY),
            internal_shingling=shingle_size > 1,
            initial_accept_fraction=1.0,  # the first rows are all taken, as the others do
            seed=seed,
        )

    def score_and_learn(self, stream, row):
        return stream.update_and_score(row)
