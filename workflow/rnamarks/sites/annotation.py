"""Gene annotation: GTF in its dialects and UCSC gene tables, as one row per transcript.

Whatever the file counts from, positions inside the project are 0-based and half-open. The coding sequence
runs from the first base of the start codon up to and with the stop codon: GTF as Ensembl and UCSC write it
leaves the stop codon out of its ``CDS`` rows, so ``stop_codon`` rows are joined to them; a file that already
counts the stop codon gives the same interval. UTR rows are not read, a UTR is exon without coding sequence.
Where a transcript has no exon row, as NCBI gives coding genes of bacteria, organelles and viruses, its ``CDS`` and
``stop_codon`` rows are its exons.
"""

from __future__ import annotations

import io
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import scipy

from ..dictionary import column_names
from ..errors import InputError
from ..files import open_bytes, open_text
from .coordinates import SPAN
from .drops import Drops

STAGE = "transcripts"
logger = logging.getLogger(__name__)

_GTF_COLUMNS = ("chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes")
_BLOCK = 1 << 25
_FEATURES = ("exon", "CDS", "stop_codon", "transcript")
_HEADER_LINES = ("#", "track ", "browser ")


def read_annotation(path: str | Path, drops: Drops, *, subject: str = "") -> pd.DataFrame:
    """Transcripts of a GTF file or of a UCSC gene table (genePred, with or without its ``bin`` column).

    Parameters
    ----------
    path : path-like
        Plain or gzipped. GTF of Ensembl, GENCODE or UCSC (which has no gene and no transcript rows), or a
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
    flat = _read_gene_table(path) if _is_gene_table(path) else _read_gtf(path)
    if not len(flat.loci):
        raise InputError("the annotation has no exon", path=path, remedy="give a GTF with exon rows")
    return _assemble(flat, drops, subject, path)


@dataclass
class _Flat:
    """Exons of all loci one after another, and a table of the loci.

    ``locus``, ``start`` and ``end`` have one entry per exon row; ``loci`` has the columns ``transcript``,
    ``gene``, ``gene_name``, ``biotype``, ``chrom``, ``strand``, ``cds_low``, ``cds_high`` (0-based half-open on
    the genome, -1 for none). ``from_cds`` is the number of loci whose CDS rows serve as exons, ``bare`` that of
    transcripts that are named without exon and CDS rows.
    """

    locus: np.ndarray
    start: np.ndarray
    end: np.ndarray
    loci: pd.DataFrame
    from_cds: int = 0
    bare: int = 0


def _assemble(flat: _Flat, drops: Drops, subject: str, path: str | Path) -> pd.DataFrame:
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


class _Tail(io.BufferedIOBase):
    """Bytes of another file as they are read, whose end is kept."""

    KEPT = 1 << 16

    def __init__(self, handle: BinaryIO) -> None:
        self._handle, self.end = handle, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        block = self._handle.read(size)
        self.end = (self.end + block)[-self.KEPT :]
        return block


def _check_end(end: bytes, path: str | Path) -> None:
    """Raise :class:`InputError` if a GTF file ends inside a line; a warning where that cannot be told."""
    if not end or end.endswith((b"\n", b"\r")):
        return
    *lines, last = end.decode("utf-8", "replace").splitlines()
    # the first of them may have begun earlier
    lines = lines[len(end) == _Tail.KEPT :]
    if last.startswith(_HEADER_LINES):
        return
    feature = "\t".join(last.split("\t")[2:3])
    alike = [line for line in lines if line.split("\t")[2:3] == [feature]]
    closed = {line.rstrip().endswith(";") for line in alike}
    if alike and (
        closed == {not last.rstrip().endswith(";")} or last.count(";") < min(line.count(";") for line in alike)
    ):
        raise InputError(
            "the file ends inside a line", path=path, value=last[-40:], remedy="it is cut off, fetch it again"
        )
    logger.warning("%s: the last line has no end: the file may be cut off", path)


def _pattern(name: str) -> str:
    """Regular expression of an attribute: whole attributes before it are passed over, text in quotes is text."""
    return rf'^(?:(?:[^";]|"[^"]*")*;)*?\s*{name}[ \t]+(?:"(?P<quoted>[^"]*)"|(?P<bare>[^";]*))'


def _attribute(rows: pa.ChunkedArray | pa.Array, *names: str) -> pa.ChunkedArray | pa.Array:
    """Value of the first attribute of these names in each GTF attribute field, null where there is none."""
    found = pa.nulls(len(rows), pa.string())
    for name in names:
        # the search for an attribute that is not there is the slowest
        if found.null_count and pc.any(pc.match_substring(rows, name)).as_py():
            groups = pc.extract_regex(rows, _pattern(name))
            parts = [pc.struct_field(groups, part) for part in ("quoted", "bare")]
            found = pc.coalesce(found, pc.binary_join_element_wise(*parts, ""))
    return found


def _unpaired(rows: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Whether a quotation mark of each attribute field is never closed."""
    return pc.equal(pc.bit_wise_and(pc.count_substring(rows, '"'), 1), 1)


