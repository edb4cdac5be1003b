"""Arrays on their way to a worker: a file of dense arrays and of the parts of CSR ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

PARTS = ("data", "indices", "indptr", "shape")


def write_arrays(file: Path, arrays: dict[str, Any]) -> None:
    """Write arrays and numbers; a CSR array becomes its parts."""
    flat = {}
    for name, value in arrays.items():
        if sparse.issparse(value):
            flat |= {f"{name}.{part}": getattr(value, part) for part in PARTS}
        else:
            flat[name] = value
    np.savez(file, **flat)


def read_arrays(file: str | Path) -> dict[str, Any]:
    """Return what `write_arrays` was given."""
    with np.load(file) as data:
        flat = {name: data[name] for name in data}
    arrays = {name: value if value.ndim else value.item() for name, value in flat.items()}
    for name in [name.removesuffix(".indptr") for name in flat if name.endswith(".indptr")]:
        values, indices, starts, shape = (arrays.pop(f"{name}.{part}") for part in PARTS)
        arrays[name] = sparse.csr_array((values, indices, starts), shape=tuple(shape))
    return arrays
