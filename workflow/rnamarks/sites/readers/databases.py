"""Exports of RMBase, m6A-Atlas, RADAR and REDIportal."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from ...errors import InputError
from ...files import open_text
from ..drops import Scope
from ..modifications import Modification
from .register import READERS
from .rows import (
    check_names_and_strands,
    check_stated_assembly,
    first_line,
    leading_comments,
    read_fields,
    read_named_fields,
    refuse_rows,
    site_table,
    whole_numbers,
)

_RMBASE = (
    "chromosome",
    "modStart",
    "modEnd",
    "modId",
    "score",
    "strand",
    "modName",
    "modType",
    "supportNum",
    "supportList",
    "pubmedIds",
    "geneName",
    "geneType",
    "region",
    "sequence",
)
_SQL_ROW = re.compile(
    r"INSERT INTO .*? VALUES\s*\(\s*'([^']*)'\s*,\s*([^,]*?)\s*,\s*'(?:[^']|'')*'\s*,\s*'([^']*)'\s*,"
)


@READERS.add("rmbase_v2")
def read_rmbase(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """RMBase v2.0 site table ("bed6+", 0-based half-open; Xuan et al. 2018, doi:10.1093/nar/gkx934).

    The header begins with ``#`` and is padded with blanks while the rows are separated by tabs. ``modType`` is
    compared with the modification's name and synonyms as a whole, since it may hold commas itself (``m2,2G``);
    ``supportNum`` becomes ``support``. Where the row's own sequence (41 nt, site in the middle) has another base
    in the middle, the row is dropped.

    Raises
    ------
    InputError
        If a row is malformed, or the header names other columns or another assembly.
    """
    comments = leading_comments(path)
    check_stated_assembly(path, assembly, comments)
    for number, comment in enumerate(comments, 1):
        names = comment.lstrip("# ").split()
        if "modStart" in names and tuple(names[: len(_RMBASE)]) != _RMBASE:
            raise InputError(
                "the header has other columns than RMBase v2.0",
                path=path,
                line=number,
                value=comment,
                remedy="take the v2.0 download",
            )
    wanted = ("chromosome", "modStart", "modEnd", "strand", "modType", "supportNum", "sequence")
    rows = read_fields(path, {name: _RMBASE.index(name) for name in wanted}, n_fields=len(_RMBASE))
    rows = rows.rename(columns={"chromosome": "chrom"})
    starts, ends = whole_numbers(rows, "modStart", path), whole_numbers(rows, "modEnd", path)
    refuse_rows(rows, ends > starts, "modEnd", path, "modEnd is not after modStart", "correct it")
    rows = rows.assign(start=starts, width=ends - starts, support=whole_numbers(rows, "supportNum", path, minimum=1))
    check_names_and_strands(rows, path)
    rows = scope.keep(rows, rows["modType"].isin(modification.names), "another modification")
    rows = scope.keep(rows, rows["width"] == 1, "wider than one nucleotide (peak)")
    middle = rows["sequence"].str.upper().str.replace("T", "U").map(lambda text: text[len(text) // 2 :][:1])
    odd = rows["sequence"].str.len() % 2 == 1
    right = ~odd | (middle == modification.base)
    rows = scope.keep(rows, right, f"no {modification.base} in the middle of the row's sequence")
    return site_table(
        rows,
        rows["start"].to_numpy(),
        scope,
        assembly=assembly,
        modification=modification,
        support=rows["support"].to_numpy(),
    )


@READERS.add("m6a_atlas")
def read_m6a_atlas(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """m6A-Atlas v2 export (Liang et al. 2024, doi:10.1093/nar/gkad691): 1-based ``start``, one column per fact.

    ``Technique_Num`` becomes ``support``. Row ids hold the assembly (``m6A_Rnor6_1`` is rn6), which is checked.

    Raises
    ------
    InputError
        If a row is malformed, a column is missing or the ids name another assembly.
    """
    if modification.name != "m6A":
        raise InputError("m6A-Atlas holds m6A only", path=path, value=modification.name, remedy="take another source")
    rows = read_named_fields(path, ["ID", "seqnames", "start", "strand", "Technique_Num"])
    check_stated_assembly(path, assembly, rows["ID"].iloc[:1])
    rows = rows.rename(columns={"seqnames": "chrom"})
    starts = whole_numbers(rows, "start", path, minimum=1) - 1
    support = whole_numbers(rows, "Technique_Num", path, minimum=1)
    check_names_and_strands(rows, path)
    return site_table(rows, starts, scope, assembly=assembly, modification=modification, support=support)


@READERS.add("radar")
def read_radar(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """RADAR v2 A-to-I sites (Ramaswami & Li 2014, doi:10.1093/nar/gkt996), 1-based.

    Takes the tab-separated download (header ``chromosome position gene strand ...``) and SQL dumps of it with one
    ``INSERT`` per row; dumps have no ``chr`` prefix.

    Raises
    ------
    InputError
        If a row is malformed or the modification is not I.
    """
    _require_inosine(modification, path, "RADAR")
    check_stated_assembly(path, assembly, leading_comments(path))
    _, first = first_line(path)
    if re.match(r"(PRAGMA|BEGIN|CREATE|INSERT)\b", first):
        rows = _sql_rows(path)
    else:
        rows = read_named_fields(path, ["chromosome", "position", "strand"]).rename(columns={"chromosome": "chrom"})
    starts = whole_numbers(rows, "position", path, minimum=1) - 1
    check_names_and_strands(rows, path)
    return site_table(rows, starts, scope, assembly=assembly, modification=modification)


@READERS.add("redi")
def read_rediportal(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """REDIportal A-to-I sites (Picardi et al. 2017, doi:10.1093/nar/gkw767), 1-based, with or without header.

    ``Ref`` is the base of the plus strand: rows that are not A on their own strand are dropped.

    Raises
    ------
    InputError
        If a row is malformed or the modification is not I.
    """
    _require_inosine(modification, path, "REDIportal")
    check_stated_assembly(path, assembly, leading_comments(path))
    number, first = first_line(path)
    header = number if first.split("\t")[0].strip().lower() == "region" else 0
    columns = {"chrom": 0, "position": 1, "reference": 2, "edited": 3, "strand": 4}
    rows = read_fields(path, columns, skip_lines=header)
    rows = rows.assign(start=whole_numbers(rows, "position", path, minimum=1) - 1)
    check_names_and_strands(rows, path)
    pairs = rows["reference"].str.upper() + rows["edited"].str.upper() + rows["strand"]
    rows = scope.keep(rows, pairs.isin(["AG+", "TC-"]), "not an A-to-G change on its strand")
    return site_table(rows, rows["start"].to_numpy(), scope, assembly=assembly, modification=modification)


def _require_inosine(modification: Modification, path: str | Path, database: str) -> None:
    if modification.name != "I":
        raise InputError(f"{database} holds inosine only", path=path, value=modification.name, remedy="set I")


def _sql_rows(path: str | Path) -> pd.DataFrame:
    picked: list[tuple[str, str, str]] = []
    numbers: list[int] = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not line.startswith("INSERT"):
                continue
            match = _SQL_ROW.match(line)
            if match is None:
                raise InputError(
                    "the INSERT has not the columns of RADAR",
                    path=path,
                    line=number,
                    value=line.rstrip("\n"),
                    remedy="give chr, start, gene, strand first",
                )
            picked.append((match[1], match[2], match[3]))
            numbers.append(number)
    if not picked:
        raise InputError("the file holds no site", path=path, remedy="fetch it again, or leave it out of the sheet")
    return pd.DataFrame(picked, columns=["chrom", "position", "strand"], index=pd.Index(numbers, name="line"))
