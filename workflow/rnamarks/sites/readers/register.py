"""The registers that the reader modules enter themselves into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from ...registry import Register
from ..drops import Scope
from ..modifications import Modification

if TYPE_CHECKING:
    import pyfaidx


class Reader(Protocol):
    """A function from a file to a site table; ``scope`` names the source and takes the counts."""

    def __call__(
        self, path: str | Path, scope: Scope, *, assembly: str, modification: Modification
    ) -> pd.DataFrame: ...


class LayoutReader(Protocol):
    """A reader that is told more about its file: which columns hold what, or from which values on a row counts."""

    def __call__(
        self, path: str | Path, scope: Scope, *, assembly: str, modification: Modification, layout: Mapping[str, Any]
    ) -> pd.DataFrame: ...


class GenomeReader(Protocol):
    """A reader of files that name no places, which are looked for in the genome."""

    def __call__(
        self,
        path: str | Path,
        scope: Scope,
        *,
        assembly: str,
        modification: Modification,
        layout: Mapping[str, Any],
        genome: pyfaidx.Fasta,
    ) -> pd.DataFrame: ...


READERS: Register[Reader] = Register("site format")
LAYOUT_READERS: Register[LayoutReader] = Register("site format with a layout")
GENOME_READERS: Register[GenomeReader] = Register("site format without places")
