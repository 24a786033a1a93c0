"""Readers of published site tables.

``READERS`` maps a format's name to a function ``(path, *, assembly, modification, source, drops, species)`` that
returns a site table (columns ``SITE_COLUMNS``, ``attrs["assembly"]`` set). ``TRANSCRIPT_READERS`` holds the formats
whose positions are on transcripts. Malformed rows raise InputError with file and line; rows that are sound but
of no use here are dropped and counted in ``drops`` under the stage ``read``.
"""

from . import bed, databases, plain, transcripts
from .register import READERS, TRANSCRIPT_READERS

__all__ = ["READERS", "TRANSCRIPT_READERS", "bed", "databases", "plain", "transcripts"]
