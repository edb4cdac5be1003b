"""What to paste into a bug report."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys

_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "joblib",
    "threadpoolctl",
    "narwhals",
    "pandas",
    "polars",
    "pyarrow",
    "matplotlib",
    "Cython",
)
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def show_versions() -> None:
    """Print the versions of Python, algos and its dependencies, and the threads in use.

    Examples
    --------
    >>> import algos
    >>> algos.show_versions()
    System:
    ...
    """
    sections = {
        "System": _system(),
        "Packages": _packages(),
        "Threads": _threads(),
        "BLAS": _blas(),
    }
    print("\n\n".join(_section(title, rows) for title, rows in sections.items()))


def _section(title: str, rows: dict[str, str]) -> str:
    width = max(map(len, rows), default=0)
    return "\n".join([f"{title}:", *(f"  {key:>{width}}: {rows[key]}" for key in rows)])


def _system() -> dict[str, str]:
    return {
        "python": sys.version.replace("\n", " "),
        "machine": platform.platform(),
    }


def _packages() -> dict[str, str]:
    return {name: _version(name) for name in ("algos", *_PACKAGES)}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _threads() -> dict[str, str]:
    import joblib

    rows = {"cores for this process": str(joblib.cpu_count())}
    return rows | {name: os.environ.get(name, "not set") for name in _THREAD_VARIABLES}


def _blas() -> dict[str, str]:
    import scipy.linalg.cython_blas  # noqa: F401  (loads the library that the kernels call)
    from threadpoolctl import threadpool_info

    return {
        f"{pool['internal_api']} {number}": f"{pool['version']}, {pool['num_threads']} threads"
        for number, pool in enumerate(threadpool_info())
    }
