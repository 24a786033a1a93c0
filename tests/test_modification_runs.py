"""A run about modifications: what its configuration leads to, and what it cannot ask for."""

from __future__ import annotations

import copy
import json

import numpy as np
import pandas as pd
import pytest
import yaml

from rnamarks.configuration import Plan
from rnamarks.datasets.splits import paper_split, split_windows
from rnamarks.errors import InputError
from rnamarks.figures.design import Design
from rnamarks.sites.window_sets import read_species_windows


def tables(*names: str) -> list[dict[str, str]]:
    return [{"table": f"{name}.bed", "format": "bed", "name": name} for name in names]


@pytest.fixture
def config(repository, monkeypatch):
    monkeypatch.chdir(repository)
    values = yaml.safe_load((repository / "config" / "real" / "twelve_marks.yaml").read_text(encoding="utf-8"))
    defaults = {
        "modification_sheet": "config/modifications.tsv",
        "species_sheet": "config/species.tsv",
        "modification": "m6A",
        "motif": "DRACH",
        "motif_offset": 2,
    }
    return defaults | values


@pytest.fixture
def on_genome(config):
    """Four modifications with site tables, one with windows."""
    values = copy.deepcopy(config)
    values["organism"] = {"name": "human", "genome": "g.fa", "annotation": "g.gtf"}
    values["modifications"] = {
        "m6A": {"sites": tables("clip"), "veto": tables("more")},
        "m6Am": {"sites": tables("ends")},
        "I": {"sites": tables("radar")},
        "m5C": {"sites": tables("bisulfite")},
        "Y": config["modifications"]["Y"],
    }
    values["settings"] = {"together": {"nearest": 5, "curriculum": "tree"}}
    return values


def test_heads_are_the_modifications_with_their_own_places(config):
    plan = Plan(config)
    assert plan.heads_are == "modification"
    assert list(plan.species) == plan.order == list(config["modifications"])
    assert plan.marks["m6A"].place == ("DRACH", 2)
    assert plan.marks["m6Am"].place == ("BCA", 2)
    assert plan.marks["Y"].place == ("U", 0)
    assert plan.modifications()["Y"] == {"modification": "Y", "base": "U", "motif": "U", "motif_offset": 0}
    assert "Ψ" in plan.marks["Y"].label


def test_every_list_of_the_same_base_keeps_a_base_from_being_a_negative(on_genome):
    plan = Plan(on_genome)
    assert plan.vetoing("m6Am") == [("m6A", "sites"), ("m6A", "veto"), ("I", "sites")]
    assert plan.vetoing("m6A") == [("m6A", "veto"), ("m6Am", "sites"), ("I", "sites")]
    assert plan.vetoing("m5C") == []
    assert plan.listing("m5C") == [("m5C", "sites")]
    assert plan.listing("Y") == []


def test_all_modifications_lie_on_one_genome(on_genome):
    plan = Plan(on_genome)
    assert plan.genome_of("m6A") == plan.genome_of("m5C") == "human"
    assert list(plan.genomes()) == ["human"]
    assert plan.assembly_of("I") == "hg19"
    assert plan.drops_files().count("results/twelve_marks/sites/human.transcripts.drops.tsv") == 1


def test_files_of_windows_have_no_part(config):
    files = Plan(config).window_files("m1A")
    assert [file["given"] for file in files] == ["", "", ""]
    assert [file["label"] for file in Plan(config).window_files("m6Am")] == [1, 0]


def test_the_null_takes_only_files_that_hold_negatives(config):
    config["marks"] = {"null": {"windows": [{"positives": "p.fa", "negatives": "n.fa", "format": "fasta"}]}}
    assert [file["file"] for file in Plan(config).null_files()] == ["n.fa"]


def test_what_networks_differ_in_is_known(config):
    settings = Plan(config).network_settings()
    otherwise = json.loads(settings["multirm"].pop("otherwise"))
    assert settings["multirm"] == {"network": "multirm", "width": 41, "embedding": "word2vec", "objective": "sum"}
    assert set(otherwise) == {"hyperparameters", "training"}
    assert not {"crop", "embedding", "objective"} & {*otherwise["hyperparameters"], *otherwise["training"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"species": {"human": {}}}, "several species or about several modifications"),
        ({"modifications": {"m6Z": {"windows": {}}}}, "no modification of that name"),
        ({"modifications": {"m6A": {}}}, "needs either windows, or genome"),
        ({"modifications": {"m6A": {"sites": tables("a")}}}, "no genome and annotation"),
        ({"baselines": ["motif_rule"]}, "one motif"),
        ({"transcriptome": {}}, "about species"),
        ({"release": None}, "released model"),
        ({"marks": {}}, "no unmodified bases"),
    ],
)
def test_what_does_not_fit_together_is_refused(config, change, says):
    with pytest.raises(InputError, match=says):
        Plan(config | change)