def _read_gtf(path: str | Path) -> _Flat:
    def skip_headers(row: pcsv.InvalidRow) -> str:
        return "skip" if row.text is not None and row.text.startswith(_HEADER_LINES) else "error"

    types = dict.fromkeys(_GTF_COLUMNS, pa.string()) | {"start": pa.int64(), "end": pa.int64()}
    pieces: list[pa.Table] = []
    described: dict[str, list[pa.Table]] = {"exon": [], "CDS": []}
    named: list[pa.ChunkedArray] = []
    try:
        with open_bytes(path) as raw:
            handle = _Tail(raw)
            # one thread: with several, the handler gets no row text in some versions of Arrow
            batches = pcsv.open_csv(
                handle,
                pcsv.ReadOptions(column_names=_GTF_COLUMNS, block_size=_BLOCK, use_threads=False),
                pcsv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=skip_headers),
                pcsv.ConvertOptions(
                    column_types=types,
                    include_columns=["chrom", "feature", "start", "end", "strand", "attributes"],
                    null_values=[],
                    strings_can_be_null=False,
                ),
            )
            for batch in batches:
                rows = pa.table(batch)
                # a file that was cut off ends inside a line, of whatever feature
                if rows.num_rows and _unpaired(rows["attributes"].slice(rows.num_rows - 1))[0].as_py():
                    raise _fault(path)
                rows = rows.filter(pc.invert(pc.starts_with(rows["chrom"], "#")))
                if pc.any(pc.or_(pc.less(rows["start"], 1), pc.less(rows["end"], rows["start"]))).as_py():
                    raise _fault(path)
                rows = rows.filter(pc.is_in(rows["feature"], pa.array(_FEATURES)))
                if not rows.num_rows:
                    continue
                ids = pc.fill_null(_attribute(rows["attributes"], "transcript_id"), "")
                rows = rows.append_column("transcript", ids)
                is_name = pc.equal(rows["feature"], "transcript")
                named.append(rows.filter(is_name)["transcript"].combine_chunks())
                rows = rows.filter(pc.invert(is_name))
                if pc.any(pc.or_(pc.equal(rows["transcript"], ""), _unpaired(rows["attributes"]))).as_py():
                    raise _fault(path)
                is_exon = pc.equal(rows["feature"], "exon")
                exons = rows.filter(is_exon)
                described["exon"].append(_describe(exons))
                alone = pc.invert(pc.or_(is_exon, pc.is_in(rows["transcript"], exons["transcript"].combine_chunks())))
                described["CDS"].append(_describe(rows.filter(alone)))
                pieces.append(rows.drop_columns(["attributes"]))
    except pa.ArrowInvalid as error:
        raise _fault(path, f"the annotation cannot be read: {error}".splitlines()[0]) from error
    _check_end(handle.end, path)
    if not pieces:
        raise _fault(path)
    names = pa.concat_tables(described["exon"] + described["CDS"]).to_pandas()
    flat = _gather(pa.concat_tables(pieces), names.drop_duplicates("transcript").set_index("transcript"))
    if flat.loci["gene"].isna().any():
        raise _fault(path)
    listed = pa.chunked_array(named, pa.string()).unique().to_pandas()
    flat.bare = int((~listed.isin(flat.loci["transcript"]) & (listed != "")).sum())
    return flat


