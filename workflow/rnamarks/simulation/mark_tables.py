"""Files of the demo world of twelve marks: tables as databases and GEO publish them, and the truth."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..files import write_text
from ..tables import write_parquet, write_tsv
from . import formats, motif_files
from .annotation import Layout
from .mark_rules import MARKS, motif_frequencies, word_frequencies
from .marks import MarksWorld

RADAR_COLUMNS = (
    *("chromosome", "position", "gene", "strand", "annot1", "annot2", "alu?", "non_alu_repetitive?"),
    *("conservation_chimp", "conservation_rhesus", "conservation_mouse"),
)
REDIPORTAL_COLUMNS = ("Region", "Position", "Ref", "Ed", "Strand", "db", "type", "dbsnp", "repeat")
MOTIF_COLUMNS = ("motif", "modification", "kind", "consensus", "offset", "first", "last", "gain", "shared_with")
TRAPS = ("unknown contig", "wrong base", "intergenic", "duplicate")
"""Rows of a table that a reader has to drop. Only RMBase's hold duplicates."""

_ALIKE = 4
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_ANNOTATION = {"utr5": "5UTR", "cds": "CDS", "utr3": "3UTR", "noncoding": "ncRNA"}


@dataclass(frozen=True)
class Table:
    """A published table.

    Attributes
    ----------
    file : str
        Name after the organism's.
    format : str
        Reader of site tables that knows it.
    name : str
        Name of the source.
    marks : tuple of str
        The modifications that it holds.
    experiments : tuple of int
        Which of a mark's experiments it reports; several in a database that counts them.
    """

    file: str
    format: str
    name: str
    marks: tuple[str, ...]
    experiments: tuple[int, ...]


_METHYLATED_RIBOSES = ("Am", "Cm", "Gm", "Um")


def _beds(mark: str, form: str, names: Sequence[str], first: int = 0) -> list[Table]:
    return [Table(f"{name}.{mark}.bed.gz", form, name, (mark,), (number,)) for number, name in enumerate(names, first)]


TABLES = (
    *_beds("m6A", "geo_bed", ("m6a_clip", "miclip_cims", "miclip_cits")),
    Table("radar.I.tsv.gz", "radar", "radar", ("I",), (0,)),
    Table("rediportal.I.tsv.gz", "redi", "rediportal", ("I",), (1,)),
    *_beds("m1A", "bed", ("m1a_map", "miclip", "rbs_seq")),
    *_beds("m5C", "bed", ("bs_seq",)),
    *_beds("Y", "bed", ("pseudo_seq", "ceu_seq", "rbs_seq")),
    *_beds("m6Am", "geo_bed", ("miclip_a", "miclip_b")),
    *_beds("m5U", "bed", ("miclip", "ficc_seq")),
    *_beds("m7G", "bed", ("m7g_seq",)),
    Table("rmbase_nm.tsv.gz", "rmbase_v2", "rmbase", _METHYLATED_RIBOSES, (0, 1)),
    *(table for mark in _METHYLATED_RIBOSES for table in _beds(mark, "bed", ("nm_seq",), first=2)),
)
"""Every table of the world, in the manner of those that MultiRM was made from."""

EXPERIMENTS = {
    mark.name: 1 + max(number for table in TABLES if mark.name in table.marks for number in table.experiments)
    for mark in MARKS
}
"""How many experiments look for each mark."""


def tables_of(mark: str) -> list[Table]:
    """The tables that hold a mark."""
    return [table for table in TABLES if mark in table.marks]


def file_names(organism: str) -> list[str]:
    """Files that :func:`write_marks` writes, by their names in its folder."""
    return [
        f"{organism}.genome.fa.gz",
        f"{organism}.annotation.gtf.gz",
        *(f"{organism}.{table.file}" for table in TABLES),
        f"{organism}.cisbp_rna.meme.gz",
        *(f"truth/{name}" for name in ("sites.parquet", "marks.tsv", "motifs.tsv", "pairs.tsv", "motifs.meme")),
    ]


def write_marks(world: MarksWorld, folder: str | Path) -> list[Path]:
    """Write the world's files, each atomically; the same world gives the same bytes.

    Returns
    -------
    list of pathlib.Path
        As :func:`file_names` has them.
    """
    organism, folder = world.organism.species, Path(folder)
    written = [folder / name for name in file_names(organism)]
    formats.write_genome(world.layout, folder / f"{organism}.genome.fa.gz")
    formats.write_gtf(
        world.layout,
        world.organism.assembly,
        folder / f"{organism}.annotation.gtf.gz",
        chr_prefix=world.parameters.chr_prefix,
    )
    traps: dict[str, dict[str, int]] = {}
    for table in TABLES:
        rng = np.random.default_rng([world.seed, 7, zlib.crc32(table.file.encode())])
        rows = table_rows(world, table, rng)
        counted = rows[rows["trap"] != ""].groupby(["modification", "trap"], sort=True).size()
        for (mark, trap), count in counted.items():
            traps.setdefault(f"{mark}/{table.name}", {})[trap] = int(count)
        _WRITERS[table.format](world, rows, folder / f"{organism}.{table.file}", rng)
    _write_motifs(world, folder)
    metadata = {
        "seed": world.seed,
        "null": world.null,
        "parameters": asdict(world.parameters),
        "experiments": EXPERIMENTS,
        "traps": traps,
    }
    write_parquet(world.sites, folder / "truth" / "sites.parquet", metadata)
    write_tsv(world.marks, folder / "truth" / "marks.tsv")
    write_tsv(world.pairs, folder / "truth" / "pairs.tsv")
    return written


