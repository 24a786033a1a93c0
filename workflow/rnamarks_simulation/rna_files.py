"""The files of a world of RNA families: alignments, sequences and examples as databases publish them, and the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.files import write_text
from rnamarks.tables import write_parquet, write_tsv

from .files import files_of
from .formats import write_fasta, write_lines
from .parameters import FamilyParameters
from .rna_families import (
    JUDGED,
    TRAIN,
    UNSEEN,
    Family,
    Member,
    brackets,
    make_families,
    make_members,
    split_of_subfamily,
    unrelated,
)
from .rna_tasks import HALF, make_donors, make_transcripts, make_utrs

_SPACING = 1000


@dataclass(frozen=True)
class FamilyWorld:
    """A simulated world of RNA families.

    Attributes
    ----------
    families : list of Family
    corpus, structures : dict of str to list of Member
        By family: RNA that a language model may learn from, and RNA whose structure is published.
    unrelated, transcripts : list of str
    utrs, donors : pandas.DataFrame
    """

    parameters: FamilyParameters
    families: list[Family]
    corpus: dict[str, list[Member]]
    structures: dict[str, list[Member]]
    unrelated: list[str]
    transcripts: list[str]
    utrs: pd.DataFrame
    donors: pd.DataFrame

    @property
    def summary(self) -> pd.DataFrame:
        """What was planted, a row per family."""
        rows = []
        for one in self.families:
            members = self.corpus[one.name] + self.structures[one.name]
            rows.append(
                {
                    "family": one.name,
                    "part": one.part,
                    "members": len(members),
                    "shortest": min(len(member.sequence) for member in members),
                    "longest": max(len(member.sequence) for member in members),
                    "pairs": int((one.partners >= 0).sum()) // 2,
                    "pseudoknot": one.knot is not None,
                }
            )
        return pd.DataFrame(rows)


def simulate_families(parameters: FamilyParameters, *, seed: int) -> FamilyWorld:
    """Make a world; the same seed and parameters give the same world."""
    families = make_families(parameters, seed)
    corpus, structures = {}, {}
    for family in families:
        wanted = {TRAIN: parameters.members, JUDGED: parameters.members // 4, UNSEEN: 0}[family.part]
        shown = 0 if family.part == JUDGED else parameters.structures
        corpus[family.name], structures[family.name] = make_members(family, wanted, shown, parameters, seed)
    return FamilyWorld(
        parameters,
        families,
        corpus,
        structures,
        unrelated(parameters.unrelated, parameters, seed),
        make_transcripts(parameters, seed),
        make_utrs(parameters, seed),
        make_donors(parameters, seed),
    )


def write_families(world: FamilyWorld, folder: str | Path) -> list[Path]:
    """Write the files of a world, each atomically; the same world gives the same bytes.

    Returns
    -------
    list of pathlib.Path
        As :func:`~rnamarks_simulation.files.files_of` has them.
    """
    folder = Path(folder)
    with write_text(folder / "seeds.sto.gz") as handle:
        for family in world.families:
            if world.corpus[family.name]:
                handle.write(_stockholm(family, world.corpus[family.name][: world.parameters.seeds]))
    _write_assignments(world, folder / "family_assignments.tsv.gz")
    members = [
        (one.name, one.sequence)
        for family in world.families
        if family.part == TRAIN
        for one in world.corpus[family.name][world.parameters.seeds :]
    ]
    alone = [(f"NONE_{number:05d}", text) for number, text in enumerate(world.unrelated, 1)]
    write_fasta(members + alone, folder / "rna.fa.gz")
    write_fasta(
        [(f"pre_{number:05d}", text.replace("U", "T")) for number, text in enumerate(world.transcripts, 1)],
        folder / "transcripts.fa.gz",
    )
    _write_structures(world, folder)
    _write_classes(world, folder)
    rows = [
        f"{number},{row.sequence.replace('U', 'T')},{row.reads},{row.load:.4f}"
        for number, row in enumerate(world.utrs.itertuples())
    ]
    write_lines([",utr,total,rl", *rows], folder / "utrs.csv.gz")
    _write_donors(world.donors, folder)
    write_parquet(_truth(world), folder / "truth" / "families.parquet")
    write_parquet(world.utrs, folder / "truth" / "utrs.parquet")
    return [folder / name for name in files_of("families", [])]


def _stockholm(family: Family, members: Sequence[Member]) -> str:
    # consensus pairs as Rfam writes them, those of a pseudoknot as letters
    consensus = brackets(family.partners, family.knot or (-1, -1), "<>Aa")
    lines = ["# STOCKHOLM 1.0", "", f"#=GF AC   {family.name}", f"#=GF ID   {family.name}_simulated"]
    lines += [f"#=GF SQ   {len(members)}", ""]
    lines += [f"{one.name:<20} {''.join(one.aligned)}" for one in members]
    return "\n".join([*lines, f"{'#=GC SS_cons':<20} {consensus}", "//", ""])


def _write_assignments(world: FamilyWorld, path: Path) -> None:
    rows = [(one.name, one.part, len(world.corpus[one.name])) for one in world.families if one.part in (TRAIN, JUDGED)]
    write_tsv(pd.DataFrame(rows, columns=["family", "split", "n_sequences"]), path)


def _write_structures(world: FamilyWorld, folder: Path) -> None:
    """Structures in the layout of ArchiveII, and two folds: branches of known families, and unseen families."""
    rows, folds = ["id,sequence,structure,base_pairs,len"], ["fold,partition,id"]
    for family in world.families:
        for one in world.structures[family.name]:
            first = np.flatnonzero(one.partners > np.arange(len(one.partners)))
            pairs = json.dumps([[int(at) + 1, int(one.partners[at]) + 1] for at in first])
            text = brackets(one.partners)
            rows.append(f'{one.name},{one.sequence},{text},"{pairs}",{len(one.sequence)}')
            part = split_of_subfamily(one.subfamily, world.parameters)
            if family.part == TRAIN:
                folds.append(f"seen,{part},{one.name}")
                folds.append(f"unseen,{'train' if part == 'test' else part},{one.name}")
            else:
                folds.append(f"unseen,test,{one.name}")
    write_lines(rows, folder / "structures.csv.gz")
    write_lines(folds, folder / "folds.csv.gz")


def _write_classes(world: FamilyWorld, folder: Path) -> None:
    """RNA with its class, the family, in the layout of nRC: one file to train on and one to test on."""
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for family in world.families:
        for one in world.structures[family.name] if family.part == TRAIN else []:
            part = "test" if split_of_subfamily(one.subfamily, world.parameters) == "test" else "train"
            parts[part].append((f"{one.name} {family.name}", one.sequence))
    for part, records in parts.items():
        write_fasta(records, folder / f"classes_{part}.fa.gz")


def _write_donors(donors: pd.DataFrame, folder: Path) -> None:
    tested = len(donors) // 4
    for part, rows in (("train", donors.iloc[tested:]), ("test", donors.iloc[:tested])):
        lines = [
            json.dumps(
                {
                    "sequence": row.sequence.replace("U", "T"),
                    "name": f"sim1_{_SPACING * (row.Index + 1) + HALF}",
                    "label": row.label,
                }
            )
            for row in rows.itertuples()
        ]
        write_lines(lines, folder / f"donors_{part}.jsonl.gz")


def _truth(world: FamilyWorld) -> pd.DataFrame:
    rows = [
        {
            "family": one.name,
            "part": one.part,
            "consensus": "".join(one.consensus),
            "structure": brackets(one.partners, one.knot or (-1, -1)),
            "pseudoknot": one.knot is not None,
            "conserved": [int(at) for at in np.flatnonzero(one.rates < 0.5)],
        }
        for one in world.families
    ]
    return pd.DataFrame(rows)
