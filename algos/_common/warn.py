"""Warnings that point to the user's line."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import sklearn
from numpy.typing import NDArray

import algos
from algos._common.arrays import IndexArray

_INSIDE = tuple(
    str(Path(file).parent) + os.sep for file in (algos.__file__, sklearn.__file__) if file
)
_NAMED = 3  # most columns named in a warning


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost caller's line outside of algos and scikit-learn.

    The number of frames between depends on the version of scikit-learn. On Python 3.12
    `skip_file_prefixes` of `warnings.warn` does the same; this works on 3.11 too.
    """
    frame = sys._getframe()
    level = 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


def listed_columns(found: IndexArray, names: NDArray[Any] | None) -> str:
    """Return "column 2", or "columns 2, 5, 6 and 4 more", by indices or `names`."""
    said = ", ".join(str(j) if names is None else repr(names[j]) for j in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{'column' if len(found) == 1 else 'columns'} {said}{more}"
