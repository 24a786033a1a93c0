"""What a genome of the demo world looks like on its chromosomes: sequence, gene features, candidate sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnamarks.sites.motifs import find_motif

from .evolution import Genome
from .genes import GeneCopy, Isoform
from .rule import raw_terms

_DNA = np.frombuffer(b"ACGTN", dtype=np.uint8)
_GAP = 50
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True)
class Transcript:
    """One transcript of a species.

    Attributes
    ----------
    transcript, gene, gene_name, biotype, chrom, strand : str
    exons : list of (int, int)
        0-based half-open on the chromosome, 5' to 3' of the transcript.
    codes : numpy.ndarray, shape=(length,), dtype=uint8
        Spliced RNA, 5' to 3'.
    genome : numpy.ndarray, shape=(length,)
        0-based position on the chromosome of each nucleotide.
    columns : numpy.ndarray, shape=(length,)
        Column of the gene of each nucleotide.
    coding : (int, int) or None
        Half-open span of the coding sequence on the transcript, start and stop codon included.
    """

    transcript: str
    gene: str
    gene_name: str
    biotype: str
    chrom: str
    strand: str
    exons: list[tuple[int, int]]
    codes: np.ndarray
    genome: np.ndarray
    columns: np.ndarray
    coding: tuple[int, int] | None

    def region(self, position: int) -> str:
        """``utr5``, ``cds``, ``utr3`` or ``noncoding``."""
        if self.coding is None:
            return "noncoding"
        return "utr5" if position < self.coding[0] else "cds" if position < self.coding[1] else "utr3"


@dataclass(frozen=True)
class Layout:
    """A species' genome, laid out.

    Attributes
    ----------
    species : str
    chromosomes : dict of str to bytes
        DNA of the forward strand by name, masked parts in lower case.
    transcripts : list of Transcript
        In the order of the chromosomes; the isoforms of a gene lie together, the fullest first.
    families : dict of str to int
        Family of each gene.
    hidden : dict of str to numpy.ndarray
        What each gene's columns carry unseen (see :class:`~rnamarks_simulation.genes.GeneCopy`).
    """

    species: str
    chromosomes: dict[str, bytes]
    transcripts: list[Transcript]
    families: dict[str, int]
    hidden: dict[str, np.ndarray]

    def representatives(self) -> list[Transcript]:
        """The fullest transcript of each gene (longest coding sequence, then longest), in genome order."""
        first: dict[str, Transcript] = {}
        for transcript in self.transcripts:
            first.setdefault(transcript.gene, transcript)
        return list(first.values())

    def sense_text(self, chrom: str, start: int, strand: str, flank: int) -> str:
        """DNA of the sense strand around a 0-based position of a chromosome, ``2 * flank + 1`` nt."""
        text = self.chromosomes[chrom][start - flank : start + flank + 1].decode("ascii").upper()
        return text if strand == "+" else text.translate(_COMPLEMENT)[::-1]

    def before_genes(self) -> list[tuple[str, bytes]]:
        """Forward strand of each chromosome, in capitals, up to 5 nt before its first gene."""
        first: dict[str, int] = {}
        for entry in self.transcripts:
            for start, _ in entry.exons:
                first[entry.chrom] = min(start, first.get(entry.chrom, start))
        return [(chrom, dna[: first[chrom] - 5].upper()) for chrom, dna in self.chromosomes.items()]


@dataclass(frozen=True)
class Candidates:
    """DRACH A's of a species, one per place on the genome.

    Attributes
    ----------
    transcripts : list of Transcript
        The transcript that each was found on: the fullest one that has a DRACH there. Length n_sites.
    positions : numpy.ndarray, shape=(n_sites,)
        0-based on that transcript.
    terms : numpy.ndarray, shape=(n_sites, 6)
        See :func:`~rnamarks_simulation.rule.raw_terms`.
    hidden : numpy.ndarray, shape=(n_sites,)
    """

    transcripts: list[Transcript]
    positions: np.ndarray
    terms: np.ndarray
    hidden: np.ndarray


def lay_out(species: str, genome: Genome) -> Layout:
    """Chromosomes and transcripts of a genome; each chromosome starts and ends with 50 N, as assemblies do."""
    chromosomes, transcripts, families, hidden = {}, [], {}, {}
    for number, genes in enumerate(genome.chromosomes, 1):
        chrom = f"chr{number}"
        pieces, offset = [b"N" * _GAP], _GAP
        for gene in genes:
            dna = _dna(gene)
            name = gene_id(species, gene)
            families[name], hidden[name] = gene.model.family, gene.hidden
            transcripts += [
                _transcript(gene, isoform, index, species, chrom, offset, len(dna))
                for index, isoform in enumerate(gene.model.isoforms, 1)
            ]
            pieces.append(dna)
            offset += len(dna)
        chromosomes[chrom] = b"".join([*pieces, b"N" * _GAP])
    return Layout(species, chromosomes, transcripts, families, hidden)


def gene_id(species: str, gene: GeneCopy) -> str:
    """Identifier in the manner of Ensembl, unique among species."""
    return f"SIM{species.upper()}G{gene.copy:06d}{gene.model.family:05d}"


def candidates(layout: Layout) -> Candidates:
    """Every DRACH A of every transcript, each place on the genome once."""
    seen: set[tuple[str, str, int]] = set()
    owners: list[Transcript] = []
    positions, terms, hidden = [], [], []
    for transcript in layout.transcripts:
        at = find_motif(transcript.codes, "DRACH", 2)
        keys = [(transcript.chrom, transcript.strand, int(place)) for place in transcript.genome[at]]
        at = at[[key not in seen for key in keys]] if keys else at
        seen.update(keys)
        owners += [transcript] * at.size
        positions.append(at)
        terms.append(raw_terms(transcript.codes, at, transcript.coding[1] - 3 if transcript.coding else -1))
        hidden.append(layout.hidden[transcript.gene][transcript.columns[at]])
    return Candidates(owners, np.concatenate(positions), np.concatenate(terms), np.concatenate(hidden))


def _dna(gene: GeneCopy) -> bytes:
    present = gene.present()
    codes = gene.codes[present]
    masked = gene.model.masked[present]
    letters = _DNA[codes if gene.forward else 3 - codes].copy()
    letters[masked] += 32
    return (letters if gene.forward else letters[::-1]).tobytes()


def _transcript(
    gene: GeneCopy, isoform: Isoform, number: int, species: str, chrom: str, offset: int, length: int
) -> Transcript:
    present = gene.present()
    before = np.concatenate([[0], np.cumsum(present)])
    columns = np.concatenate([np.arange(*exon) for exon in isoform.exons])
    columns = columns[present[columns]]
    own = before[columns]
    exons = []
    for first, last in isoform.exons:
        start, end = int(before[first]), int(before[last])
        exons.append(
            (offset + start, offset + end) if gene.forward else (offset + length - end, offset + length - start)
        )
    coding = None
    if isoform.coding is not None:
        first, last = np.searchsorted(columns, isoform.coding)
        coding = (int(first), int(last))
    name = gene_id(species, gene)
    stem = f"SIM{species.upper()}"
    return Transcript(
        transcript=f"{stem}T{name[len(stem) + 1 :]}{number:02d}",
        gene=name,
        gene_name=f"SIM{gene.model.family}" + (f"L{gene.copy}" if gene.copy else ""),
        biotype="protein_coding" if coding else "lincRNA",
        chrom=chrom,
        strand="+" if gene.forward else "-",
        exons=exons,
        codes=gene.codes[columns],
        genome=offset + own if gene.forward else offset + length - 1 - own,
        columns=columns,
        coding=coding,
    )
