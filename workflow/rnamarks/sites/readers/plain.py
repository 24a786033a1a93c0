"""The project's own site table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...dictionary import column_names
from ...errors import InputError
from ..drops import Scope
from ..modifications import Modification
from .register import READERS
from .rows import check_names_and_strands, leading_comments, read_named_fields, refuse_rows, site_table, whole_numbers


@READERS.add("sites")
def read_sites(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """A table as :func:`rnamarks.sites.site_tables.write_sites` writes it.

    The file's own names in ``source`` stay; ``source`` fills the rows where the column is empty. Rows of other
    modifications are dropped and counted.

    Raises
    ------
    InputError
        If a row is malformed, or the line ``#assembly=`` is missing or names another assembly.
    """
    stated = [line[1:].partition("=")[2].strip() for line in leading_comments(path) if line.startswith("#assembly=")]
    if stated != [assembly]:
        raise InputError(
            f"the first line is not #assembly={assembly}",
            path=path,
            line=1,
            value=", ".join(stated) or None,
            remedy="state the assembly there, or set the one of this source",
        )
    rows = read_named_fields(path, column_names("sites"))
    starts, ends = whole_numbers(rows, "start", path), whole_numbers(rows, "end", path)
    refuse_rows(rows, ends == starts + 1, "end", path, "the end is not the start + 1", "give single nucleotides")
    check_names_and_strands(rows, path)
    rows = rows.assign(start=starts, support=whole_numbers(rows, "support", path, minimum=1))
    rows = scope.keep(rows, rows["modification"].isin(modification.names), "another modification")
    return site_table(
        rows,
        rows["start"].to_numpy(),
        scope,
        assembly=assembly,
        modification=modification,
        source=rows["source"].where(rows["source"] != "", scope.source).to_numpy(),
        support=rows["support"].to_numpy(),
    )
