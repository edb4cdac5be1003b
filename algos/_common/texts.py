"""Texts where numbers belong."""

from __future__ import annotations

from typing import Any

import numpy as np


def column_of_texts(X: Any) -> tuple[Any, str | bytes | None]:
    """Return the name, or else the number, of the first column that begins with a text, and it."""
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    if kind not in "OUST" or getattr(X, "ndim", 2) != 2 or not len(getattr(X, "shape", ())):
        return None, None
    return _first_text(X[:1])


def _names_of(X: Any, n_columns: int) -> Any:
    """Return the names of a frame's columns, or of a pyarrow table's; else their numbers."""
    if type(X).__module__.partition(".")[0] == "pyarrow":
        return X.column_names
    return getattr(X, "columns", range(n_columns))


def _first_text(X: Any) -> tuple[Any, str | bytes | None]:
    """Return the same of any row, and of lists: it looks at all values."""
    table = np.asarray(X, dtype=object)
    if table.ndim != 2:
        return None, None
    for place, values in enumerate(table.T):
        for value in values:
            if isinstance(value, (str, bytes)) and not _is_number(value):
                return _names_of(X, table.shape[1])[place], value
    return None, None


def refuse_texts(X: Any, error: ValueError) -> None:
    """Raise in the place of scikit-learn's error one that names the column of texts, if any."""
    column, text = _first_text(X) if "could not convert" in str(error) else (None, None)
    if text is not None:
        raise ValueError(
            f"could not convert {text[:30]!r} to a number: column {column!r} of `X` holds texts; "
            f"sklearn.preprocessing.OneHotEncoder makes numbers of them, in a "
            f"sklearn.compose.ColumnTransformer"
        ) from None


def _is_number(value: str | bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
