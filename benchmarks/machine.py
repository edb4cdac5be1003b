"""What a result must say about where it was measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def cores():
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def environment(threads: int | None):
    """The environment of a measurement: `threads` everywhere, or nothing said about them."""
    environ = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    if threads is not None:
        environ |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    return environ | {"PYTHONHASHSEED": "0"}


def describe():
    return {
        "processor": _processor(),
        "cores": len(cores()),
        "memory_gb": round(_memory_bytes() / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def versions():
    names = (
        *("algos", "numpy", "scipy", "scikit-learn", "scikit-learn-intelex", "faiss-cpu"),
        *("superkmeans", "fastkmeans", "sparsekmeans", "geokmeans", "fbpca", "torch"),
        *("liblinear-multicore", "glum", "skglm", "celer", "snapml", "vowpalwabbit"),
        *("krcf", "rcf3", "rrcf", "pysad", "river", "coniferest", "isotree", "pyod"),
        *("myfm", "modern-fm", "xlearn", "lightfm-next"),
        *("gensim", "tomotopy", "bigartm10", "pyrmallet", "lda"),
        *("gluonts", "lightning"),
    )
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
