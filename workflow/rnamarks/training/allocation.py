"""Memory of large arrays on a CPU."""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_KEPT = 1 << 30
_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
"""Of oneDNN, and of what stands between it and torch."""
_KERNELS = "64"


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


def bound_kernel_caches() -> None:
    """Let oneDNN keep few compiled kernels, unless the environment says how many.

    In bfloat16 on a CPU it compiles one for each shape of a layer's input, a megabyte or more, and keeps 1,024 of each
    kind. Packs differ in their number of tokens, so that kernels are hardly used again: gigabytes. It reads the numbers
    when it is first used.
    """
    for name in _CACHES:
        os.environ.setdefault(name, _KERNELS)
