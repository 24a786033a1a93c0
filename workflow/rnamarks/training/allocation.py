"""Memory of large arrays on a CPU."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_KEPT = 1 << 30


def keep_freed_memory() -> bool:
    """Let the C library keep up to a gigabyte of what is freed, instead of getting each large array anew.

    glibc asks the system for every array above 32 MB and gives it back, and each of its pages is cleared at the first
    touch. Where layers make arrays of nt² elements that may take as long as the arithmetic.

    Returns
    -------
    bool
        False where the C library has no such settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _KEPT))