def _describe(rows: pa.Table) -> pa.Table:
    """Gene (null where none is stated), name and biotype of each transcript id, read from its first row."""
    codes = pc.dictionary_encode(rows["transcript"].combine_chunks())
    _, at = np.unique(codes.indices.to_numpy(zero_copy_only=False), return_index=True)
    rows = rows.take(pa.array(np.sort(at)))
    attributes = rows["attributes"]
    biotype = _attribute(attributes, "transcript_biotype", "transcript_type", "gene_biotype", "gene_type")
    return pa.table(
        {
            "transcript": rows["transcript"],
            "gene": _attribute(attributes, "gene_id"),
            "gene_name": pc.fill_null(_attribute(attributes, "gene_name", "gene"), ""),
            "biotype": pc.fill_null(biotype, ""),
        }
    )


def _gather(rows: pa.Table, names: pd.DataFrame) -> _Flat:
    """Exons and loci of GTF rows; ``names`` has gene, gene_name and biotype by transcript."""
    frame = pd.DataFrame(
        {
            name: pd.Categorical.from_codes(
                (column := rows[name].combine_chunks().dictionary_encode()).indices.to_numpy(zero_copy_only=False),
                column.dictionary.to_pylist(),
            )
            for name in ("transcript", "chrom", "strand")
        }
    )
    start = rows["start"].to_numpy() - 1
    end = rows["end"].to_numpy()
    exon, cds = (pc.equal(rows["feature"], name).to_numpy(zero_copy_only=False) for name in ("exon", "CDS"))

    n_chrom, n_strand = len(frame["chrom"].cat.categories), len(frame["strand"].cat.categories)
    key = frame["transcript"].cat.codes.to_numpy().astype(np.int64)
    key = (key * n_chrom + frame["chrom"].cat.codes.to_numpy()) * n_strand + frame["strand"].cat.codes.to_numpy()
    serves = ~exon & np.isin(key, key[cds]) & ~np.isin(key, key[exon])
    used = np.flatnonzero(exon | serves)
    keys, first, locus = np.unique(key[used], return_index=True, return_inverse=True)

    loci = frame.iloc[used[first]].astype(str).reset_index(drop=True)
    for name in ("gene", "gene_name", "biotype"):
        loci[name] = names[name].reindex(loci["transcript"]).to_numpy()

    coding = ~exon
    at = np.searchsorted(keys, key[coding])
    known = (at < len(keys)) & (keys[np.minimum(at, len(keys) - 1)] == key[coding]) if len(keys) else at < 0
    low = np.full(len(keys), np.iinfo(np.int64).max)
    high = np.full(len(keys), -1, dtype=np.int64)
    np.minimum.at(low, at[known], start[coding][known])
    np.maximum.at(high, at[known], end[coding][known])
    loci["cds_low"], loci["cds_high"] = np.where(high < 0, -1, low), high
    # several loci of one id keep the order of the file
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    own, served = exon[used], serves[used]
    joined = _join_touching(rank[locus][served], start[used][served], end[used][served])
    parts = zip((rank[locus][own], start[used][own], end[used][own]), joined, strict=True)
    return _Flat(
        *(np.concatenate(part) for part in parts),
        loci.iloc[order].reset_index(drop=True),
        from_cds=len(np.unique(key[serves])),
    )


