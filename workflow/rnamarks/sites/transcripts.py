"""Spliced transcripts from a genome and its annotation."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyfaidx

from ..errors import InputError
from ..files import atomic_path, is_gzipped
from ..sequences import decode, encode
from ..tables import METADATA_KEY
from .annotation import ANNOTATION_COLUMNS, STAGE, match_contigs
from .drops import Drops

TRANSCRIPT_COLUMNS = (*ANNOTATION_COLUMNS, "sequence")

_COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)

logger = logging.getLogger(__name__)


def open_genome(path: str | Path, workdir: str | Path) -> pyfaidx.Fasta:
    """Open a genome FASTA for random access; nothing is written beside the genome itself.

    The index lies in ``workdir``. A gzipped genome, bgzip or not, is decompressed into ``workdir`` once. Both
    carry a name made from the genome's path, size and time of change, so a copy is used again as long as the
    genome is the same file, and another genome of the same name never meets it.

    Raises
    ------
    InputError
        If the file is missing, empty, cut off, no FASTA, or has one name twice.
    """
    path, workdir = Path(path), Path(workdir)
    if not path.is_file():
        raise InputError("no such file", path=path, remedy="check the path of the genome in the configuration")
    status = path.stat()
    identity = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    stem = f"{path.name.removesuffix('.gz')}.{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    workdir.mkdir(parents=True, exist_ok=True)
    plain = path
    try:
        if is_gzipped(path):
            plain = workdir / f"{stem}.fa"
            if not plain.is_file():
                with atomic_path(plain) as part, gzip.open(path, "rb") as packed, open(part, "wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 22)
        with open(plain, "rb") as handle:
            first = handle.read(1)
        if first != b">":
            raise InputError(
                "the genome is no FASTA file" if first else "the genome is empty",
                path=path,
                remedy="give a FASTA file that begins with '>'",
            )
        return pyfaidx.Fasta(str(plain), indexname=str(workdir / f"{stem}.fai"), sequence_always_upper=False)
    except (EOFError, gzip.BadGzipFile) as error:
        raise InputError("the gzip stream is cut off or corrupt", path=path, remedy="fetch the file again") from error
    except (pyfaidx.FastaIndexingError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the genome cannot be indexed: {error}".splitlines()[0].rstrip("."),
            path=path,
            remedy="give FASTA with lines of one length and each name once",
        ) from error


def build_transcripts(
    annotation: pd.DataFrame,
    genome_path: str | Path,
    drops: Drops,
    *,
    workdir: str | Path,
    species: str = "",
    annotation_path: str | Path | None = None,
    least_aug: float = 0.25,
) -> pd.DataFrame:
    """Spliced, strand-aware RNA of every transcript of an annotation.

    Parameters
    ----------
    annotation : pandas.DataFrame
        As :func:`rnamarks.sites.annotation.read_annotation` gives it; 0-based half-open coordinates.
    genome_path : path-like
        FASTA, plain or gzipped, in either case.
    drops : Drops
        Takes the transcripts on contigs that the genome lacks.
    workdir : path-like
        For the index and for a decompressed copy, see :func:`open_genome`.
    species : str
        For the drops table.
    annotation_path : path-like, optional
        Named in errors.
    least_aug : float
        Of 50 or more coding sequences at least this share must begin with AUG, else the genome is taken for
        another assembly. About 0.98 do in a complete annotation, 0.8 in GENCODE with its fragments, and 1/64
        where the assembly is wrong. 0 switches the check off.

    Returns
    -------
    pandas.DataFrame
        Border **transcripts**: columns :data:`TRANSCRIPT_COLUMNS`; ``chrom`` as the genome calls it;
        ``sequence`` is RNA in capitals, 5' to 3', N for every letter that is not A, C, G, T or U. ``attrs`` holds
        ``lengths``: nt of every contig of the genome, by its name.

    Raises
    ------
    InputError
        If the annotation and the genome share no contig, an exon runs off its contig, or too few coding
        sequences begin with AUG.

    Notes
    -----
    One contig is in memory at a time (4 bytes per nt while it is read), beside the transcripts (1 byte per nt).
    """
    genome = open_genome(genome_path, workdir)
    scope = drops.scope(STAGE, species, "genome")
    try:
        contigs = match_contigs(annotation["chrom"], genome.keys())
        if not contigs and len(annotation):
            raise InputError(
                "annotation and genome have no chromosome in common",
                path=annotation_path or genome_path,
                value=annotation["chrom"].iloc[0],
                remedy=f"the genome has {', '.join(list(genome.keys())[:3])}; give files of one assembly",
            )
        absent = ~annotation["chrom"].isin(list(contigs)).to_numpy()
        scope.count("contig not in the genome", absent.sum())
        scope.count("kept", (~absent).sum())
        frame = annotation[~absent].assign(chrom=annotation["chrom"][~absent].map(contigs))
        frame = frame.reset_index(drop=True)
        sequences = np.empty(len(frame), dtype=object)
        for chrom, rows in frame.groupby("chrom", sort=False).indices.items():
            _splice_contig(frame, chrom, rows, genome, sequences, genome_path, annotation_path)
        lengths = {name: len(genome[name]) for name in genome.keys()}  # noqa: SIM118
    finally:
        genome.close()
    frame["sequence"] = sequences
    _check_start_codons(frame, least_aug, genome_path)
    frame = frame[list(TRANSCRIPT_COLUMNS)]
    frame.attrs["lengths"] = lengths
    return frame


def splice(contig: np.ndarray, exon_starts: np.ndarray, exon_ends: np.ndarray, strand: str) -> np.ndarray:
    """Codes of one transcript, 5' to 3', cut from a contig's forward-strand codes.

    ``exon_starts`` and ``exon_ends`` are 0-based half-open, ascending on the genome; for ``-`` the joined exons
    are reversed and complemented.
    """
    codes = np.concatenate([contig[start:end] for start, end in zip(exon_starts, exon_ends, strict=True)])
    return _COMPLEMENT[codes[::-1]] if strand == "-" else codes


def read_sequences(path: str | Path, batch_rows: int = 4096) -> Iterator[str]:
    """Sequences of a **transcripts** file one after another, with one batch of rows in memory."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_rows, columns=["sequence"]):
            yield from batch.column(0).to_pylist()


