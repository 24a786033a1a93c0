"""What a configuration asks for after the evaluation, and what it cannot ask for."""

from __future__ import annotations

import copy

import pytest
import yaml

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError


@pytest.fixture
def config(repository, monkeypatch):
    monkeypatch.chdir(repository)
    values = yaml.safe_load((repository / "config" / "config.yaml").read_text(encoding="utf-8"))
    values["modification_sheet"] = "config/modifications.tsv"
    values["stacks"] = {}
    for section, defaults in {"landscape": {"measured": True}, "capacity": {}, "transcriptome": {"more": {}}}.items():
        values[section] = defaults | (values[section] or {})
    return values


def made(config) -> Analyses:
    return Analyses(Plan(config))


def test_one_model_directory_for_several_species_and_one_per_single_species(config):
    analyses = made(config)
    assert analyses.model_folder("multi", "mouse") == analyses.model_folder("multi", "human")
    assert analyses.model_folder("single", "mouse") == "results/demo/predictors/single_mouse"
    assert {run.seed for run in analyses.runs("multi")} == {1, 2, 3}
    assert [run.setting for run in analyses.runs("single_mouse")] == ["single_mouse"] * len(
        analyses.runs("single_mouse")
    )
    assert set(analyses.model_names) == {"multi", *(f"single_{name}" for name in config["species"])}
    assert analyses.release_record("single_mouse") == {"model": "mass", "setting": "single", "split": "paper"}


def test_every_species_with_an_annotation_is_scored_by_every_predictor(config):
    analyses = made(config)
    assert analyses.species[0] == "human"
    assert len(analyses.pairs()) == 2 * len(config["species"])
    assert all(one.on_genome for one in analyses.transcriptomes.values())
    assert analyses.motif == "DRACH"
    assert analyses.motif_offset == 2


def test_further_transcripts_are_built_or_read(config):
    config["transcriptome"]["more"] = {
        "given": {"head": "mouse", "transcripts": "x.fa"},
        "built": {"head": "human", "genome": "g.fa", "annotation": "a.gtf", "taxid": 7227, "assembly": "dm6"},
    }
    analyses = made(config)
    assert analyses.of_kind("fasta") == ["given"]
    assert analyses.of_kind("genome") == ["built"]
    assert "results/demo/transcriptome/built/multi.bedrmod" in analyses.targets()
    assert "results/demo/transcriptome/given/multi.bedrmod" not in analyses.targets()
    assert "results/demo/sites/given.transcripts.drops.tsv" in analyses.drops_files()
    assert analyses.origin("built") == {
        "organism": 7227,
        "assembly": "dm6",
        "annotation_source": "a.gtf",
        "annotation_version": "see the file",
        "base": "A",
        "chebi": analyses.origin("human")["chebi"],
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"predictors": {"multi": {"model": "mass", "setting": "species3", "split": "paper"}}}, "not trained on"),
        ({"predictors": {"multi": {"model": "mass", "setting": "species7", "split": "paper"}}, "trainings": []}, "ask"),
        ({"transcriptome": None}, "needs scored transcripts"),
        ({"transcriptome": {"more": {"x": {"head": "cow", "transcripts": "x.fa"}}}}, "unknown head"),
        ({"transcriptome": {"more": {"x": {"head": "human", "genome": "x.fa"}}}}, "genome and annotation"),
        ({"transcriptome": {"more": {"mouse": {"head": "human", "transcripts": "x.fa"}}}}, "name of a species"),
    ],
)
def test_names_that_do_not_fit_are_refused(config, change, words):
    changed = copy.deepcopy(config)
    for key, value in change.items():
        if value is None:
            del changed[key]
        else:
            changed[key] = value
    changed.pop("release", None)
    changed.pop("line_search", None)
    with pytest.raises(InputError, match=words):
        made(changed)


def test_a_section_can_choose_its_predictors(config):
    config["optimisation"]["predictors"] = ["multi"]
    assert {name for name, _ in made(config).model_pairs("optimisation")} == {"multi"}
    config["optimisation"]["predictors"] = ["best"]
    with pytest.raises(InputError, match="unknown predictor"):
        made(config).model_pairs("optimisation")
