"""Files of the demo world, written as the public databases write theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.files import write_text

from .annotation import Layout, Transcript

RMBASE_COLUMNS = [
    *("chromosome", "modStart", "modEnd", "modId", "score", "strand", "modName", "modType"),
    *("supportNum", "supportList", "pubmedIds", "geneName", "geneType", "region", "sequence"),
]


def write_lines(lines: Iterable[str], path: str | Path) -> None:
    """Lines of text, gzipped if the name ends so."""
    with write_text(path) as handle:
        handle.writelines(f"{line}\n" for line in lines)


def write_fasta(records: Iterable[tuple[str, str]], path: str | Path) -> None:
    """FASTA with 60 nt per line, of headers and sequences."""
    write_lines(
        (
            line
            for header, text in records
            for line in (f">{header}", *(text[at : at + 60] for at in range(0, len(text), 60)))
        ),
        path,
    )


def write_genome(layout: Layout, path: str | Path) -> None:
    """FASTA; parts that a repeat masker would mask are in lower case."""
    write_fasta(((chrom, dna.decode("ascii")) for chrom, dna in layout.chromosomes.items()), path)


def write_gtf(layout: Layout, assembly: str, path: str | Path, *, chr_prefix: bool = True) -> None:
    """GTF in the manner of Ensembl: 1-based closed, exons in transcript order, the stop codon outside CDS and UTR.

    Parameters
    ----------
    layout : Layout
    assembly : str
        Named in the ``#!`` lines.
    path : path-like
    chr_prefix : bool
        Whether chromosomes are ``chr1`` as in UCSC's genome files, or ``1`` as in Ensembl's.
    """
    genes: dict[str, list[Transcript]] = {}
    for transcript in layout.transcripts:
        genes.setdefault(transcript.gene, []).append(transcript)
    with write_text(path) as handle:
        handle.write(f"#!genome-build {assembly}\n#!genome-version {assembly}\n#!genebuild-last-updated simulated\n")
        for isoforms in genes.values():
            for line in _gene_lines(isoforms):
                handle.write(line if chr_prefix else line.removeprefix("chr"))


def _gene_lines(isoforms: list[Transcript]) -> Iterator[str]:
    head = isoforms[0]
    shared = {"gene_id": head.gene, "gene_version": 1}
    rest = {"gene_name": head.gene_name, "gene_source": "simulated", "gene_biotype": head.biotype}
    ends = [edge for transcript in isoforms for exon in transcript.exons for edge in exon]
    yield _line(head, "gene", min(ends), max(ends), ".", {**shared, **rest})
    for transcript in isoforms:
        own = {**shared, "transcript_id": transcript.transcript, "transcript_version": 1, **rest}
        own["transcript_biotype"] = transcript.biotype
        edges = [edge for exon in transcript.exons for edge in exon]
        yield _line(transcript, "transcript", min(edges), max(edges), ".", own)
        spans = [("exon", 0, transcript.codes.size)]
        if transcript.coding:
            first, last = transcript.coding
            spans += [("CDS", first, last - 3), ("start_codon", first, first + 3), ("stop_codon", last - 3, last)]
            spans += [("five_prime_utr", 0, first), ("three_prime_utr", last, transcript.codes.size)]
        for feature, first, last in spans:
            for number, start, end, before in _pieces(transcript, first, last):
                frame = str(-before % 3) if feature in ("CDS", "start_codon", "stop_codon") else "."
                numbered = own if feature.endswith("utr") else {**own, "exon_number": number}
                yield _line(transcript, feature, start, end, frame, numbered)


def _pieces(transcript: Transcript, first: int, last: int) -> Iterator[tuple[int, int, int, int]]:
    """Exon number, genome span, and the nucleotides of the feature before it, for a span of the transcript."""
    begin = 0
    for number, (start, end) in enumerate(transcript.exons, 1):
        low, high = max(first, begin), min(last, begin + end - start)
        if low < high:
            if transcript.strand == "+":
                yield number, start + low - begin, start + high - begin, low - first
            else:
                yield number, end - (high - begin), end - (low - begin), low - first
        begin += end - start


def _line(transcript: Transcript, feature: str, start: int, end: int, frame: str, attributes: dict) -> str:
    text = " ".join(f'{key} "{value}";' for key, value in attributes.items())
    return f"{transcript.chrom}\tsimulated\t{feature}\t{start + 1}\t{end}\t.\t{transcript.strand}\t{frame}\t{text}\n"


def rmbase_rows(layout: Layout, sites: pd.DataFrame, traps: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows as in RMBase v2, with what makes such tables hard to read.

    Parameters
    ----------
    layout : Layout
    sites : pandas.DataFrame
        Columns ``chrom``, ``genome_start``, ``strand``, ``gene_name``, ``biotype``, ``region``, ``strength`` (log odds;
        the number of experiments grows with it).
    traps : int
        How many rows to add of each kind: on a contig the genome lacks; a site once more under another id; a base that
        is no A (the neighbour of a site); an A in an intergenic DRACH.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        Rows as :func:`write_rmbase` takes them and ``trap`` (``""`` for a true row), in genome order.
    """
    rows = sites.assign(
        support=1 + rng.poisson(np.exp(np.clip(sites["strength"] / 4, -2, 1.5))), trap="", origin=sites["chrom"]
    )
    extra = []
    for kind in ("unknown contig", "duplicate", "not A"):
        chosen = rows.iloc[np.sort(rng.choice(len(rows), size=min(traps, len(rows)), replace=False))].copy()
        chosen["trap"] = kind
        if kind == "unknown contig":
            chosen["chrom"] = "chrUn_sim0001"
        elif kind == "not A":
            # one downstream of the A of a DRACH is always C
            chosen["genome_start"] += np.where(chosen["strand"] == "+", 1, -1)
        extra.append(chosen)
    rows = pd.concat([rows, *extra, _intergenic(layout, traps)], ignore_index=True)
    rows = rows.sort_values(["chrom", "genome_start", "strand", "trap"], kind="stable", ignore_index=True)
    return rows.assign(modification="m6A")


