"""GTF: each row of an exon says its transcript and gene."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .loci import CODING, EXON, is_of


class Gtf:
    """Attributes as ``name "text";``, see :class:`~.rows.Dialect`."""

    def __init__(self) -> None:
        self._listed: list[pa.ChunkedArray] = []
        # where a transcript has no exon row, the first of its others describes it
        self._described: tuple[list[pa.Table], list[pa.Table]] = ([], [])

    def is_cut(self, attributes: str) -> bool:
        return attributes.count('"') % 2 == 1

    def take(self, rows: pa.Table) -> pa.Table | None:
        rows = rows.filter(is_of(rows, (*EXON, *CODING, "transcript")))
        rows = rows.append_column("transcript", pc.fill_null(_attribute(rows["attributes"], "transcript_id"), ""))
        is_name = pc.equal(rows["feature"], "transcript")
        self._listed.append(rows.filter(is_name)["transcript"].combine_chunks())
        rows = rows.filter(pc.invert(is_name))
        if pc.any(pc.or_(pc.equal(rows["transcript"], ""), _unpaired(rows["attributes"]))).as_py():
            return None
        exons = rows.filter(is_of(rows, EXON))
        others = pc.invert(pc.is_in(rows["transcript"], exons["transcript"].combine_chunks()))
        self._described[0].append(_describe(exons))
        self._described[1].append(_describe(rows.filter(others)))
        return rows

    def names(self, used: pa.ChunkedArray) -> pd.DataFrame:
        names = pa.concat_tables(self._described[0] + self._described[1]).to_pandas()
        return names.drop_duplicates("transcript").set_index("transcript", drop=False)

    def listed(self) -> pd.Series:
        names = pa.chunked_array(self._listed, pa.string()).unique().to_pandas()
        return names[names != ""]

    def fault(self, feature: str, attributes: str) -> tuple[str, str] | None:
        if feature not in (*EXON, *CODING):
            return None
        if self.is_cut(attributes):
            return "a quotation mark is never closed", "the file may be cut off, fetch it again"
        found = re.search(_pattern("transcript_id"), attributes)
        if not found or not (found["quoted"] or found["bare"]):
            return "the attributes have no transcript_id", "give each exon a transcript_id"
        if not re.search(_pattern("gene_id"), attributes):
            return "the attributes have no gene_id", "give each exon a gene_id"
        return None


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