def test_texts_about_species_speak_of_marks(config):
    design = Design.from_plan(Plan(config))
    assert design.say("AUROC of every species; all species; 11 species") == "AUROC of every mark; all marks; 11 marks"
    assert design.colours["m6A"] == "#882255"
    assert Design.from_record(design.record()) == design


def windows(head: str, n: int, *, gene: str = "", seed: int = 0) -> pd.DataFrame:
    letters = np.random.default_rng([seed, len(head)]).choice(list("ACGU"), size=(n, 41))
    return pd.DataFrame(
        {
            "window": [f"{head}:{i}" for i in range(n)],
            "species": head,
            "sequence": ["".join(row) for row in letters],
            "label": np.arange(n) % 2,
            "chrom": "",
            "start": -1,
            "strand": "",
            "gene": [f"{gene}{i % 7}" if gene else "" for i in range(n)],
            "orthogroup": "",
            "given": "",
        }
    )


def test_a_part_may_have_so_many_windows_of_each_label():
    parts = pd.Series(paper_split(windows("m6A", 200), counts=(10, 5)).parts)
    frame = windows("m6A", 200).assign(part=parts)
    counted = frame.groupby(["part", "label"]).size()
    assert counted["valid"].tolist() == [10, 10]
    assert counted["test"].tolist() == [5, 5]
    assert counted["train"].tolist() == [85, 85]


def test_too_few_windows_for_the_counts_are_refused():
    with pytest.raises(InputError, match="too few windows"):
        paper_split(windows("m6A", 20), counts=(10, 5))


def test_a_gene_of_one_organism_stays_together_whatever_the_mark():
    both = pd.concat([windows("m6A", 140, gene="g", seed=1), windows("I", 140, gene="g", seed=2)], ignore_index=True)
    options = {"clustering": "none", "fractions": (0.6, 0.2, 0.2), "counts": (5, 5)}
    joined, _, _ = split_windows(both, one_organism=True, **options)
    assert (joined.groupby("gene")["guarded"].nunique() == 1).all()
    apart, _, _ = split_windows(both, **options)
    assert (apart.groupby(["species", "gene"])["guarded"].nunique() == 1).all()
    assert (joined["orthogroup"] == "").all()


def test_windows_that_do_not_fit_or_contradict_or_repeat_are_counted(tmp_path):
    good = "C" * 20 + "GAACU"[2] + "G" * 20
    drach = "C" * 18 + "GGACU" + "G" * 18
    more = "U" * 18 + "AGACA" + "C" * 18
    both = "A" * 18 + "UAACC" + "G" * 18
    (tmp_path / "pos.txt").write_text("\n".join([drach, drach.lower().replace("u", "t"), both, good]) + "\n")
    (tmp_path / "neg.txt").write_text("\n".join([more, both, "CC" + "U" * 18 + "AAACA" + "C" * 18 + "CC"]) + "\n")
    files = [
        {"file": tmp_path / name, "format": "lines", "label": label, "given": ""}
        for name, label in (("pos.txt", 1), ("neg.txt", 0))
    ]
    with pytest.raises(InputError, match="45 nt"):
        read_species_windows(files, species="m6A", window=41)
    table, drops = read_species_windows(files, species="m6A", window=41, place=("DRACH", 2))
    assert table["sequence"].tolist() == [drach, more, "U" * 18 + "AAACA" + "C" * 18]
    counted = drops.frame().set_index(["source", "reason"])["rows"]
    assert counted["all files", "no DRACH in place"] == 1
    assert counted["all files", "sequence with both labels"] == 2
    assert counted["all files", "copy of an earlier sequence"] == 1
    assert counted["neg.txt", "note: cropped from 45 nt"] == 1
    assert counted["all files", "kept"] == 3
    fewer, _ = read_species_windows(files, species="m6A", window=41, place=("DRACH", 2), negatives_per_positive=1)
    assert fewer["label"].tolist() == [1, 0]
