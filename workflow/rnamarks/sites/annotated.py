"""The transcripts of a genome, or of given sequences, with the columns of an annotation, for commands and Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..tables import is_parquet, read_parquet, write_parquet
from .annotation import read_annotation
from .drops import KEPT, NOTE, Drops
from .transcript_fasta import read_transcript_fasta
from .transcripts import build_transcripts

_VERSION = r"(?<=\w)\.[0-9]+$"


def annotated_transcripts(
    annotation: str | Path | None,
    *,
    genome: str | Path | None = None,
    sequences: str | Path | None = None,
    extend: Mapping[str, int] | None = None,
    genes: Sequence[str] = (),
    workdir: str | Path,
    warn: Callable[[str], None],
) -> pd.DataFrame:
    """Transcripts with their RNA and where they lie.

    Parameters
    ----------
    annotation : path-like or None
        GTF, GFF3 or UCSC gene table; None for a transcripts table, which has what it says.
    genome, sequences : path-like, optional
        FASTA of the genome, or of transcripts with the names of the annotation, or such a table; one of the two.
    extend, workdir
        See :func:`rnamarks.sites.transcripts.build_transcripts`.
    genes : sequence of str
        Names of the genes and transcripts that are wanted, see :func:`find_named`; default all.
    warn : callable
        Told which transcripts are left out or odd.

    Returns
    -------
    pandas.DataFrame
        Border **transcripts**.

    Raises
    ------
    InputError
        If a file is at fault, or they do not fit together.
    """
    is_table = sequences is not None and is_parquet(sequences)
    if annotation is None:
        if not is_table:
            raise InputError("no annotation names genes", value=" ".join(genes) or None, remedy="give one")
        frame, about = read_parquet(sequences, column_names("transcripts"))
        frame.attrs["lengths"] = about.get("lengths", {})
        return frame.iloc[find_named(frame, genes)] if genes else frame
    if is_table:
        raise InputError("a transcripts table has its annotation", path=sequences, remedy="leave the annotation out")
    drops = Drops()
    described = read_annotation(annotation, drops)
    if genome is not None:
        # asked before chromosomes are, so that a gene on another one is not said to be unknown
        wanted = described["transcript"].iloc[find_named(described, genes)] if genes else None
        frame = build_transcripts(
            described,
            genome,
            drops,
            workdir=workdir,
            annotation_path=annotation,
            extend=extend,
            choose=(lambda known: known["transcript"].isin(wanted).to_numpy()) if genes else None,
        )
        if genes and frame.empty:
            raise InputError(
                "the genes that are asked for are on no chromosome of the genome",
                path=genome,
                value=wanted.iloc[0],
                remedy="give the whole genome of the annotation",
            )
    else:
        frame = read_transcript_fasta(sequences, drops, annotation=described, annotation_path=annotation)
        if genes:
            frame = frame.iloc[find_named(frame, genes)]
    say_drops(drops, warn)
    return frame


def write_transcripts(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a **transcripts** table with the lengths of the genome's contigs."""
    write_parquet(frame, path, {"lengths": frame.attrs.get("lengths", {})})


def find_named(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Rows of transcripts that are asked for by name, each once, in the order of the names.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``transcript``, ``gene`` and ``gene_name``.
    names : sequence of str
        Transcripts, genes or symbols of genes, with or without the version; of a gene all transcripts. Capitals count
        where they tell two names apart.

    Raises
    ------
    InputError
        If there is none of a name.
    """
    whole = [frame[name].astype(str) for name in ("transcript", "gene", "gene_name")]
    # symbols have no version: RP11-34P13.7 and RP11-34P13.9 are two genes
    bare = [*(column.str.replace(_VERSION, "", regex=True) for column in whole[:2]), whole[2]]
    small = [column.str.lower() for column in bare]
    # in the order in which they are asked: an exact name comes before one in other letters
    rows = [column.groupby(column).indices for column in (*whole, *bare, *small)]
    found: dict[int, None] = {}
    for name in names:
        plain = re.sub(_VERSION, "", name)
        asked = [(at, text) for text in (name, name.lower()) for at in rows]
        # without its version a name is that of a transcript or a gene
        asked += [(at, text) for text in (plain, plain.lower()) for place, at in enumerate(rows) if place % 3 < 2]
        at = next((at[text] for at, text in asked if text and text in at), None)
        if at is None:
            raise InputError(
                "no transcript or gene has that name",
                value=name,
                remedy="write it as the annotation does, or give the sequence",
            )
        found |= dict.fromkeys(map(int, at))
    return np.array(list(found), dtype=np.int64)


def say_drops(drops: Drops, warn: Callable[[str], None]) -> None:
    """Say which transcripts were left out or are odd."""
    for row in drops.frame().itertuples():
        if row.reason != KEPT:
            noted = row.reason.startswith(NOTE)
            reason = row.reason.removeprefix(NOTE) if noted else f"left out, {row.reason}"
            warn(f"{row.rows} transcripts: {reason}")
