"""The registers that the reader modules enter themselves into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from ...registry import Register
from ..drops import Drops
from ..modifications import Modification


class Reader(Protocol):
    """What every reader is: keyword-only settings, a table out."""

    def __call__(
        self,
        path: str | Path,
        *,
        assembly: str,
        modification: Modification,
        source: str,
        drops: Drops,
        species: str,
    ) -> pd.DataFrame: ...


class LayoutReader(Protocol):
    """A reader that is told which columns hold what."""

    def __call__(
        self,
        path: str | Path,
        *,
        assembly: str,
        modification: Modification,
        source: str,
        drops: Drops,
        species: str,
        layout: Mapping[str, Any],
    ) -> pd.DataFrame: ...


READERS: Register[Reader] = Register("site format")
LAYOUT_READERS: Register[LayoutReader] = Register("site format with a layout")
TRANSCRIPT_READERS: Register[Reader] = Register("transcript site format")
