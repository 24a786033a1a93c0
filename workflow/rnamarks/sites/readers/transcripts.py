"""Sites listed by transcript."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..drops import Drops
from ..modifications import Modification
from .register import READERS, TRANSCRIPT_READERS
from .rows import (
    STAGE,
    check_names_and_strands,
    check_stated_assembly,
    leading_comments,
    read_fields,
    read_named_fields,
    refuse_rows,
    site_table,
    whole_numbers,
)

TRANSCRIPT_SITE_COLUMNS = ("transcript", "position", "label", "modification", "source")


@READERS.add("transcript_list")
def read_transcript_list(
    path: str | Path, *, assembly: str, modification: Modification, source: str, drops: Drops, species: str
) -> pd.DataFrame:
    """iM6A lists (Luo et al. 2022): ``ENST#GENE, 0, chrom, strand, txStart, txEnd, positions``, tab-separated.

    Positions are on the genome, comma-separated, with a comma at the end. On the plus strand they are the 0-based
    start of the site, on the minus strand that start **plus 2**: so all 47,084 human and 37,563 mouse positions
    meet a site of the BED that the lists were made from, and with one rule for both strands half of them do not.

    Raises
    ------
    InputError
        If a row is malformed.
    """
    scope = drops.scope(STAGE, species, source)
    check_stated_assembly(path, assembly, leading_comments(path))
    columns = {"transcript": 0, "chrom": 2, "strand": 3, "first": 4, "last": 5, "positions": 6}
    rows = read_fields(path, columns)
    check_names_and_strands(rows, path)
    rows = rows.assign(first=whole_numbers(rows, "first", path), last=whole_numbers(rows, "last", path))
    rows["positions"] = rows["positions"].str.removesuffix(",").str.split(",")
    rows = rows.explode("positions")
    rows["positions"] = rows["positions"].str.strip()
    starts = whole_numbers(rows, "positions", path) - np.where(rows["strand"] == "-", 2, 0)
    inside = (starts >= rows["first"].to_numpy()) & (starts < rows["last"].to_numpy())
    rows = scope.keep(rows, inside, "outside its transcript")
    return site_table(rows, starts[inside], scope, assembly=assembly, modification=modification, source=source)


@TRANSCRIPT_READERS.add("sramp_transcript")
def read_sramp_transcripts(
    path: str | Path, *, assembly: str, modification: Modification, source: str, drops: Drops, species: str
) -> pd.DataFrame:
    """SRAMP sets (Zhou et al. 2016, doi:10.1093/nar/gkw104): CSV ``TranscriptID,Position,Class``, 1-based.

    ``Class`` is 1 for m6A and -1 (or 0) for unmodified A; empty columns may follow. ``Position`` is on the mature
    transcript. ``assembly`` has no meaning here and is not looked at.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`TRANSCRIPT_SITE_COLUMNS`: ``position`` 0-based on the transcript, ``label`` 1 or 0; one row per
        transcript and position, in file order.

    Raises
    ------
    InputError
        If a row is malformed or a class is none of 1, 0, -1.
    """
    scope = drops.scope(STAGE, species, source)
    rows = read_named_fields(path, ["TranscriptID", "Position", "Class"], separator=",")
    refuse_rows(
        rows,
        (rows["TranscriptID"] != "").to_numpy(),
        "TranscriptID",
        path,
        "the transcript is empty",
        "fill it in",
    )
    refuse_rows(
        rows,
        rows["Class"].isin(["1", "0", "-1"]).to_numpy(),
        "Class",
        path,
        "the class is none of 1, 0 and -1",
        "correct it",
    )
    frame = pd.DataFrame(
        {
            "transcript": rows["TranscriptID"].to_numpy(),
            "position": whole_numbers(rows, "Position", path, least=1) - 1,
            "label": (rows["Class"] == "1").astype(np.int64).to_numpy(),
            "modification": modification.name,
            "source": source,
        },
        columns=list(TRANSCRIPT_SITE_COLUMNS),
    )
    frame = scope.keep(frame, ~frame.duplicated(["transcript", "position", "label"]), "duplicate position")
    frame = scope.keep(frame, ~frame.duplicated(["transcript", "position"], keep=False), "both labels")
    return scope.kept(frame.reset_index(drop=True))