def _join_touching(locus: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals of each locus with those joined that touch or overlap, as a stop codon and its CDS do."""
    order = np.lexsort((start, locus))
    locus, start, end = locus[order], start[order], end[order]
    reach = np.maximum.accumulate(locus * SPAN + end)
    begins = np.ones(len(locus), dtype=bool)
    begins[1:] = locus[1:] * SPAN + start[1:] > reach[:-1]
    at = np.flatnonzero(begins)
    ends = np.maximum.reduceat(end, at) if len(at) else end
    return locus[at], start[at], ends


def _fault(path: str | Path, otherwise: str = "the annotation has no exon") -> InputError:
    """The error for the first line of a GTF file that cannot be read, found by reading it again line by line."""
    transcript, gene = re.compile(_pattern("transcript_id")), re.compile(_pattern("gene_id"))
    lines, last = 0, 0
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line or line.startswith(_HEADER_LINES):
                continue
            lines += 1

            def wrong(what: str, value: object, remedy: str, number: int = number) -> InputError:
                return InputError(what, path=path, line=number, value=value, remedy=remedy)

            fields = line.split("\t")
            if len(fields) != len(_GTF_COLUMNS):
                return wrong(
                    f"a GTF line has 9 tab-separated fields, this one {len(fields)}", line, "give GTF or a UCSC table"
                )
            for name, text in (("start", fields[3]), ("end", fields[4])):
                if not re.fullmatch(r"[0-9]+", text):
                    return wrong(f"the {name} is not a whole number", text, "repair the line")
            if int(fields[3]) < 1:
                return wrong("the start is not 1 or more", fields[3], "GTF counts from 1, repair the line")
            if int(fields[4]) < int(fields[3]):
                return wrong("the end lies before the start", f"{fields[3]}-{fields[4]}", "repair the line")
            last = number if fields[8].count('"') % 2 else 0
            if fields[2] not in _FEATURES or fields[2] == "transcript":
                continue
            if last:
                break
            found = transcript.search(fields[8])
            if not found or not (found["quoted"] or found["bare"]):
                remedy = "convert GFF3 to GTF" if "Parent=" in fields[8] else "give each exon a transcript_id"
                return wrong("the attributes have no transcript_id", fields[8], remedy)
            if not gene.search(fields[8]):
                return wrong("the attributes have no gene_id", fields[8], "give each exon a gene_id")
    if last:
        return wrong("a quotation mark is never closed", fields[8], "the file may be cut off, fetch it again")
    if not lines:
        return InputError("the annotation is empty", path=path, remedy="give a GTF with exon rows")
    return InputError(otherwise, path=path, remedy="give a GTF with exon rows")


def _is_gene_table(path: str | Path) -> bool:
    with open_text(path) as handle:
        for line in handle:
            if line.strip() and not line.startswith(_HEADER_LINES):
                return _strand_column(line.rstrip("\n").split("\t")) is not None
    return False


def _strand_column(fields: list[str]) -> int | None:
    """Index of the strand in a genePred row (2, or 3 behind a ``bin`` column), None for other rows."""
    for column, lengths in ((3, (11, 16)), (2, (10, 11, 12, 15))):
        if len(fields) in lengths and fields[column] in ("+", "-") and fields[column + 5].isdecimal():
            return column
    return None


def _read_gene_table(path: str | Path) -> _Flat:
    starts: list[np.ndarray] = []
    ends: list[np.ndarray] = []
    rows = []
    n_fields = 0
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip() or line.startswith(_HEADER_LINES):
                continue
            fields = line.rstrip("\n").split("\t")
            n_fields = n_fields or len(fields)
            column = _strand_column(fields)
            try:
                if column is None or len(fields) != n_fields:
                    raise ValueError
                name, chrom, strand, _, _, cds_low, cds_high, n_exons, exon_starts, exon_ends = fields[
                    column - 2 : column + 8
                ]
                start, end = (
                    np.array(text.rstrip(",").split(","), dtype=np.int64) for text in (exon_starts, exon_ends)
                )
                low, high = int(cds_low), int(cds_high)
                if not len(start) == len(end) == int(n_exons) or start.min() < 0 or (end <= start).any():
                    raise ValueError
            except (ValueError, OverflowError) as error:
                raise InputError(
                    "the line is no row of a UCSC gene table", path=path, line=number, value=line, remedy="repair it"
                ) from error
            gene_name = fields[column + 9] if len(fields) >= column + 13 else ""
            coding = high > low
            rows.append(
                (name, gene_name or name, gene_name, "", chrom, strand, low if coding else -1, high if coding else -1)
            )
            starts.append(start)
            ends.append(end)
    names = ["transcript", "gene", "gene_name", "biotype", "chrom", "strand", "cds_low", "cds_high"]
    loci = pd.DataFrame(rows, columns=names)
    locus = np.repeat(np.arange(len(rows)), [len(start) for start in starts])
    return _Flat(locus, np.concatenate(starts), np.concatenate(ends), loci)
