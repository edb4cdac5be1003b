"""Large allocations are estimated first: an error is better than a killed process."""

from __future__ import annotations

import functools
import os


def require_memory(n_bytes: int, purpose: str, remedy: str) -> None:
    """Raise MemoryError if no allocation of that size can succeed on this machine.

    Parameters
    ----------
    n_bytes : int
        Size of the allocation.
    purpose : str
        Start of the message, such as "the covariance of 50000 columns".
    remedy : str
        What the user can do instead.
    """
    have = _physical_bytes()
    if n_bytes > have:
        raise MemoryError(
            f"{purpose} needs {n_bytes / 1e9:.3g} GB and this machine has {have / 1e9:.3g} GB; "
            f"{remedy}"
        )


def has_memory(n_bytes: int) -> bool:
    """Return whether an allocation of that size can succeed on this machine."""
    return n_bytes <= _physical_bytes()


@functools.cache
def _physical_bytes() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # unknown on this platform
        return float("inf")
