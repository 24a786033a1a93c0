"""Spliced transcripts from a genome and its annotation."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx

from ..dictionary import column_names
from ..errors import InputError, about
from ..files import atomic_path, is_gzipped, open_bytes
from ..sequences import decode, encode, on_strand
from ..tables import metadata_of, open_parquet
from .annotation import STAGE
from .contigs import canonical_chromosome, match_contigs
from .drops import KEPT, Drops, Scope
from .extension import extend_ends

logger = logging.getLogger(__name__)


def open_genome(path: str | Path, workdir: str | Path) -> pyfaidx.Fasta:
    """Open a genome FASTA for random access; nothing is written beside the genome itself.

    The index lies in ``workdir``. A gzipped genome, bgzip or not, is decompressed into ``workdir`` once, and one whose
    lines end with CR alone is copied there with LF. Index and copy carry a name made from the genome's path, size and
    time of change, so a copy is used again as long as the genome is the same file, and another genome of the same name
    never meets it.

    Raises
    ------
    InputError
        If the file is missing, empty, cut off, no FASTA, or has one name twice.
    """
    path, workdir = Path(path), Path(workdir)
    with open_bytes(path) as handle:
        head = handle.read(1 << 16)
    if not head.startswith(b">"):
        raise InputError(
            "the genome is no FASTA file" if head else "the genome is empty",
            path=path,
            remedy="give a FASTA file that begins with '>'",
        )
    old_ends = b"\r" in head and b"\n" not in head
    status = path.stat()
    identity = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    stem = f"{path.name.removesuffix('.gz')}.{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    workdir.mkdir(parents=True, exist_ok=True)
    plain = path
    try:
        if old_ends or is_gzipped(path):
            plain = workdir / f"{stem}.fa"
            if not plain.is_file():
                with open_bytes(path) as packed, atomic_path(plain) as part, open(part, "wb") as unpacked:
                    while block := packed.read(1 << 22):
                        unpacked.write(block.replace(b"\r", b"\n") if old_ends else block)
        return pyfaidx.Fasta(str(plain), indexname=str(workdir / f"{stem}.fai"), sequence_always_upper=False)
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
    subject: str = "",
    annotation_path: str | Path | None = None,
    minimum_aug: float = 0.25,
    extend: Mapping[str, int] | None = None,
    choose: Callable[[pd.DataFrame], np.ndarray] | None = None,
) -> pd.DataFrame:
    """Spliced, strand-aware RNA of every transcript of an annotation.

    Parameters
    ----------
    annotation : pandas.DataFrame
        As :func:`rnamarks.sites.annotation.read_annotation` gives it; 0-based half-open coordinates.
    genome_path : path-like
        FASTA, plain or gzipped, in either case.
    drops : Drops
        Takes the transcripts on contigs that the genome lacks, or has as another sequence.
    workdir : path-like
        For the index and for a decompressed copy, see :func:`open_genome`.
    subject : str
        Name of the transcript set, for the drops table.
    annotation_path : path-like, optional
        Named in errors.
    minimum_aug : float
        Of 50 or more coding sequences at least this fraction must begin with AUG, else the genome is taken for
        another assembly. About 0.98 do in a complete annotation, 0.8 in GENCODE with its fragments, and 1/64
        where the assembly is wrong. The same holds for each contig: with three or more coding genes of which fewer
        begin with a start codon it is taken for another sequence, and its transcripts are left out, if half of ten
        or more genes elsewhere begin with one. 0 switches the checks off.
    extend : mapping, optional
        ``five`` and ``three``, nt by which ends without an untranslated region go on, see
        :func:`rnamarks.sites.extension.extend_ends`.
    choose : callable, optional
        Given the annotation as the genome has it, gives which transcripts are wanted, shape (n,), dtype bool.

    Returns
    -------
    pandas.DataFrame
        Border **transcripts**: table ``transcripts``; ``chrom`` as the genome calls it;
        ``sequence`` is RNA in capitals, 5' to 3', N for every letter that is not A, C, G, T or U. ``attrs`` holds
        ``lengths``: nt of every contig of the genome, by its name.

    Raises
    ------
    InputError
        If the annotation and the genome share no contig, half of the transcripts are on contigs that an exon runs
        off, or too few coding sequences begin with AUG.

    Notes
    -----
    Contigs are paired by name, and one name may mean two sequences: ``chrM`` of UCSC's hg19 (NC_001807) is not ``MT``
    of Ensembl's GRCh37 (NC_012920). A contig shorter than an exon of it says, or without start codons where they
    belong, is left out, counted under its name and logged.

    One contig is in memory at a time (4 bytes per nt while it is read), beside the transcripts (1 byte per nt).
    """
    genome = open_genome(genome_path, workdir)
    scope = drops.scope(STAGE, subject, "genome")
    try:
        lengths = {name: len(genome[name]) for name in genome.keys()}  # noqa: SIM118
        frame = on_contigs(annotation, lengths, scope, genome_path, annotation_path)
        if extend:
            frame = extend_ends(frame, lengths, scope, **extend)
        if choose:
            frame = frame[choose(frame)].reset_index(drop=True)
        sequences = np.empty(len(frame), dtype=object)
        for chrom, rows in frame.groupby("chrom", sort=False).indices.items():
            _splice_contig(frame, chrom, rows, genome, sequences, genome_path)
    finally:
        genome.close()
    frame["sequence"] = sequences
    _check_start_codons(frame, minimum_aug, genome_path)
    frame = _without_other_contigs(frame, minimum_aug, scope)
    scope.count(KEPT, len(frame))
    frame = frame[column_names("transcripts")]
    frame.attrs["lengths"] = lengths
    return frame


def splice(contig: np.ndarray, exon_starts: np.ndarray, exon_ends: np.ndarray, strand: str) -> np.ndarray:
    """Codes of one transcript, 5' to 3', cut from a contig's forward-strand codes.

    ``exon_starts`` and ``exon_ends`` are 0-based half-open, ascending on the genome; for ``-`` the joined exons
    are reversed and complemented.
    """
    codes = np.concatenate([contig[start:end] for start, end in zip(exon_starts, exon_ends, strict=True)])
    return on_strand(codes, strand)


def read_lengths(path: str | Path) -> dict[str, int]:
    """Length of every contig of the genome that a **transcripts** file was made from; empty where none was."""
    with open_parquet(path) as file:
        return metadata_of(file).get("lengths", {})


def on_contigs(
    annotation: pd.DataFrame,
    lengths: Mapping[str, int],
    scope: Scope,
    genome_path: str | Path,
    annotation_path: str | Path | None,
) -> pd.DataFrame:
    """Transcripts on contigs of the genome that hold all their exons, by the genome's names; the others are counted.

    Raises
    ------
    InputError
        If there is no contig in common, or half of the transcripts are on contigs that an exon runs off.
    """
    contigs = match_contigs(annotation["chrom"], lengths)
    if not contigs and len(annotation):
        raise InputError(
            "annotation and genome have no chromosome in common",
            path=annotation_path or genome_path,
            value=annotation["chrom"].iloc[0],
            remedy=f"the genome has {', '.join(list(lengths)[:3])}; give files of one assembly",
        )
    absent = ~annotation["chrom"].isin(list(contigs)).to_numpy()
    scope.count("contig not in the genome", absent.sum())
    frame = annotation[~absent].assign(chrom=annotation["chrom"][~absent].map(contigs)).reset_index(drop=True)
    last = np.array([ends[-1] for ends in frame["exon_ends"]], dtype=np.int64)
    beyond = last > frame["chrom"].map(lengths).to_numpy()
    short = frame["chrom"].isin(frame["chrom"][beyond].unique()).to_numpy()
    if 2 * short.sum() > len(frame):
        row = int(np.argmax(beyond))
        chrom = frame["chrom"].iloc[row]
        raise InputError(
            f"an exon of transcript {frame['transcript'].iloc[row]} ends at {last[row]}, "
            f"but {chrom} has {lengths[chrom]} nt in {genome_path}",
            path=annotation_path,
            remedy="give a genome and an annotation of one assembly",
        )
    for chrom in frame["chrom"][short].unique():
        why = f"the genome's {chrom} is another sequence or cut off, exons lie beyond its {lengths[chrom]} nt"
        frame = scope.keep(frame, frame["chrom"] != chrom, why)
    return frame.reset_index(drop=True)


def _without_other_contigs(frame: pd.DataFrame, minimum: float, scope: Scope) -> pd.DataFrame:
    """Transcripts on contigs whose genes begin with start codons, if those of the other contigs do."""
    coding = frame[frame["cds_start"] >= 0]
    # mitochondria begin with AUA and AUU, too
    starts = ["AU" if canonical_chromosome(chrom) == "m" else "AUG" for chrom in coding["chrom"]]
    begins = [
        text.startswith(start, at)
        for text, start, at in zip(coding["sequence"], starts, coding["cds_start"], strict=True)
    ]
    genes = coding[["chrom", "gene"]].assign(begins=begins).groupby(["chrom", "gene"], sort=False)["begins"].any()
    by_contig = genes.groupby("chrom", sort=False).agg(["size", "sum"])
    others = by_contig.sum() - by_contig
    wrong = (by_contig["size"] >= 3) & (by_contig["sum"] < minimum * by_contig["size"])
    wrong &= (others["size"] >= 10) & (2 * others["sum"] >= others["size"])
    for chrom, (size, found) in by_contig[wrong].iterrows():
        why = f"the genome's {chrom} is another sequence, {found} of {size} genes begin with a start codon"
        frame = scope.keep(frame, frame["chrom"] != chrom, why)
    return frame.reset_index(drop=True)


def _splice_contig(
    frame: pd.DataFrame,
    chrom: str,
    rows: np.ndarray,
    genome: pyfaidx.Fasta,
    sequences: np.ndarray,
    genome_path: str | Path,
) -> None:
    starts, ends, strands = (frame[name].to_numpy() for name in ("exon_starts", "exon_ends", "strand"))
    with about(f"contig {chrom}", path=genome_path):
        contig = encode(genome[chrom][:].seq)
    for row in rows:
        sequences[row] = decode(splice(contig, starts[row], ends[row], strands[row]))


def _check_start_codons(frame: pd.DataFrame, minimum: float, genome_path: str | Path) -> None:
    coding = frame[frame["cds_start"] >= 0]
    if len(coding) < 50:
        return
    aug = [text.startswith("AUG", at) for text, at in zip(coding["sequence"], coding["cds_start"], strict=True)]
    fraction = float(np.mean(aug))
    if fraction < minimum:
        raise InputError(
            f"only {fraction:.1%} of {len(coding)} coding sequences begin with AUG",
            path=genome_path,
            remedy="give a genome and an annotation of one assembly",
        )
