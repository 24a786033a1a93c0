"""Gene annotation: GTF and GFF3 in their dialects and UCSC gene tables, as one row per transcript.

Whatever the file counts from, positions inside the project are 0-based and half-open. The coding sequence
runs from the first base of the start codon up to and with the stop codon: GTF as Ensembl and UCSC write it
leaves the stop codon out of its ``CDS`` rows, so ``stop_codon`` rows are joined to them; a file that already
counts the stop codon gives the same interval. A UTR is exon without coding sequence. Where a transcript has no exon
row, as NCBI gives coding genes of bacteria, organelles and viruses, its ``CDS`` and ``stop_codon`` rows, in
GFF3 its UTR rows, too, are its exons.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..errors import InputError
from .annotation_formats import read_loci
from .annotation_formats.loci import Loci
from .coordinates import SPAN
from .drops import Drops

STAGE = "transcripts"
logger = logging.getLogger(__name__)


def read_annotation(path: str | Path, drops: Drops, *, subject: str = "") -> pd.DataFrame:
    """Transcripts of a GTF or GFF3 file or of a UCSC gene table (genePred, with or without its ``bin`` column).

    Parameters
    ----------
    path : path-like
        Plain or gzipped. GTF of Ensembl, GENCODE or UCSC (which has no gene and no transcript rows), GFF3, or a
        table like UCSC's ``refGene.txt``; the first data line tells which.
    drops : Drops
        Takes the counts, in transcripts, under the stage ``transcripts``.
    subject : str
        Name of the transcript set, for the drops table.

    Returns
    -------
    pandas.DataFrame
        Table ``transcripts``, sorted by chromosome, first base and id. ``exon_starts`` and
        ``exon_ends`` are int64 arrays, 0-based half-open on the genome, ascending on either strand;
        ``cds_start`` and ``cds_end`` are 0-based half-open on the spliced transcript, 5' to 3', -1 where
        there is no coding sequence. Unknown text is ``""``. Chromosome names are the file's.

    Raises
    ------
    InputError
        If the file is missing, empty or cut off, a line is no annotation (the line is named), or no transcript is
        left.

    Notes
    -----
    One id on two loci (another chromosome or strand, as RefSeq gives the pseudoautosomal genes) is two
    transcripts; the second gets the suffix ``_dup1``, the third ``_dup2``. Transcripts whose exons overlap
    each other, whose coding sequence leaves the exons, that have no strand, or neither exon nor CDS row are dropped
    and counted, and those whose CDS rows served as exons noted.

    Tables that UCSC's table browser turned into GTF give every transcript its own id as gene id. If no two
    transcripts share a gene id and each gene id is the transcript's, those whose exons overlap on one strand
    are taken for one gene, named by the first of their ids in text order, and counted.
    """
    flat = read_loci(path)
    if not len(flat.loci):
        raise InputError("the annotation has no exon", path=path, remedy="give GTF or GFF3 with exon rows")
    return _assemble(flat, drops, subject, path)


def _assemble(flat: Loci, drops: Drops, subject: str, path: str | Path) -> pd.DataFrame:
    scope = drops.scope(STAGE, subject, "annotation")
    scope.count("no exon and no CDS row", flat.bare)
    scope.count("note: no exon rows, CDS rows taken for exons", flat.from_cds)
    loci = flat.loci
    n_loci = len(loci)

    order = np.lexsort((flat.end, flat.start, flat.locus))
    locus, start, end = flat.locus[order], flat.start[order], flat.end[order]
    repeated = np.zeros(len(locus), dtype=bool)
    repeated[1:] = (locus[1:] == locus[:-1]) & (start[1:] == start[:-1]) & (end[1:] == end[:-1])
    scope.count("note: exon rows listed twice", repeated.sum())
    locus, start, end = locus[~repeated], start[~repeated], end[~repeated]

    overlapping = np.zeros(n_loci, dtype=bool)
    overlapping[locus[1:][(locus[1:] == locus[:-1]) & (start[1:] < end[:-1])]] = True

    length = end - start
    n_exons = np.bincount(locus, minlength=n_loci)
    first = np.concatenate(([0], np.cumsum(n_exons)))
    cumulated = np.concatenate(([0], np.cumsum(length)))
    before = cumulated[:-1] - cumulated[first[locus]]
    total = cumulated[first[1:]] - cumulated[first[:-1]]

    low, high = loci["cds_low"].to_numpy(), loci["cds_high"].to_numpy()
    coding = low >= 0
    index = np.arange(n_loci)

    def on_transcript(position: np.ndarray) -> np.ndarray:
        exon = np.searchsorted(locus * SPAN + start, index * SPAN + position, side="right") - 1
        inside = (exon >= first[:-1]) & (position < end[exon])
        return np.where(inside, before[exon] + position - start[exon], -1)

    left, right = on_transcript(np.maximum(low, 0)), on_transcript(np.maximum(high - 1, 0))
    astray = coding & ((left < 0) | (right < 0))
    forward = loci["strand"].to_numpy() == "+"
    cds_start = np.where(coding, np.where(forward, left, total - 1 - right), -1)
    cds_end = np.where(coding, np.where(forward, right, total - 1 - left) + 1, -1)

    strandless = ~loci["strand"].isin(("+", "-")).to_numpy()
    keep = np.ones(n_loci, dtype=bool)
    lost = []
    for bad, reason in (
        (strandless, "no strand"),
        (overlapping, "exons overlap each other"),
        (astray, "coding sequence outside the exons"),
    ):
        rows = int((keep & bad).sum())
        scope.count(reason, rows)
        lost += [f"{rows} {reason}"] if rows else []
        keep &= ~bad
    scope.count("kept", keep.sum())
    if not keep.any():
        raise InputError(
            f"no transcript can be used ({', '.join(lost)})",
            path=path,
            remedy="check that the columns are chrom, source, feature, start, end, score, strand, frame, attributes",
        )

    frame = loci[["transcript", "gene", "gene_name", "biotype", "chrom", "strand"]].copy()
    frame["exon_starts"] = _split(start, first)
    frame["exon_ends"] = _split(end, first)
    frame["cds_start"], frame["cds_end"] = cds_start, cds_end
    frame["start"] = start[first[:-1]]
    frame = frame[keep]

    if (frame["gene"] == frame["transcript"]).all():
        within = np.repeat(keep, n_exons)
        frame["gene"] = _genes_by_overlap(frame, start[within], end[within], n_exons[keep])
        scope.count("note: gene told from overlapping exons", len(frame))

    copy = frame.groupby("transcript", sort=False).cumcount().to_numpy()
    scope.count("note: transcript id on several loci, suffix _dup added", (copy > 0).sum())
    suffix = np.where(copy > 0, "_dup" + pd.Series(copy, index=frame.index).astype(str), "")
    frame["transcript"] = frame["transcript"] + suffix
    if not (frame["cds_start"] >= 0).any():
        logger.warning("the annotation has no coding sequence: every position counts as noncoding")
    clash = frame["transcript"].duplicated()
    if clash.any():
        raise InputError(
            "a transcript id is used for several loci and cannot be made unique",
            path=path,
            value=frame.loc[clash, "transcript"].iloc[0],
            remedy="rename it in the annotation",
        )
    frame = frame.sort_values(["chrom", "start", "transcript"], kind="stable", ignore_index=True)
    return frame[column_names("transcripts", last="cds_end")]


def _genes_by_overlap(frame: pd.DataFrame, start: np.ndarray, end: np.ndarray, n_exons: np.ndarray) -> np.ndarray:
    """A gene id for each transcript: the first id in text order of those linked to it by overlapping exons."""
    owner = np.repeat(np.arange(len(frame)), n_exons)
    group = frame.groupby(["chrom", "strand"]).ngroup().to_numpy()[owner] * SPAN
    order = np.argsort(group + start, kind="stable")
    reach = np.maximum.accumulate((group + end)[order])
    patch = np.concatenate(([0], np.cumsum((group + start)[order][1:] >= reach[:-1])))
    links = scipy.sparse.coo_array(
        (np.ones(len(owner), dtype=bool), (owner[order], patch + len(frame))), shape=(len(frame) + len(owner),) * 2
    )
    _, component = scipy.sparse.csgraph.connected_components(links, directed=False)
    return frame["transcript"].groupby(component[: len(frame)]).transform("min").to_numpy()


def _split(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    rows = np.empty(len(first) - 1, dtype=object)
    for row in range(len(rows)):
        rows[row] = values[first[row] : first[row + 1]]
    return rows