def write_rmbase(rows: pd.DataFrame, layout: Layout, assembly: str, path: str | Path, kind: str = "m6A") -> None:
    """RMBase v2 download: six ``##`` lines, a ``#`` header padded with blanks, not tabs, then tab-separated rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns ``chrom``, ``genome_start``, ``strand``, ``modification``, ``support`` (number of experiments),
        ``gene_name``, ``biotype``, ``region`` and ``origin``, the chromosome that the sequence around the site is read
        on.
    layout : Layout
    assembly : str
    path : path-like
    kind : str
        What the table is said to hold.
    """
    names = [f"{kind}_site_{number}" for number in range(1, len(rows) + 1)]
    around = [
        layout.sense_text(*place, 20)
        for place in zip(rows["origin"], rows["genome_start"], rows["strand"], strict=True)
    ]
    table = pd.DataFrame(
        {
            "chromosome": rows["chrom"],
            "modStart": rows["genome_start"],
            "modEnd": rows["genome_start"] + 1,
            "modId": names,
            "score": 0,
            "strand": rows["strand"],
            "modName": names,
            "modType": rows["modification"],
            "supportNum": rows["support"],
            "supportList": [",".join(f"SIM{study + 1:03d}" for study in range(count)) for count in rows["support"]],
            "pubmedIds": "simulated",
            "geneName": rows["gene_name"],
            "geneType": rows["biotype"],
            "region": rows["region"].replace("noncoding", "exon"),
            "sequence": around,
        }
    )
    with write_text(path) as handle:
        handle.write("## provider: RMBase v2.0\n## format: bed6+\n")
        handle.write(f"## description: {assembly}_{kind}_site\n## date: simulated\n")
        handle.write("## contact: none, this table is simulated\n## please cite: nothing, this table is simulated\n")
        handle.write(("# " + "\t".join(RMBASE_COLUMNS)).expandtabs(8) + "\n")
        table[RMBASE_COLUMNS].to_csv(handle, sep="\t", header=False, index=False, lineterminator="\n")


def write_bed(sites: pd.DataFrame, path: str | Path, rng: np.random.Generator) -> None:
    """BED6 as single-nucleotide protocols deposit it: no header, score = reads, the name ends in the five nucleotides.

    Parameters
    ----------
    sites : pandas.DataFrame
        Columns ``chrom``, ``genome_start``, ``strand``, ``motif`` (RNA, 5 nucleotides).
    path : path-like
    rng : numpy.random.Generator
    """
    sites = sites.sort_values(["chrom", "genome_start", "strand"], kind="stable", ignore_index=True)
    reads = 3 + rng.poisson(6, size=len(sites))
    with write_text(path) as handle:
        for index, row in enumerate(sites.itertuples(index=False)):
            name = f"{index + 1}[gene={row.chrom}_c{index + 1}][PH={reads[index]}]_{row.motif.replace('U', 'T')}"
            handle.write(
                f"{row.chrom}\t{row.genome_start}\t{row.genome_start + 1}\t{name}\t{reads[index]}\t{row.strand}\n"
            )


def _intergenic(layout: Layout, count: int) -> pd.DataFrame:
    """DRACH A's of the forward strand before the first gene of a chromosome."""
    found = []
    for chrom, text in layout.before_genes():
        found += [
            (chrom, at) for at in range(2, len(text) - 2) if text[at - 2 : at + 3] in (b"GGACT", b"AGACA", b"GAACT")
        ]
    chosen = pd.DataFrame(found[:count], columns=["chrom", "genome_start"])
    chosen["origin"] = chosen["chrom"]
    return chosen.assign(
        strand="+", gene_name="intergenic", biotype="intergenic", region="intergenic", support=1, trap="intergenic"
    )
