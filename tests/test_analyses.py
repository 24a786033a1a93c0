"""What a configuration asks for after the evaluation, and what it cannot ask for."""

from __future__ import annotations

import copy

import pytest
import yaml

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.sources.sheet import Source


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


def test_peaks_on_another_assembly_than_the_transcripts_are_refused(config):
    table = {"name": "H3K36me3", "kind": "peaks", "files": ["source:chip"]}
    config["regulation"]["tables"] = [table]
    source = Source("chip", "1", "peaks", ("human",), "http://x/y", "", "", None, "hg38", "", "", "y.bed")
    made(config).check_assemblies({})
    with pytest.raises(InputError, match=r"table H3K36me3 .* transcripts of human, which are on hg19 .found 'hg38'"):
        made(config).check_assemblies({"chip": source})
    table["assembly"] = "GRCh37.p13"
    made(config).check_assemblies({"chip": source})
    table["assembly"] = "hg18"
    with pytest.raises(InputError, match="found 'hg18'"):
        made(config).check_assemblies({})


def test_a_null_world_has_a_run_and_files_of_its_own(config):
    plan = made(config).plan
    assert (plan.run, plan.folder, plan.world) == ("demo", "results/demo", "demo")
    config["null_world"] = True
    plan = made(config).plan
    assert (plan.run, plan.folder, plan.world) == ("demo_null", "results/demo_null", "demo_null")
    assert plan.locate("resources/{world}/{species}.gaf.gz", {}, "rat") == "resources/demo_null/rat.gaf.gz"
    del config["simulation"]
    with pytest.raises(InputError, match="null_world is about a simulated world"):
        made(config)
    config["null_world"] = False
    with pytest.raises(InputError, match="files of a simulated world and names none"):
        made(config).plan.locate("resources/{world}/x", {})


def test_a_section_can_choose_its_predictors(config):
    config["optimisation"]["predictors"] = ["multi"]
    assert {name for name, _ in made(config).model_pairs("optimisation")} == {"multi"}
    config["optimisation"]["predictors"] = ["best"]
    with pytest.raises(InputError, match="unknown predictor"):
        made(config).model_pairs("optimisation")
