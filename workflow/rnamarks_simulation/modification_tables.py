"""Tables of sites as databases and GEO publish them, and the truth behind them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.files import write_text
from rnamarks.tables import write_parquet, write_tsv

from . import formats, motif_files
from .annotation import Layout
from .files import EXPERIMENTS, Table, files_of, tables_of
from .modification_rules import motif_frequencies, word_frequencies
from .modifications import ModifiedOrganism

RADAR_COLUMNS = (
    *("chromosome", "position", "gene", "strand", "annot1", "annot2", "alu?", "non_alu_repetitive?"),
    *("conservation_chimp", "conservation_rhesus", "conservation_mouse"),
)
REDIPORTAL_COLUMNS = ("Region", "Position", "Ref", "Ed", "Strand", "db", "type", "dbsnp", "repeat")
MOTIF_COLUMNS = ("motif", "modification", "kind", "consensus", "offset", "first", "last", "gain", "shared_with")
TRAPS = ("unknown contig", "wrong base", "intergenic", "duplicate")
"""Rows of a table that a reader has to drop. Only RMBase's hold duplicates."""

_ALIKE = 4
_ANNOTATION = {"utr5": "5UTR", "cds": "CDS", "utr3": "3UTR", "noncoding": "ncRNA"}


def write_organism(world: ModifiedOrganism, folder: str | Path) -> list[Path]:
    """Write the files of the world of twelve modifications, each atomically; the same world gives the same bytes.

    Returns
    -------
    list of pathlib.Path
        As :func:`~rnamarks_simulation.files.files_of` has them.
    """
    organism, folder = world.organism.species, Path(folder)
    formats.write_genome(world.layout, folder / f"{organism}.genome.fa.gz")
    formats.write_gtf(
        world.layout,
        world.organism.assembly,
        folder / f"{organism}.annotation.gtf.gz",
        chr_prefix=world.parameters.chr_prefix,
    )
    write_modified([world], folder)
    _write_database(world, folder / f"{organism}.cisbp_rna.meme.gz")
    return [folder / name for name in files_of("organism", [organism])]


def write_modified(worlds: Sequence[ModifiedOrganism], folder: str | Path) -> None:
    """Write the tables of sites of organisms with the same modifications, and below ``truth`` what was planted.

    The tables of the truth have the column ``species`` where there are several organisms.
    """
    folder, traps = Path(folder), {}
    for world in worlds:
        for table in tables_of(*world.modifications):
            rng = np.random.default_rng([world.seed, 7, zlib.crc32(f"{world.stream}{table.file}".encode())])
            rows = table_rows(world, table, rng)
            counted = rows[rows["trap"] != ""].groupby(["modification", "trap"], sort=True).size()
            for (name, trap), count in counted.items():
                traps.setdefault(f"{world.stream}{name}/{table.name}", {})[trap] = int(count)
            _WRITERS[table.format](world, rows, folder / f"{world.organism.species}.{table.file}", rng)
    first = worlds[0]
    metadata = {
        "seed": first.seed,
        "null": first.null,
        "parameters": asdict(first.parameters),
        "experiments": {name: EXPERIMENTS[name] for name in first.modifications},
        "traps": traps,
    }

    def joined(name: str) -> pd.DataFrame:
        if len(worlds) == 1:
            return getattr(first, name)
        parts = [getattr(world, name).copy() for world in worlds]
        for world, part in zip(worlds, parts, strict=True):
            part.insert(0, "species", world.organism.species)
        return pd.concat(parts, ignore_index=True)

    truth = folder / "truth"
    write_parquet(joined("sites"), truth / "sites.parquet", metadata)
    write_tsv(joined("summary"), truth / "modifications.tsv")
    write_tsv(joined("pairs"), truth / "pairs.tsv")
    motifs, matrices = planted_motifs(first)
    write_tsv(motifs, truth / "motifs.tsv")
    motif_files.write_meme(matrices, truth / "motifs.meme")


def table_rows(world: ModifiedOrganism, table: Table, rng: np.random.Generator) -> pd.DataFrame:
    """What a table holds, in genome order.

    Returns
    -------
    pandas.DataFrame
        The sites' columns, ``reads`` (how many of the table's experiments have the row), ``origin`` (the chromosome
        that it was read on) and ``trap``, ``""`` for a row that is meant: one of :data:`TRAPS`.
    """
    bits = sum(1 << number for number in table.experiments)
    parts = []
    for name in (name for name in table.modifications if name in world.modifications):
        own = world.sites[(world.sites["modification"] == name) & (world.sites["experiments"] & bits > 0)]
        seen = own["experiments"].to_numpy() & bits
        own = own.assign(reads=[int(value).bit_count() for value in seen], trap="", origin=own["chrom"])
        parts.append(own)
        parts += _traps(world, own, name, rng, duplicates=table.format == "rmbase_v2")
    rows = pd.concat(parts, ignore_index=True)
    return rows.sort_values(
        ["chrom", "genome_start", "strand", "modification", "trap"], kind="stable", ignore_index=True
    )


