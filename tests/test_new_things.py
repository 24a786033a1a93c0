"""What docs/architecture.md says a new thing touches, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.figures.design import Design
from rnamarks.keys import with_defaults
from rnamarks.registry import registered
from rnamarks.run_files import inputs_of
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
    assert ("motifs", "human.meme") in {(entry.role, entry.reference) for entry in inputs_of(analyses)}


@pytest.mark.parametrize("registry", ["READERS", "WINDOW_FORMATS", "BASELINES", "CURRICULA", "MOTIF_FORMATS", "MODELS"])
def test_choices_of_a_configuration_stand_nowhere_but_where_they_are_registered(repository, registry):
    modules = sorted((repository / "workflow" / "rnamarks").glob("keys*.py"))
    text = "".join(module.read_text(encoding="utf-8") for module in modules)
    assert registered(registry)
    assert f'"{registry}"' in text
    names = [name for name in registered(registry) if len(name) > 5]
    assert not [name for name in names if re.search(rf'choices=.*"{name}"', text)]


@pytest.fixture
def library(repository, tmp_path):
    """A copy of the library to add files to, and a function that runs code on it in a process of its own."""
    folder = tmp_path / "workflow" / "rnamarks"
    shutil.copytree(repository / "workflow" / "rnamarks", folder, ignore=shutil.ignore_patterns("__pycache__"))

    def run(code: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(folder.parent)}
        # the copy alone, not what is installed
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=repository, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return folder, run


NETWORK_SETTINGS = '''
from dataclasses import dataclass
from . import NETWORKS, SIZE, NetworkSettings, Whole, setting

@NETWORKS.add("summing")
@dataclass(frozen=True)
class SummingSettings(NetworkSettings):
    """Channels."""

    channels: int = setting(8, Whole(1, SIZE))
'''
NETWORK = '''
from torch import nn
from .layers import OneHot
from .registry import MODELS, Network
from .settings.summing import SummingSettings

class Trunk(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.one_hot, self.mix, self.channels = OneHot(), nn.Conv1d(4, channels, 3, padding=1), channels

    def forward(self, codes):
        return self.mix(self.one_hot(codes)).transpose(1, 2)

class Head(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.linear = nn.Linear(channels, 1)

    def forward(self, positions):
        return self.linear(positions.mean(dim=1)).flatten(0)

@MODELS.add("summing")
class Summing(Network):
    """Mean over positions of a convolution."""

    def __init__(self, tasks, window, **hyperparameters):
        trunk = Trunk(SummingSettings.from_mapping(hyperparameters).channels)
        super().__init__(tasks, window, trunk=trunk, heads={task: Head(trunk.channels) for task in tasks})
'''
USE_NETWORK = """
import torch
import rnamarks
from rnamarks.models.registry import MODELS
from rnamarks.configuration import Plan
from rnamarks.keys import with_defaults
from rnamarks.schema import check_config

config = {
    "run": "x",
    "species": {"human": {"windows": {"all": {"positives": "p", "negatives": "n"}}}},
    "models": {"m": {"network": "summing", "hyperparameters": {"channels": 4}}},
    "trainings": [{"model": "m", "setting": "single", "schemes": ["paper"], "seeds": [1]}],
}
plan = Plan(with_defaults(check_config(config)))
network = MODELS["summing"](["a", "b"], 21, channels=4)
print(rnamarks.__file__)
print(plan.modules_of("m"))
print(tuple(network.forward_all(torch.zeros(5, 21, dtype=torch.uint8)).shape))
"""


def test_a_network_is_a_module_and_its_settings(library):
    folder, run = library
    (folder / "models" / "settings" / "summing.py").write_text(NETWORK_SETTINGS, encoding="utf-8")
    (folder / "models" / "summing.py").write_text(NETWORK, encoding="utf-8")
    place, modules, shape = run(USE_NETWORK).splitlines()
    assert place.startswith(str(folder))
    assert str(folder / "models" / "summing.py") in modules
    assert shape == "(5, 2)"


FIGURE = '''

@styled
def draw_totals(counts: pd.DataFrame, design: Design) -> Figure:
    """Windows of each task."""
    figure = new_figure(1)
    figure.subplots().barh(design.names, [counts.loc[counts["task"] == name, "windows"].sum() for name in design.names])
    return figure


def explain_totals(counts: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_totals`, by panel."""
    return [f"{int(counts['windows'].sum())} windows."]
'''
USE_FIGURE = """
import pandas as pd
import rnamarks
from rnamarks.configuration import Plan
from rnamarks.figures.catalogue import FIGURES, figures_of
from rnamarks.figures.design import Design
from rnamarks.keys import with_defaults
from rnamarks.schema import check_config

config = {"run": "x", "species": {"human": {"windows": {"all": {"positives": "p", "negatives": "n"}}}}}
design = Design.from_plan(Plan(with_defaults(check_config(config))))
counts = pd.DataFrame({"task": ["human"], "windows": [7]})
figure = FIGURES["totals"].draw([counts], design)
print(rnamarks.__file__)
print("totals" in figures_of(design), FIGURES["totals"].file, figure.axes[0].patches[0].get_width())
print(FIGURES["totals"].explain([counts], design))
"""


def test_a_figure_is_two_functions_and_a_row(library):
    folder, run = library
    with open(folder / "figures" / "data.py", "a", encoding="utf-8") as handle:
        handle.write(FIGURE)
    with open(folder / "figures" / "figures.tsv", "a", encoding="utf-8") as handle:
        handle.write("totals\tdata\tTotals\tdata:totals\tcounts\t\t\tWindows\tWindows of each {word}.\n")
    place, drawn, captions = run(USE_FIGURE).splitlines()
    assert place.startswith(str(folder))
    assert drawn == "True figures/totals.svg 7"
    assert "7 windows." in captions
