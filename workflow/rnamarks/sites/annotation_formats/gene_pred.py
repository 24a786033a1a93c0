"""UCSC gene tables: one row per transcript, 0-based and half-open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import InputError
from ...files import open_text
from .loci import Loci
from .rows import HEADER_LINES


def strand_column(fields: list[str]) -> int | None:
    """Index of the strand in a genePred row (2, or 3 behind a ``bin`` column), None for other rows."""
    for column, lengths in ((3, (11, 16)), (2, (10, 11, 12, 15))):
        if len(fields) in lengths and fields[column] in ("+", "-") and fields[column + 5].isdecimal():
            return column
    return None


def read_gene_table(path: str | Path) -> Loci:
    """A table such as UCSC's ``refGene.txt``: genePred, with or without its ``bin`` column."""
    starts: list[np.ndarray] = []
    ends: list[np.ndarray] = []
    rows = []
    n_fields = 0
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip() or line.startswith(HEADER_LINES):
                continue
            fields = line.rstrip("\n").split("\t")
            n_fields = n_fields or len(fields)
            column = strand_column(fields)
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
    return Loci(locus, np.concatenate(starts), np.concatenate(ends), loci)
