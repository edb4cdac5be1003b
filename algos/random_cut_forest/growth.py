"""Growing trees over samples."""

from __future__ import annotations

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.memory import require_memory
from algos._cython.cut_grow import grow as grow_trees
from algos.random_cut_forest.forest import Forest


def grow(
    forest: Forest,
    rows: Float32Array,
    chosen: Int64Array,
    keys: Float64Array,
    n_threads: int = 1,
    stride: int | None = None,
) -> None:
    """Grow every tree over its sample, by recursive partition.

    Parameters
    ----------
    forest : Forest
        Its trees are replaced; `clock` holds the number of rows seen (`reservoir.draw`).
    rows : ndarray, dtype float32, C-contiguous
        In scaled units, of absolute values below 1e18.
    chosen : ndarray of shape (n_trees, m), dtype int64
        The rows of each tree, m <= `size`; negative numbers mean no row.
    keys : ndarray of shape (n_trees, m)
        Their keys in the reservoir.
    n_threads : int, default=1
    stride : int, default=None
        Row i starts at rows.ravel()[i * stride]; None is the number of columns.
    """
    stride = forest.n_columns if stride is None else stride
    if chosen.shape[1] == 0:
        return
    grow_trees(
        rows.reshape(-1),
        stride,
        chosen,
        keys,
        forest.key,
        float(forest.decay[0]),
        *forest.trees,
        *forest.reservoirs,
        n_threads,
    )


def forest_bytes(n_trees: int, size: int, n_columns: int) -> int:
    """Return the bytes of a forest, which do not depend on the number of learned rows."""
    per_node, per_row = 16 + 4 + 4, 8 + 4
    per_tree = (2 * size - 1) * per_node + size * per_row + (size - 1) * 4 + 56
    return n_trees * (per_tree + 4 * n_columns * (3 * size - 2))


def require_room(n_trees: int, size: int, n_columns: int) -> None:
    """Raise MemoryError if a forest does not fit into memory."""
    require_memory(
        forest_bytes(n_trees, size, n_columns),
        f"a forest of {n_trees} trees of {size} rows and {n_columns} columns",
        "use fewer trees (`n_estimators`), smaller ones (`max_samples`) or fewer columns",
    )
