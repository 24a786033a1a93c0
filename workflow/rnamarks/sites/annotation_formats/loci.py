"""Exons and coding sequences of an annotation, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..coordinates import SPAN

EXON = ("exon", "pseudogenic_exon", "noncoding_exon")
CODING = ("CDS", "stop_codon")
UTR = ("five_prime_UTR", "three_prime_UTR", "five_prime_utr", "three_prime_utr", "UTR", "5UTR", "3UTR")


@dataclass
class Loci:
    """Exons of all loci one after another, and a table of the loci.

    ``locus``, ``start`` and ``end`` have one entry per exon row; ``loci`` has the columns ``transcript``, ``gene``,
    ``gene_name``, ``biotype``, ``chrom``, ``strand``, ``cds_low``, ``cds_high`` (0-based half-open on
    the genome, -1 for none). ``from_cds`` is the number of loci whose CDS rows serve as exons, ``bare`` that of
    transcripts that are named without exon and CDS rows.
    """

    locus: np.ndarray
    start: np.ndarray
    end: np.ndarray
    loci: pd.DataFrame
    from_cds: int = 0
    bare: int = 0


def is_of(rows: pa.Table, kinds: tuple[str, ...]) -> pa.ChunkedArray:
    """Whether the feature of each row is one of these."""
    return pc.is_in(rows["feature"], pa.array(kinds))


def gather(rows: pa.Table, names: pd.DataFrame) -> Loci:
    """Exons and loci of annotated rows.

    Parameters
    ----------
    rows : pyarrow.Table
        ``chrom``, ``feature``, ``start`` and ``end`` (1-based, closed), ``strand``, ``transcript`` (an id).
    names : pandas.DataFrame
        ``transcript``, ``gene``, ``gene_name`` and ``biotype`` of each id.
    """
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
    exon, cds, coding = (is_of(rows, kinds).to_numpy(zero_copy_only=False) for kinds in (EXON, ("CDS",), CODING))

    n_chrom, n_strand = len(frame["chrom"].cat.categories), len(frame["strand"].cat.categories)
    key = frame["transcript"].cat.codes.to_numpy().astype(np.int64)
    key = (key * n_chrom + frame["chrom"].cat.codes.to_numpy()) * n_strand + frame["strand"].cat.codes.to_numpy()
    serves = ~exon & np.isin(key, key[cds]) & ~np.isin(key, key[exon])
    used = np.flatnonzero(exon | serves)
    keys, first, locus = np.unique(key[used], return_index=True, return_inverse=True)

    loci = frame.iloc[used[first]].astype(str).reset_index(drop=True)
    loci["id"] = loci["transcript"]
    names = names.reindex(loci["id"])
    for name in ("transcript", "gene", "gene_name", "biotype"):
        loci[name] = names[name].to_numpy()

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
    return Loci(
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
