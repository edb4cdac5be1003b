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

VECTORS = {"avx512_vnni": "AVX-512 with VNNI", "avx512f": "AVX-512", "avx2": "AVX2"}


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
        "vectors": _vectors(),
        "cores": os.cpu_count(),  # of the machine: this process may be kept to fewer
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
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _vectors():
    """The widest vectors of an x86 processor: they decide more than its model's name."""
    flags = _cpuinfo("flags").split()
    return next((name for flag, name in VECTORS.items() if flag in flags), "unknown")


def _cpuinfo(field):
    """What Linux says of the first processor, or nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    found = (line.split(":", 1) for line in lines if ":" in line)
    return next((value.strip() for name, value in found if name.strip() == field), "")


def _memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
