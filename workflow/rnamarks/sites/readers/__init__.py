"""Readers of published site tables.

``READERS`` maps a format's name to a function ``(path, scope, *, assembly, modification)`` that returns a site table:
table ``sites``, positions 0-based half-open, ``attrs["assembly"]`` set. ``LAYOUT_READERS`` holds the formats
that take a ``layout`` besides, ``GENOME_READERS`` those that also take the genome. Malformed rows raise InputError with
file and line; rows that are sound but of no use here are dropped and counted in the scope, whose stage is ``read``.
"""

from . import bed, databases, described, measurements, plain, transcripts, windows
from .register import GENOME_READERS, LAYOUT_READERS, READERS

__all__ = [
    "GENOME_READERS",
    "LAYOUT_READERS",
    "READERS",
    "bed",
    "databases",
    "described",
    "measurements",
    "plain",
    "transcripts",
    "windows",
]