def _traps(
    world: ModifiedOrganism, own: pd.DataFrame, name: str, rng: np.random.Generator, *, duplicates: bool
) -> list[pd.DataFrame]:
    count = min(world.parameters.traps, len(own))
    chosen = {kind: own.iloc[np.sort(rng.choice(len(own), size=count, replace=False))] for kind in TRAPS}
    shift = np.where(chosen["wrong base"]["strand"] == "+", 1, -1)
    moved = chosen["wrong base"].assign(genome_start=chosen["wrong base"]["genome_start"] + shift, trap="wrong base")
    base = world.modifications[name].base
    moved = moved[[world.layout.sense_text(*place, 0) != base.replace("U", "T") for place in _places(moved)]]
    extra = [
        chosen["unknown contig"].assign(chrom="chrUn_sim0001", trap="unknown contig"),
        moved,
        _intergenic(world.layout, base, count, rng).assign(modification=name, reads=1),
    ]
    return [*extra, chosen["duplicate"].assign(trap="duplicate")] if duplicates else extra


def _intergenic(layout: Layout, base: str, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Bases of the forward strand before the first gene of a chromosome."""
    letter = ord(base.replace("U", "T"))
    found = []
    for chrom, dna in layout.before_genes():
        text = np.frombuffer(dna, dtype=np.uint8)
        found += [(chrom, int(at)) for at in np.flatnonzero(text == letter) if at >= 60]
    rows = [found[at] for at in np.sort(rng.choice(len(found), size=count, replace=False))]
    frame = pd.DataFrame(rows, columns=["chrom", "genome_start"])
    return frame.assign(
        origin=frame["chrom"],
        strand="+",
        gene_name="intergenic",
        biotype="intergenic",
        region="intergenic",
        trap="intergenic",
    )


def _places(rows: pd.DataFrame) -> list[tuple[str, int, str]]:
    return list(zip(rows["origin"], rows["genome_start"], rows["strand"], strict=True))


def _write_bed(world: ModifiedOrganism, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    around = [world.layout.sense_text(*place, 2).replace("T", "U") for place in _places(rows)]
    formats.write_bed(rows.assign(motif=around), path, rng)


def _write_rmbase(world: ModifiedOrganism, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    rows = rows.assign(support=rows["reads"])
    formats.write_rmbase(rows, world.layout, world.organism.assembly, path, kind="Nm")


def _write_radar(world: ModifiedOrganism, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    region = rows["region"].map(_ANNOTATION).fillna("intergenic")
    conserved = rng.choice(["N", "Y"], p=[0.9, 0.1], size=(len(rows), 3))
    with write_text(path) as handle:
        handle.write("\t".join(RADAR_COLUMNS) + "\n")
        for at, row in enumerate(rows.itertuples(index=False)):
            fields = [row.chrom, row.genome_start + 1, row.gene_name, row.strand, region[at], region[at], "no", "no"]
            handle.write("\t".join(map(str, [*fields, *conserved[at]])) + "\n")


def _write_rediportal(world: ModifiedOrganism, rows: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    with write_text(path) as handle:
        handle.write("\t".join(REDIPORTAL_COLUMNS) + "\n")
        for row in rows.itertuples(index=False):
            reference, edited = ("A", "G") if row.strand == "+" else ("T", "C")
            fields = [row.chrom, row.genome_start + 1, reference, edited, row.strand, "A", "NONREP", "-", "-/-"]
            handle.write("\t".join(map(str, fields)) + "\n")


_WRITERS = {
    "bed": _write_bed,
    "geo_bed": _write_bed,
    "rmbase_v2": _write_rmbase,
    "radar": _write_radar,
    "redi": _write_rediportal,
}


def planted_motifs(world: ModifiedOrganism) -> tuple[pd.DataFrame, list[motif_files.Motif]]:
    """What was planted, as a table and as matrices.

    Returns
    -------
    table : pandas.DataFrame
        :data:`MOTIF_COLUMNS`: a row per modification and motif. ``kind`` is ``writer`` or ``word``. A writer's motif
        has its modified base at ``offset`` (0-based); a word begins ``first`` to ``last`` nt from the modified base and
        adds ``gain`` to the log odds. ``shared_with`` names the other modifications that read the word.
    matrices : list of (identifier, name, numpy.ndarray)
        Each motif once.
    """
    rows, matrices = [], {}
    for rule in world.rules:
        matrices[f"writer_{rule.name}"] = motif_frequencies(rule, world.modifications[rule.name])
        matrices[rule.element.name] = word_frequencies(rule.element)
        shared = ",".join(other.name for other in world.rules if other.element == rule.element and other != rule)
        first, last = -rule.offset, -rule.offset
        rows.append((f"writer_{rule.name}", rule.name, "writer", rule.motif, rule.offset, first, last, np.nan, ""))
        element = rule.element
        rows.append(
            (element.name, rule.name, "word", element.word, np.nan, element.first, element.last, rule.gain, shared)
        )
    table = pd.DataFrame(rows, columns=list(MOTIF_COLUMNS))
    table["offset"] = table["offset"].astype("Int64")
    return table, [(name, name, matrix) for name, matrix in matrices.items()]


def _write_database(world: ModifiedOrganism, path: Path) -> None:
    """A database that hides the planted motifs among decoys that resemble none of them."""
    _, planted = planted_motifs(world)
    rng = np.random.default_rng([world.seed, 8])
    words = [matrix.argmax(axis=1) for _, _, matrix in planted]
    mixed = [
        motif
        for motif in motif_files.motifs(rng)
        if motif[1] not in motif_files.PLANTED
        and max(motif_files.shared_letters(motif[2].argmax(axis=1), word) for word in words) <= _ALIKE
    ]
    mixed += [(name, f"RNAM{number:02d}", matrix) for number, (name, _, matrix) in enumerate(planted, 1)]
    motif_files.write_meme([mixed[at] for at in rng.permutation(len(mixed))], path)
