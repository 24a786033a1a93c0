"""Readers of published site tables.

``READERS`` maps a format's name to a function ``(path, *, assembly, modification, source, drops, species)`` that
returns a site table (columns ``SITE_COLUMNS``, ``attrs["assembly"]`` set). ``LAYOUT_READERS`` holds the formats that
take a ``layout`` besides, which says what is in which column, and ``TRANSCRIPT_READERS`` those whose positions are on
transcripts. Malformed rows raise InputError with file and line; rows that are sound but
of no use here are dropped and counted in ``drops`` under the stage ``read``.
"""

from . import bed, databases, described, plain, transcripts
from .register import LAYOUT_READERS, READERS, TRANSCRIPT_READERS

__all__ = [
    "LAYOUT_READERS",
    "READERS",
    "TRANSCRIPT_READERS",
    "bed",
    "databases",
    "described",
    "plain",
    "transcripts",
]