def table_rows(world: MarksWorld, table: Table, rng: np.random.Generator) -> pd.DataFrame:
    """What a table holds, in genome order.

    Returns
    -------
    pandas.DataFrame
        The sites' columns, ``reads`` (how many of the table's experiments have the row), ``origin`` (the chromosome
        that it was read on) and ``trap``, ``""`` for a row that is meant: one of :data:`TRAPS`.
    """
    bits = sum(1 << number for number in table.experiments)
    parts = []
    for mark in table.marks:
        own = world.sites[(world.sites["modification"] == mark) & (world.sites["experiments"] & bits > 0)]
        seen = own["experiments"].to_numpy() & bits
        own = own.assign(reads=[int(value).bit_count() for value in seen], trap="", origin=own["chrom"])
        parts.append(own)
        parts += _traps(world, own, mark, rng, duplicates=table.format == "rmbase_v2")
    rows = pd.concat(parts, ignore_index=True)
    return rows.sort_values(["chrom", "start", "strand", "modification", "trap"], kind="stable", ignore_index=True)


def _traps(
    world: MarksWorld, own: pd.DataFrame, mark: str, rng: np.random.Generator, *, duplicates: bool
) -> list[pd.DataFrame]:
    count = min(world.parameters.traps, len(own))
    chosen = {kind: own.iloc[np.sort(rng.choice(len(own), size=count, replace=False))] for kind in TRAPS}
    shift = np.where(chosen["wrong base"]["strand"] == "+", 1, -1)
    moved = chosen["wrong base"].assign(start=chosen["wrong base"]["start"] + shift, trap="wrong base")
    base = world.modifications[mark].base
    moved = moved[[sense_text(world.layout, *place, 0) != base.replace("U", "T") for place in _places(moved)]]
    extra = [
        chosen["unknown contig"].assign(chrom="chrUn_sim0001", trap="unknown contig"),
        moved,
        _intergenic(world.layout, base, count, rng).assign(modification=mark, reads=1),
    ]
    return [*extra, chosen["duplicate"].assign(trap="duplicate")] if duplicates else extra