def read_lengths(path: str | Path) -> dict[str, int]:
    """Length of every contig of the genome that a **transcripts** file was made from; empty where none was."""
    metadata = pq.read_schema(path).metadata or {}
    return json.loads(metadata.get(METADATA_KEY, b"{}")).get("lengths", {})


def _splice_contig(
    frame: pd.DataFrame,
    chrom: str,
    rows: np.ndarray,
    genome: pyfaidx.Fasta,
    sequences: np.ndarray,
    genome_path: str | Path,
    annotation_path: str | Path | None,
) -> None:
    n_nt = len(genome[chrom])
    starts, ends, strands = (frame[name].to_numpy() for name in ("exon_starts", "exon_ends", "strand"))
    for row in rows:
        if ends[row][-1] > n_nt:
            raise InputError(
                f"an exon of transcript {frame['transcript'].iloc[row]} ends at {ends[row][-1]}, "
                f"but {chrom} has {n_nt} nt in {genome_path}",
                path=annotation_path,
                remedy="give a genome and an annotation of one assembly",
            )
    try:
        contig = encode(genome[chrom][:].seq)
    except InputError as error:
        raise InputError(
            f"contig {chrom}: a letter is no nucleotide", path=genome_path, value=error.value, remedy=error.remedy
        ) from error
    for row in rows:
        sequences[row] = decode(splice(contig, starts[row], ends[row], strands[row]))


def _check_start_codons(frame: pd.DataFrame, least: float, genome_path: str | Path) -> None:
    coding = frame[frame["cds_start"] >= 0]
    if not len(coding):
        logger.warning("the annotation has no coding sequence: every position counts as noncoding")
    if len(coding) < 50:
        return
    aug = [text.startswith("AUG", at) for text, at in zip(coding["sequence"], coding["cds_start"], strict=True)]
    share = float(np.mean(aug))
    if share < least:
        raise InputError(
            f"only {share:.1%} of {len(coding)} coding sequences begin with AUG",
            path=genome_path,
            remedy="give a genome and an annotation of one assembly",
        )
