"""Where in its files a configuration is wrong: every fault has a file, a line, a key, its value and a remedy."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.keys import with_defaults
from rnamarks.schema import check_config, placed
from rnamarks.sites.layouts import LAYOUTS
from rnamarks.sites.readers import LAYOUT_READERS

CONFIG = """\
run: x
window: 101
motif_offset: 2
species:
  yak:
    assembly: yak1
    genome: yak.fa
    annotation: yak.gtf
    sites:
      - table: yak.tsv
        name: mine
        format: table
        layout: {origin: 1, chrom: 1, start: 2, strand: 3}
models:
  mine:
    network: mass
    hyperparameters: {dropout: 0.1}
    training:
      learning_rate: 1e-3
      epochs: 1e1
trainings:
  - {model: mine, setting: single, schemes: [paper], seeds: [1]}
splits: {train: 0.7}
attention:
  gradients: {steps: 4}
consensus:
  settings: {eps: 0.5}
optimisation:
  settings: {starts: 5}
line_search:
  model: mine
  setting: single_yak
  scheme: paper
  grid:
    hyperparameters.dropout:
      - 0.1
      - 0.2
landscape:
  threshold: 0.5
"""


@pytest.fixture
def made(tmp_path, repository, monkeypatch):
    monkeypatch.chdir(repository)
    file = tmp_path / "my.yaml"

    def make(old: str = "", new: str = "") -> Plan:
        assert old in CONFIG
        file.write_text(CONFIG.replace(old, new, 1))
        try:
            return Plan(with_defaults(check_config(yaml.safe_load(file.read_text()), [file])))
        except InputError as error:
            raise placed(error, [file]) from error

    return make


def test_sound_configurations_pass(made):
    training = made().networks["mine"]["training"]
    assert training == {"learning_rate": 0.001, "epochs": 10}
    assert type(training["epochs"]) is int


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("window: 101", "window: 100", 2, r"the window is even .*found 100.; give an odd"),
        ("window: 101", "window: 1000000001", 2, r"window .*give at most 100000"),
        ("motif_offset: 2", "motif_offset: 5", 3, r"outside the motif DRACH .found 5"),
        ("origin: 1", "origin: 2", 13, r"the origin is neither 0 nor 1 .found 2"),
        ("chrom: 1", "chrom: [a]", 13, r"chrom is no column .found \['a'\]"),
        ("format: table", "format: bedmethyl", 13, r"the layout of bedMethyl .*give minimum_coverage"),
        ("format: table", "format: bed", 13, r"the format bed takes no layout"),
        ("dropout: 0.1", "dropout: 7", 17, r"models.mine.hyperparameters.dropout is not a number from 0 .*found 7"),
        ("dropout: 0.1", "filters: '16'", 17, r"models.mine.hyperparameters.filters is not .*found '16'"),
        ("dropout: 0.1", "filtres: 16", 17, r"no setting models.mine.hyperparameters.filtres; known are"),
        ("1e-3", "x", 19, r"models.mine.training.learning_rate is not .*found 'x'"),
        ("epochs: 1e1", "epochs: 2.5", 20, r"models.mine.training.epochs is not a whole number .*found 2.5"),
        ("epochs: 1e1", "batch_size: 3", 18, r"models.mine.training: the batch size is odd .found 3"),
        ("seeds: [1]", "seeds: [1.0]", 22, r"trainings\[0\].seeds\[0\] .*found 1.0.; give a whole number"),
        ("model: mine, setting: single,", "model: yours, setting: single,", 22, r"unknown model .found 'yours'"),
        ("setting: single,", "setting: single, tasks: [ox],", 22, r"trainings names an unknown task .found 'ox'"),
        ("train: 0.7", "train: 0.9", 23, r"do not add up to 1 .found \[0.9, 0.1, 0.2\]"),
        ("steps: 4", "steps: 0", 25, r"attention.gradients.steps is not a whole number .*found 0"),
        ("steps: 4", "stops: 4", 25, r"no setting attention.gradients.stops; known are baseline"),
        ("eps: 0.5", "eps: wide", 27, r"consensus.settings.eps is not .*found 'wide'"),
        ("eps: 0.5", "esp: 0.5", 27, r"no setting consensus.settings.esp; known are"),
        ("starts: 5", "starts: many", 29, r"optimisation.settings.starts is not .*found 'many'"),
        ("starts: 5", "motif: DRACH, motif_offset: 5", 29, r"optimisation.settings: motif_offset lies outside"),
        ("- 0.2", "- 2", 37, r"dropout is not a number .*found 2"),
        ("threshold: 0.5", "threshold: .nan", 39, r"landscape.threshold is not finite .found nan"),
        ("train: 0.7", "train: .inf", 23, r"splits.train is not finite .found inf"),
    ],
)
def test_faults_have_a_line(made, tmp_path, old, new, line, what):
    with pytest.raises(InputError, match=what) as caught:
        made(old, new)
    assert (caught.value.path, caught.value.line) == (tmp_path / "my.yaml", line)


def test_a_value_of_the_command_line_is_placed_in_no_file(tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("run: x\nseed: 1\nspecies: {yak: {}}\n")
    config = yaml.safe_load(file.read_text())
    for value, where in (("abc", None), (-2, None), (1.5, None)):
        with pytest.raises(InputError, match="seed cannot have this value") as caught:
            check_config(config | {"seed": value}, [file])
        assert caught.value.path is where
    file.write_text("run: x\nseed: -2\nspecies: {yak: {}}\n")
    with pytest.raises(InputError, match=r"my\.yaml:2: seed"):
        check_config(config | {"seed": -2}, [file])


def test_every_format_with_a_layout_is_checked():
    assert sorted(LAYOUTS) == LAYOUT_READERS.names()


def test_parsing_needs_neither_numpy_nor_torch(repository):
    code = "import sys, rnamarks.analyses, rnamarks.schema, rnamarks_simulation.parameters; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=repository / "workflow", capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "pandas", "torch"} & set(found)
