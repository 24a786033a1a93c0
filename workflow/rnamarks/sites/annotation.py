"""Gene annotation: GTF in its dialects and UCSC gene tables, as one row per transcript.

Whatever the file counts from, positions inside the project are 0-based and half-open. The coding sequence
runs from the first base of the start codon up to and with the stop codon: GTF as Ensembl and UCSC write it
leaves the stop codon out of its ``CDS`` rows, so ``stop_codon`` rows are joined to them; a file that already
counts the stop codon gives the same interval. UTR rows are not read, a UTR is exon without coding sequence.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..errors import InputError
from ..files import is_gzipped, open_text
from .coordinates import SPAN
from .drops import Drops
from .site_tables import canonical_chromosome

ANNOTATION_COLUMNS = (
    "transcript",
    "gene",
    "gene_name",
    "biotype",
    "chrom",
    "strand",
    "exon_starts",
    "exon_ends",
    "cds_start",
    "cds_end",
)
STAGE = "transcripts"

_GTF_COLUMNS = ("chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes")
_BLOCK = 1 << 25
_FEATURES = ("exon", "CDS", "stop_codon")
_HEADER_LINES = ("#", "track ", "browser ")


def read_annotation(path: str | Path, drops: Drops, *, species: str = "") -> pd.DataFrame:
    """Transcripts of a GTF file or of a UCSC gene table (genePred, with or without its ``bin`` column).

    Parameters
    ----------
    path : path-like
        Plain or gzipped. GTF of Ensembl, GENCODE or UCSC (which has no gene and no transcript rows), or a
        table like UCSC's ``refGene.txt``; the first data line tells which.
    drops : Drops
        Takes the counts, in transcripts, under the stage ``transcripts``.
    species : str
        For the drops table.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`ANNOTATION_COLUMNS`, sorted by chromosome, first base and id. ``exon_starts`` and
        ``exon_ends`` are int64 arrays, 0-based half-open on the genome, ascending on either strand;
        ``cds_start`` and ``cds_end`` are 0-based half-open on the spliced transcript, 5' to 3', -1 where
        there is no coding sequence. Unknown text is ``""``. Chromosome names are the file's.

    Raises
    ------
    InputError
        If the file is missing, empty or cut off, or a line is no annotation; the line is named.

    Notes
    -----
    One id on two loci (another chromosome or strand, as RefSeq gives the pseudoautosomal genes) is two
    transcripts; the second gets the suffix ``_dup1``, the third ``_dup2``. Transcripts whose exons overlap
    each other, whose coding sequence leaves the exons, or that have no strand are dropped and counted.

    Tables that UCSC's table browser turned into GTF give every transcript its own id as gene id. If no two
    transcripts share a gene id and each gene id is the transcript's, those whose exons overlap on one strand
    are taken for one gene, named by the first of their ids in text order, and counted.
    """
    flat = _read_gene_table(path) if _is_gene_table(path) else _read_gtf(path)
    if not len(flat.loci):
        raise InputError("the annotation has no exon", path=path, remedy="give a GTF with exon rows")
    return _assemble(flat, drops, species, path)


def match_contigs(names: Iterable[str], genome_names: Iterable[str]) -> dict[str, str]:
    """Pair names of chromosomes with those of a genome: as they are, else by :func:`canonical_chromosome`.

    Returns
    -------
    dict of str to str
        From the given name to the genome's; names that the genome lacks, or has twice, are left out.
    """
    exact = set(genome_names)
    by_key: dict[str, set[str]] = {}
    for name in exact:
        by_key.setdefault(canonical_chromosome(name), set()).add(name)
    pairs = {}
    for name in dict.fromkeys(names):
        same = by_key.get(canonical_chromosome(name), set())
        if name in exact:
            pairs[name] = name
        elif len(same) == 1:
            pairs[name] = next(iter(same))
    return pairs


@dataclass
class _Flat:
    """Exons of all loci one after another, and a table of the loci.

    ``locus``, ``start`` and ``end`` have one entry per exon row; ``loci`` has the columns ``transcript``,
    ``gene``, ``gene_name``, ``biotype``, ``chrom``, ``strand``, ``cds_low``, ``cds_high`` (0-based half-open on
    the genome, -1 for none).
    """

    locus: np.ndarray
    start: np.ndarray
    end: np.ndarray
    loci: pd.DataFrame


def _assemble(flat: _Flat, drops: Drops, species: str, path: str | Path) -> pd.DataFrame:
    scope = drops.scope(STAGE, species, "annotation")
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
    for bad, reason in (
        (strandless, "no strand"),
        (overlapping, "exons overlap each other"),
        (astray, "coding sequence outside the exons"),
    ):
        scope.count(reason, (keep & bad).sum())
        keep &= ~bad
    scope.count("kept", keep.sum())

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
    clash = frame["transcript"].duplicated()
    if clash.any():
        raise InputError(
            "a transcript id is used for several loci and cannot be made unique",
            path=path,
            value=frame.loc[clash, "transcript"].iloc[0],
            remedy="rename it in the annotation",
        )
    frame = frame.sort_values(["chrom", "start", "transcript"], kind="stable", ignore_index=True)
    return frame[list(ANNOTATION_COLUMNS)]


def _genes_by_overlap(frame: pd.DataFrame, start: np.ndarray, end: np.ndarray, n_exons: np.ndarray) -> np.ndarray:
    """A gene id for each transcript: the first id in text order of those linked to it by overlapping exons."""
    owner = np.repeat(np.arange(len(frame)), n_exons)
    group = frame.groupby(["chrom", "strand"]).ngroup().to_numpy()[owner] * SPAN
    order = np.argsort(group + start, kind="stable")
    reach = np.maximum.accumulate((group + end)[order])
    patch = np.concatenate(([0], np.cumsum((group + start)[order][1:] >= reach[:-1])))
    links = coo_array(
        (np.ones(len(owner), dtype=bool), (owner[order], patch + len(frame))), shape=(len(frame) + len(owner),) * 2
    )
    _, component = connected_components(links, directed=False)
    return frame["transcript"].groupby(component[: len(frame)]).transform("min").to_numpy()


def _split(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    rows = np.empty(len(first) - 1, dtype=object)
    for row in range(len(rows)):
        rows[row] = values[first[row] : first[row + 1]]
    return rows


@contextmanager
def _open_bytes(path: str | Path) -> Iterator[BinaryIO]:
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", path=path, remedy="check the path in the configuration")
    with gzip.open(path, "rb") if is_gzipped(path) else open(path, "rb") as handle:
        yield handle


def _attribute(rows: pa.ChunkedArray | pa.Array, *names: str) -> pa.ChunkedArray | pa.Array:
    """Value of the first attribute of these names in each GTF attribute field, null where there is none."""
    found = []
    for name in names:
        pattern = rf'(?:^|[;\s]){name}[ \t]+"?(?P<value>[^";]*)"?'
        found.append(pc.struct_field(pc.extract_regex(rows, pattern), "value"))
    return found[0] if len(found) == 1 else pc.coalesce(*found)


def _read_gtf(path: str | Path) -> _Flat:
    def skip_headers(row: pcsv.InvalidRow) -> str:
        return "skip" if row.text is not None and row.text.startswith(_HEADER_LINES) else "error"

    types = dict.fromkeys(_GTF_COLUMNS, pa.string()) | {"start": pa.int64(), "end": pa.int64()}
    pieces: list[pa.Table] = []
    described: list[pa.Table] = []
    try:
        with _open_bytes(path) as handle:
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
                rows = rows.filter(pc.invert(pc.starts_with(rows["chrom"], "#")))
                if pc.any(pc.or_(pc.less(rows["start"], 1), pc.less(rows["end"], rows["start"]))).as_py():
                    raise _fault(path)
                rows = rows.filter(pc.is_in(rows["feature"], pa.array(_FEATURES)))
                if not rows.num_rows:
                    continue
                ids = _attribute(rows["attributes"], "transcript_id")
                if ids.null_count or pc.any(pc.equal(pc.binary_length(ids), 0)).as_py():
                    raise _fault(path)
                rows = rows.append_column("transcript", ids)
                described.append(_describe(rows, path))
                pieces.append(rows.drop_columns(["attributes"]))
    except (EOFError, gzip.BadGzipFile) as error:
        raise InputError("the gzip stream is cut off or corrupt", path=path, remedy="fetch the file again") from error
    except pa.ArrowInvalid as error:
        raise _fault(path, f"the annotation cannot be read: {error}".splitlines()[0]) from error
    if not pieces:
        raise _fault(path)
    return _gather(pa.concat_tables(pieces), pa.concat_tables(described))


def _describe(rows: pa.Table, path: str | Path) -> pa.Table:
    """Gene, name and biotype of each transcript id that has an exon in ``rows``, read from its first exon."""
    exons = rows.filter(pc.equal(rows["feature"], "exon"))
    codes = pc.dictionary_encode(exons["transcript"].combine_chunks())
    _, at = np.unique(codes.indices.to_numpy(zero_copy_only=False), return_index=True)
    exons = exons.take(pa.array(np.sort(at)))
    attributes = exons["attributes"]
    gene = _attribute(attributes, "gene_id")
    if gene.null_count:
        raise _fault(path)
    return pa.table(
        {
            "transcript": exons["transcript"],
            "gene": gene,
            "gene_name": pc.fill_null(_attribute(attributes, "gene_name", "gene"), ""),
            "biotype": pc.fill_null(
                _attribute(attributes, "transcript_biotype", "transcript_type", "gene_biotype", "gene_type"), ""
            ),
        }
    )


def _gather(rows: pa.Table, described: pa.Table) -> _Flat:
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
    exon = pc.equal(rows["feature"], "exon").to_numpy(zero_copy_only=False)

    n_chrom, n_strand = len(frame["chrom"].cat.categories), len(frame["strand"].cat.categories)
    key = frame["transcript"].cat.codes.to_numpy().astype(np.int64)
    key = (key * n_chrom + frame["chrom"].cat.codes.to_numpy()) * n_strand + frame["strand"].cat.codes.to_numpy()
    keys, first, locus = np.unique(key[exon], return_index=True, return_inverse=True)

    loci = frame[exon].iloc[first].astype(str).reset_index(drop=True)
    names = described.to_pandas().drop_duplicates("transcript").set_index("transcript")
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
    return _Flat(rank[locus], start[exon], end[exon], loci.iloc[order].reset_index(drop=True))


def _fault(path: str | Path, otherwise: str = "the annotation has no exon") -> InputError:
    """The error for the first line of a GTF file that cannot be read, found by reading it again line by line."""
    transcript = re.compile(r'(?:^|[;\s])transcript_id[ \t]+"?([^";]+)"?')
    gene = re.compile(r'(?:^|[;\s])gene_id[ \t]+"?')
    lines = 0
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
            if fields[2] not in _FEATURES:
                continue
            if not transcript.search(fields[8]):
                remedy = "convert GFF3 to GTF" if "Parent=" in fields[8] else "give each exon a transcript_id"
                return wrong("the attributes have no transcript_id", fields[8], remedy)
            if fields[2] == "exon" and not gene.search(fields[8]):
                return wrong("the attributes have no gene_id", fields[8], "give each exon a gene_id")
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
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip() or line.startswith(_HEADER_LINES):
                continue
            fields = line.rstrip("\n").split("\t")
            column = _strand_column(fields)
            try:
                if column is None:
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
            except ValueError as error:
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