def _intergenic(layout: Layout, base: str, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Bases of the forward strand before the first gene of a chromosome."""
    letter = ord(base.replace("U", "T"))
    found = []
    for chrom, dna in layout.chromosomes.items():
        first = min(start for entry in layout.transcripts if entry.chrom == chrom for start, _ in entry.exons)
        text = np.frombuffer(dna[: first - 5].upper(), dtype=np.uint8)
        found += [(chrom, int(at)) for at in np.flatnonzero(text == letter) if at >= 60]
    rows = [found[at] for at in np.sort(rng.choice(len(found), size=count, replace=False))]
    frame = pd.DataFrame(rows, columns=["chrom", "start"])
    return frame.assign(
        origin=frame["chrom"],
        strand="+",
        gene_name="intergenic",
        biotype="intergenic",
        region="intergenic",
        trap="intergenic",
    )


def _places(rows: pd.DataFrame) -> list[tuple[str, int, str]]:
    return list(zip(rows["origin"], rows["start"], rows["strand"], strict=True))


def sense_text(layout: Layout, chrom: str, start: int, strand: str, flank: int) -> str:
    """DNA of the sense strand around a 0-based position of a chromosome, ``2 * flank + 1`` nt."""
    text = layout.chromosomes[chrom][start - flank : start + flank + 1].decode("ascii").upper()
    return text if strand == "+" else text.translate(_COMPLEMENT)[::-1]


def _write_bed(world: MarksWorld, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    around = [sense_text(world.layout, *place, 2).replace("T", "U") for place in _places(rows)]
    formats.write_bed(rows.assign(motif=around), path, rng)


def _write_rmbase(world: MarksWorld, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    names = [f"Nm_site_{number}" for number in range(1, len(rows) + 1)]
    studies = [",".join(f"SIM{study + 1:03d}" for study in range(reads)) for reads in rows["reads"]]
    table = pd.DataFrame(
        {
            "chromosome": rows["chrom"],
            "modStart": rows["start"],
            "modEnd": rows["start"] + 1,
            "modId": names,
            "score": 0,
            "strand": rows["strand"],
            "modName": names,
            "modType": rows["modification"],
            "supportNum": rows["reads"],
            "supportList": studies,
            "pubmedIds": "simulated",
            "geneName": rows["gene_name"],
            "geneType": rows["biotype"],
            "region": rows["region"].replace("noncoding", "exon"),
            "sequence": [sense_text(world.layout, *place, 20) for place in _places(rows)],
        }
    )
    formats.write_rmbase(table, world.organism.assembly, path, kind="Nm")


def _write_radar(world: MarksWorld, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    region = rows["region"].map(_ANNOTATION).fillna("intergenic")
    conserved = rng.choice(["N", "Y"], p=[0.9, 0.1], size=(len(rows), 3))
    with write_text(path) as handle:
        handle.write("\t".join(RADAR_COLUMNS) + "\n")
        for at, row in enumerate(rows.itertuples(index=False)):
            fields = [row.chrom, row.start + 1, row.gene_name, row.strand, region[at], region[at], "no", "no"]
            handle.write("\t".join(map(str, [*fields, *conserved[at]])) + "\n")


def _write_rediportal(world: MarksWorld, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    with write_text(path) as handle:
        handle.write("\t".join(REDIPORTAL_COLUMNS) + "\n")
        for row in rows.itertuples(index=False):
            reference, edited = ("A", "G") if row.strand == "+" else ("T", "C")
            fields = [row.chrom, row.start + 1, reference, edited, row.strand, "A", "NONREP", "-", "-/-"]
            handle.write("\t".join(map(str, fields)) + "\n")


_WRITERS = {
    "bed": _write_bed,
    "geo_bed": _write_bed,
    "rmbase_v2": _write_rmbase,
    "radar": _write_radar,
    "redi": _write_rediportal,
}


def planted_motifs(world: MarksWorld) -> tuple[pd.DataFrame, list[motif_files.Motif]]:
    """What was planted, as a table and as matrices.

    Returns
    -------
    table : pandas.DataFrame
        :data:`MOTIF_COLUMNS`: a row per mark and motif. ``kind`` is ``writer`` or ``word``. A writer's motif has its
        modified base at ``offset`` (0-based); a word begins ``first`` to ``last`` nt from the modified base and adds
        ``gain`` to the log odds. ``shared_with`` names the other marks that read the word.
    matrices : list of (identifier, name, numpy.ndarray)
        Each motif once.
    """
    rows, matrices = [], {}
    for mark in MARKS:
        matrices[f"writer_{mark.name}"] = motif_frequencies(mark, world.modifications[mark.name])
        matrices[mark.element.name] = word_frequencies(mark.element)
        shared = ",".join(other.name for other in MARKS if other.element == mark.element and other != mark)
        first, last = -mark.offset, -mark.offset
        rows.append((f"writer_{mark.name}", mark.name, "writer", mark.motif, mark.offset, first, last, np.nan, ""))
        element = mark.element
        rows.append(
            (element.name, mark.name, "word", element.word, np.nan, element.first, element.last, mark.gain, shared)
        )
    table = pd.DataFrame(rows, columns=list(MOTIF_COLUMNS))
    table["offset"] = table["offset"].astype("Int64")
    return table, [(name, name, matrix) for name, matrix in matrices.items()]


def _shared_letters(first: np.ndarray, second: np.ndarray) -> int:
    """Equal letters of two motifs' consensus in their best overlay without gaps."""
    one, other = first.argmax(axis=1), second.argmax(axis=1)
    padded = np.pad(one, other.size - 1, constant_values=4)
    return int((np.lib.stride_tricks.sliding_window_view(padded, other.size) == other).sum(axis=1).max())


def _write_motifs(world: MarksWorld, folder: Path) -> None:
    """The planted motifs, and a database that hides them among decoys that resemble none of them."""
    table, planted = planted_motifs(world)
    write_tsv(table, folder / "truth" / "motifs.tsv")
    motif_files.write_meme(planted, folder / "truth" / "motifs.meme")
    rng = np.random.default_rng([world.seed, 8])
    others = [motif for motif in motif_files.motifs(rng) if motif[1] not in motif_files.PLANTED]
    decoys = [motif for motif in others if max(_shared_letters(motif[2], matrix) for _, _, matrix in planted) <= _ALIKE]
    names = {name: f"RNAM{number:02d}" for number, (name, _, _) in enumerate(planted, 1)}
    mixed = [*decoys, *((name, names[name], matrix) for name, _, matrix in planted)]
    order = rng.permutation(len(mixed))
    motif_files.write_meme([mixed[at] for at in order], folder / f"{world.organism.species}.cisbp_rna.meme.gz")
