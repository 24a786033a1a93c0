"""Files of gene annotation: GTF, GFF3 and UCSC gene tables, each read into :class:`~.loci.Loci`."""

from __future__ import annotations

from pathlib import Path

from ...files import open_text
from .gene_pred import read_gene_table, strand_column
from .gff3 import Gff3, is_gff3
from .gtf import Gtf
from .loci import Loci
from .rows import HEADER_LINES, read_rows


def read_loci(path: str | Path) -> Loci:
    """Exons and coding sequences of an annotation; its first data line with attributes tells the format."""
    with open_text(path) as handle:
        for line in handle:
            if not line.strip() or line.startswith(HEADER_LINES):
                continue
            fields = line.rstrip("\n").split("\t")
            if strand_column(fields) is not None:
                return read_gene_table(path)
            if fields[-1] not in (".", ""):
                return read_rows(path, Gff3() if is_gff3(fields[-1]) else Gtf())
    return read_rows(path, Gtf())
