"""Texts where numbers belong."""

from __future__ import annotations

from typing import Any

import numpy as np


def column_of_texts(X: Any) -> tuple[Any, str | bytes | None]:
    """Return the name, or else the number, of the first column that begins with a text, and it."""
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    if kind not in "OUST" or getattr(X, "ndim", 2) != 2 or not len(getattr(X, "shape", ())):
        return None, None
    row = np.asarray(X[:1], dtype=object)
    values = row[0] if row.ndim == 2 and len(row) else ()
    for place, value in enumerate(values):
        if isinstance(value, (str, bytes)) and not _is_number(value):
            names = getattr(X, "column_names", getattr(X, "columns", range(len(values))))
            return names[place], value
    return None, None


def refuse_texts(X: Any, error: ValueError) -> None:
    """Raise in the place of scikit-learn's error one that names the column of texts, if any."""
    column, text = column_of_texts(X) if "could not convert" in str(error) else (None, None)
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
