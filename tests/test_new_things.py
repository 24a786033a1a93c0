"""What docs/architecture.md says a new thing touches: rows of sheets and entries of a configuration, and no code."""

from __future__ import annotations

import re

import pytest

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.figures.design import Design
from rnamarks.keys import with_defaults
from rnamarks.registry import registered
from rnamarks.schema import check_config

SITES = [{"table": "x.bed", "format": "bed", "name": "lab"}]


def made(config) -> Analyses:
    return Analyses(Plan(with_defaults(check_config(config))))


@pytest.fixture
def sheets(repository, tmp_path):
    """Copies of the sheets of species and modifications and of the tree, to add a row to."""
    copies = {}
    for key, name in (
        ("species_sheet", "species.tsv"),
        ("modification_sheet", "modifications.tsv"),
        ("tree", "species.nwk"),
    ):
        copies[key] = tmp_path / name
        copies[key].write_text((repository / "config" / name).read_text(encoding="utf-8"), encoding="utf-8")
    return copies


def test_a_species_is_a_row_a_tip_and_an_entry(sheets):
    with open(sheets["species_sheet"], "a", encoding="utf-8") as handle:
        handle.write("yak\tBos grunniens\t30521\tbosGru1\tBos_grunniens\t#123456\n")
    tree = sheets["tree"].read_text(encoding="utf-8").strip()
    sheets["tree"].write_text(f"({tree.rstrip(';')}:1,Bos_grunniens:400);\n", encoding="utf-8")
    files = {"genome": "g.fa", "annotation": "a.gtf", "sites": SITES}
    config = {"run": "x", "species": {"yak": files, "mouse": files, "human": files}, "root_species": "human"}
    analyses = made(config | {key: str(path) for key, path in sheets.items()})
    assert list(analyses.plan.tasks) == ["human", "mouse", "yak"]
    design = Design.from_plan(analyses.plan)
    assert (design.label("yak"), design.colour("yak"), design.word) == ("yak", "#123456", "species")
    assert analyses.plan.assembly_of("yak") == "bosGru1"


def test_a_modification_is_a_row_and_an_entry(sheets):
    with open(sheets["modification_sheet"], "a", encoding="utf-8") as handle:
        handle.write("ac4C\tac4C\tN4-acetylcytidine\tC\tN\t0\t70989\t#ABCDEF\t\n")
    config = {
        "run": "x",
        "species": {"human": {"genome": "g.fa", "annotation": "a.gtf"}},
        "modifications": {"ac4C": {"sites": SITES}, "m5C": {"sites": SITES}},
    }
    plan = made(config | {"modification_sheet": str(sheets["modification_sheet"])}).plan
    assert plan.tasks["ac4C"].place == ("C", 0)
    assert plan.vetoing("ac4C") == [("m5C", "sites")]
    design = Design.from_plan(plan)
    assert (design.label("ac4C"), design.colour("ac4C"), design.word) == ("ac4C", "#ABCDEF", "modification")


def test_a_motif_database_is_an_entry(repository, monkeypatch):
    monkeypatch.chdir(repository)
    config = {
        "run": "x",
        "species": {"human": {"genome": "g.fa", "annotation": "a.gtf", "sites": SITES}},
        "models": {"m": {"network": "mass"}},
        "trainings": [{"model": "m", "setting": "single", "schemes": ["paper"], "seeds": [1]}],
        "release": {"model": "m", "setting": "single_human", "scheme": "paper"},
        "motifs": {"databases": {"mine": {"format": "meme", "files": ["{species}.meme"]}}},
    }
    analyses = made(config)
    assert analyses.motif_sets() == [("human", "mine")]
    assert ("motifs", "human.meme") in {(entry.role, entry.reference) for entry in analyses.inputs()}


@pytest.mark.parametrize("registry", ["READERS", "WINDOW_FORMATS", "BASELINES", "CURRICULA", "MOTIF_FORMATS", "MODELS"])
def test_choices_of_a_configuration_stand_nowhere_but_where_they_are_registered(repository, registry):
    text = (repository / "workflow" / "rnamarks" / "keys.py").read_text(encoding="utf-8")
    assert registered(registry)
    names = [name for name in registered(registry) if len(name) > 5]
    assert not [name for name in names if re.search(rf'choices=.*"{name}"', text)]
