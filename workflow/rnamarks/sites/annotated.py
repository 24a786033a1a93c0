"""The transcripts of a genome, or of given sequences, with the columns of an annotation, for commands and Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import InputError
from ..tables import is_parquet, write_parquet
from .annotation import read_annotation
from .drops import KEPT, NOTE, Drops
from .transcript_fasta import read_transcript_fasta
from .transcripts import build_transcripts


def write_annotated(
    path: str | Path,
    annotation: str | Path,
    *,
    genome: str | Path | None = None,
    sequences: str | Path | None = None,
    extend: Mapping[str, int] | None = None,
    workdir: str | Path,
    warn: Callable[[str], None],
) -> None:
    """Write a **transcripts** table.

    Parameters
    ----------
    path : path-like
        The Parquet file to write.
    annotation : path-like
        GTF, GFF3 or UCSC gene table.
    genome, sequences : path-like, optional
        FASTA of the genome, or of transcripts with the names of the annotation; one of the two.
    extend, workdir
        See :func:`rnamarks.sites.transcripts.build_transcripts`.
    warn : callable
        Told which transcripts are left out or odd.

    Raises
    ------
    InputError
        If a file is at fault, or they do not fit together.
    """
    if sequences is not None and is_parquet(sequences):
        raise InputError("a transcripts table has its annotation", path=sequences, remedy="leave the annotation out")
    drops = Drops()
    described = read_annotation(annotation, drops)
    if genome is not None:
        frame = build_transcripts(described, genome, drops, workdir=workdir, annotation_path=annotation, extend=extend)
    else:
        frame = read_transcript_fasta(sequences, drops, annotation=described, annotation_path=annotation)
    say_drops(drops, warn)
    write_parquet(frame, path, {"lengths": frame.attrs.get("lengths", {})})


def say_drops(drops: Drops, warn: Callable[[str], None]) -> None:
    """Say which transcripts were left out or are odd."""
    for row in drops.frame().itertuples():
        if row.reason != KEPT:
            noted = row.reason.startswith(NOTE)
            reason = row.reason.removeprefix(NOTE) if noted else f"left out, {row.reason}"
            warn(f"{row.rows} transcripts: {reason}")
