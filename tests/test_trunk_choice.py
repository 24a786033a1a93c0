"""Which language model a configuration puts under a network, and what it cannot ask for."""

from __future__ import annotations

import re

import pytest
import yaml

from language_models import save_tiny
from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.fingerprint import modules
from rnamarks.keys import with_defaults
from rnamarks.models.checkpoint import save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.run_files import check_files, inputs_of
from rnamarks.schema import check_config, placed
from rnamarks.tasks import Task

CONFIG = """\
run: x
species: {human: {windows: {all: {labelled: w.fa}, format: fasta_tagged}}}
models:
  plain: {network: multirm}
  over:
    network: multirm
    hyperparameters:
      crop: 41
    trunk:
      language: ./lm/nano
      way: frozen
trainings: [{model: over, setting: single, schemes: [paper], seeds: [1]}]
release: {model: over, setting: single_human, scheme: paper}
motifs: {}
"""


SHEETS = {"species": "species", "modification": "modifications"}


@pytest.fixture
def made(repository, tmp_path, monkeypatch):
    """The analyses of a configuration file, changed by replacing text."""
    monkeypatch.chdir(tmp_path)
    save_tiny(tmp_path / "lm" / "nano")

    def made(*changes: tuple[str, str], languages=None) -> Analyses:
        text = CONFIG
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        written = yaml.safe_load(text)
        if languages:
            written |= {"language_models": languages, "corpus": {"sources": {"rna": {"files": ["rna.fa"]}}}}
        config = check_config(written, [path])
        sheets = {f"{name}_sheet": str(repository / "config" / f"{rows}.tsv") for name, rows in SHEETS.items()}
        config = with_defaults(config) | sheets
        try:
            analyses = Analyses(Plan(config))
            check_files(analyses, {})
        except InputError as error:
            raise placed(error, [path], config) from error
        return analyses

    return made


NAMED = ("language: ./lm/nano", "language: nano")


def test_a_folder_or_a_name_is_one_line(made):
    plan = made().plan
    assert (plan.trunk_of("over"), plan.trunk_of("plain")) == ("./lm/nano", None)
    assert [entry.reference for entry in inputs_of(made()) if entry.role == "trunk"] == [
        "./lm/nano/weights.safetensors"
    ]
    # what the run makes itself is no input of it
    for entry, seed, folder in (
        ({"size": "nano", "seeds": [4, 5]}, "", "4"),
        ({"size": "nano", "seeds": [4, 5]}, "\n      seed: 5", "5"),
        ({"checkpoint": "rinalmo.pt"}, "", "0"),
    ):
        analyses = made((NAMED[0], NAMED[1] + seed), languages={"nano": entry})
        assert analyses.plan.trunk_of("over") == f"results/x/language/nano/{folder}"
        assert not [entry for entry in inputs_of(analyses) if entry.role == "trunk"]


def test_the_run_knows_what_the_network_is_made_of(made):
    plan = made().plan
    assert not plan.has_filters("over")
    assert made(("network: multirm}", "network: mass}")).plan.has_filters("plain")
    assert plan.network_settings()["over"]["embedding"] == "nano, frozen"
    assert plan.network_settings()["over"]["width"] == 41
    own, over = ({path.name for path in plan.modules_of(name)} for name in ("plain", "over"))
    assert (own, over) == ({"multirm.py"}, {"multirm.py", "language_trunk.py"})


def test_only_a_network_over_a_language_model_rests_on_its_code(made, repository):
    plan, root = made().plan, repository / "workflow"
    script = repository / "scripts" / "training" / "train_model.py"
    named = {
        name: {file.relative_to(root).as_posix() for file in modules(script, root, *plan.modules_of(name)) - {script}}
        for name in ("plain", "over")
    }
    language = {f"rnamarks/models/{name}.py" for name in ("language", "language_trunk", "packing", "vector_cache")}
    assert not language & named["plain"]
    assert language <= named["over"]


def test_a_trunk_that_is_trained_has_a_rate_of_its_own(made):
    assert "learning_rate" not in made().plan.networks["over"]["training"]
    tuned = made(("way: frozen", "way: finetuned")).plan
    assert tuned.networks["over"]["training"] == {"learning_rate": 1e-4}
    given = made(("way: frozen", "way: scratch\n    training: {learning_rate: 0.01}")).plan
    assert given.networks["over"]["training"] == {"learning_rate": 0.01}


@pytest.mark.parametrize(
    ("changes", "line", "said"),
    [
        ([("way: frozen", "way: cold")], 11, r"trunk\.way has no such choice .found 'cold'"),
        ([("way: frozen", "seed: -1")], 11, "at least 0"),
        ([("way: frozen", "speed: 1")], 11, "no key speed"),
        ([("way: frozen", "seed: 2")], 11, "a folder and a seed"),
        ([("trunk:\n", "trunk: ./lm/nano\n"), ("      language: ./lm/nano\n      way: frozen\n", "")], 9, "this value"),
        ([NAMED], 10, r"unknown language model .found 'nano'.*known: mini, big; .*\./nano"),
        ([("language: ./lm/nano", "language: mini"), ("way: frozen", "seed: 3")], 11, "mini has no such seed .found 3"),
        ([("./lm/nano", "./lm/none")], 10, "holds no language model .found './lm/none'"),
        ([("./lm/nano", "./mass")], 10, "holds no language model but mass"),
        ([("./lm/nano", "source:lm")], 10, "an unknown source .found .lm"),
        ([("crop: 41", "units: 8")], 8, r"hyperparameters\.units is about the trunk that the language model replaces"),
        ([("crop: 41", "trunk: {width: 8}")], 8, r"no setting models\.over\.hyperparameters\.trunk"),
        ([("crop: 41", "corp: 41")], 8, "no setting"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(made, tmp_path, changes, line, said):
    sizes = {"filters": 4, "channels": 4, "lstm_units": 2, "attention_width": 2, "dense": 4}
    mass = build_model("mass", ["human"], 21, sizes)
    save_model(tmp_path / "mass", [mass.state_dict()], ModelConfig("mass", [Task("human")], 21, sizes))
    with pytest.raises(InputError, match=said) as error:
        made(*changes, languages={"mini": {"size": "nano"}, "big": {"size": "nano", "seeds": [2]}})
    assert re.search(r"mine\.yaml:(\d+)", str(error.value)).group(1) == str(line)
