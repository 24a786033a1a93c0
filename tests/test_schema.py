"""Where in its files a configuration is wrong: every fault has a file, a line, a key, its value and a remedy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.keys import with_defaults
from rnamarks.run_files import check_files
from rnamarks.schema import check_config, placed
from rnamarks.sites.layouts import LAYOUTS
from rnamarks.sites.readers import GENOME_READERS, LAYOUT_READERS
from rnamarks.sources.sheet import read_sources
from rnamarks_simulation.parameters import check_world

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
        config = yaml.safe_load(file.read_text())
        try:
            return Plan(with_defaults(check_config(config, [file])))
        except InputError as error:
            raise placed(error, [file], config) from error

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


NAMES = """\
run: x
root_species: yak
modification: m6A
tree: TREE
species:
  yak: {assembly: yak1, genome: yak.fa, annotation: yak.gtf}
  gnu: {assembly: gnu1, genome: gnu.fa, annotation: gnu.gtf}
modifications:
  m6A: {species: [yak, gnu], sites: [{table: source:rmbase_hg19, format: bed, name: a}]}
tasks:
  both:
    species: yak
    modification: Y
    sites: [{table: b.tsv, format: bed, name: b}]
models:
  mine: {network: mass}
  next:
    network: mass
    start: {model: mine, setting: near}
settings:
  near: {nearest: 3}
  named:
    tasks:
      - yak_m6A
trainings:
  - {model: mine, setting: near, schemes: [paper], seeds: [1]}
  - model: next
    setting: near
    schemes: [paper]
    seeds: [1]
  - model: mine
    setting: single
    schemes: [paper]
    seeds: [1]
    tasks: [yak_m6A]
stacks:
  sum:
    members:
      - mine
      - prevalence
    setting: near
    schemes: [paper]
line_search:
  model: mine
  setting: near
  scheme: paper
  grid: {training.epochs: [1]}
release:
  model: mine
  setting: near
  scheme: paper
predictors:
  first:
    model: sum
    setting: near
    scheme: paper
external:
  - name: far
    task: yak_m6A
    positives: p.txt
motifs:
  predictors: [first]
  databases:
    known:
      format: meme
      files: [a.meme]
      species: [yak]
attention:
  predictors: [first]
transcriptome:
  more:
    others:
      task: yak_m6A
      transcripts: t.fa
capacity: {}
ontology:
  ontology: go.obo
  annotations:
    - file: a.gaf
      transcripts: [others]
regulation:
  transcripts: others
  predictor: first
  tables:
    - {name: half, kind: half_life, files: [data.tsv]}
"""


@pytest.fixture
def named(tmp_path, repository, monkeypatch):
    """Reads a text as the workflow's first rules file does, up to what each analysis asks for."""
    monkeypatch.chdir(repository)
    file, tree = tmp_path / "my.yaml", tmp_path / "tree.nwk"
    tree.write_text("(yak:1,gnu:1);")
    tree.with_name("tree.nwk2").write_text("(yak:1,ox:1);")

    def read(text: str) -> None:
        file.write_text(text.replace("TREE", str(tree)))
        config = yaml.safe_load(file.read_text())
        try:
            config |= with_defaults(check_config(config, [file]))
            if "simulation" in config:
                check_world(config["simulation"], list(config["species"]))
            analyses = Analyses(Plan(config))
            check_files(analyses, {source.name: source for source in read_sources("config/sources.tsv")})
        except InputError as error:
            raise placed(error, [file], config) from error

    return read


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("root_species: yak", "root_species: ox", "root_species is not among"),
        ("tree: TREE", "tree: TREE2", "the species is not in the tree .found 'gnu'"),
        ("  m6A: {species", "  m7Z: {species", "no modification of that name"),
        ("[yak, gnu]", "[yak, ox]", "task ox_m6A is about an unknown species"),
        ("source:rmbase_hg19", "source:nothing", "an unknown source .found 'nothing'"),
        ("table: b.tsv", "table: '{world}/b.tsv'", "a simulated world and names none"),
        ("    species: yak", "    species: ox", "task both is about an unknown species"),
        ("modification: Y", "modification: m7Z", "no modification of that name"),
        ("    start: {model: mine", "    start: {model: yours", "a training that the configuration does not ask for"),
        ("    start: {model: mine, setting: near}", "    start: {folder: source:nothing}", "an unknown source"),
        ("    start: {model: mine, setting: near}", "    start: {model: mine}", "needs a model and a setting"),
        ("nearest: 3", "nearest: 9", "asks for 9 tasks, the configuration has 3"),
        ("      - yak_m6A", "      - ox_m6A", "setting named names an unknown task"),
        ("{model: mine, setting: near, s", "{model: yours, setting: near, s", "trainings names an unknown model"),
        ("{model: mine, setting: near, s", "{model: mine, setting: far, s", "no such setting"),
        ("model: next\n", "model: mine\n", "the same run twice"),
        ("tasks: [yak_m6A]", "tasks: [ox]", "trainings names an unknown task"),
        ("      - mine", "      - yours", "stacks.sum has a member"),
        ("      - prevalence", "      - prevalance", "stacks.sum has a member"),
        (
            "    setting: near\n    schemes: [paper]\nline",
            "    setting: far\n    schemes: [paper]\nline",
            "stacks.sum needs",
        ),
        ("line_search:\n  model: mine", "line_search:\n  model: yours", "line_search names an unknown model"),
        ("line_search:\n  model: mine", "line_search:\n  model: next", "trains from random weights"),
        ("  setting: near\n  scheme: paper\n  grid", "  setting: far\n  scheme: paper\n  grid", "no such setting"),
        ("training.epochs: [1]", "epochs: [1]", "an entry of line_search.grid has no place"),
        ("release:\n  model: mine", "release:\n  model: yours", "release names an unknown model"),
        ("  setting: near\n  scheme: paper\npred", "  setting: far\n  scheme: paper\npred", "no such setting"),
        ("    model: sum", "    model: summ", "predictors names an unknown model"),
        ("    setting: near\n    scheme: paper\next", "    setting: far\n    scheme: paper\next", "no such setting"),
        ("    task: yak_m6A", "    task: ox", "external far names an unknown task"),
        ("motifs:\n  predictors: [first]", "motifs:\n  predictors: [last]", "motifs names an unknown predictor"),
        ("attention:\n  predictors: [first]", "attention:\n  predictors: [last]", "attention names an unknown pred"),
        ("      species: [yak]", "      species: [ox]", "motifs names unknown species"),
        ("      task: yak_m6A", "      task: ox", "transcriptome.more.others names an unknown task"),
        ("transcripts: [others]", "transcripts: [those]", "ontology names unknown transcripts"),
        ("  transcripts: others", "  transcripts: those", "regulation names unknown transcripts"),
        ("  predictor: first", "  predictor: last", "regulation names an unknown predictor"),
    ],
)
def test_wrong_names_have_a_line(named, tmp_path, old, new, what):
    named(NAMES)
    before, found, _ = NAMES.partition(old)
    assert found
    # the first line that differs
    parts = zip(old.split("\n"), new.split("\n"), strict=True)
    line = before.count("\n") + 1 + next(at for at, (one, other) in enumerate(parts) if one != other)
    with pytest.raises(InputError, match=what) as caught:
        named(NAMES.replace(old, new, 1))
    assert caught.value.path == tmp_path / "my.yaml"
    assert caught.value.line == line, caught.value


def test_a_wrong_word_anywhere_is_found_in_its_line(named, tmp_path, repository):
    """Each text and number of a shipped configuration in turn; most may be anything, which is then no fault."""
    text = (repository / "config" / "config.yaml").read_text(encoding="utf-8")
    places = []
    for node in leaves(yaml.compose(text)):
        if node.style in ("|", ">"):
            continue
        wrong = text[: node.start_mark.index] + "source:none" + text[node.end_mark.index :]
        try:
            named(wrong)
        except InputError as error:
            if error.path != "source:none":
                places.append((error.path, error.line, node.start_mark.line + 1, str(error)))
    assert len(places) > 50
    assert [place for place in places if (place[0], place[1]) != (tmp_path / "my.yaml", place[2])] == []


def leaves(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    else:
        for entry in node.value:
            yield from leaves(entry[1] if isinstance(node, yaml.MappingNode) else entry)


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("kind: clade", "kind: organism", 7, "kind organism has one species"),
        ("[Y]", "[m7Z]", 8, "the simulation knows no such modification"),
        ("second_lab: yak", "second_lab: ox", 9, "simulation names an unknown species"),
        ("genes: 100", "genes: 1", 11, "cannot have this genes"),
        ("[1, 2]", "[2, 1]", 12, "exons is no span"),
        ("exons", "axons", 12, "no such parameter"),
    ],
)
def test_worlds_that_cannot_be_simulated_have_a_line(named, old, new, line, what):
    text = (
        "run: x\nspecies:\n  yak: {windows: {all: {labelled: a}}}\n  gnu: {}\nsimulation:\n  world: w\n  kind: clade\n"
        "  modifications: [Y]\n  second_lab: yak\n  sizes:\n    genes: 100\n    exons: [1, 2]\n"
    )
    named(text)
    with pytest.raises(InputError, match=what) as caught:
        named(text.replace(old, new))
    assert caught.value.line == line


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
    assert sorted(LAYOUTS) == sorted([*LAYOUT_READERS, *GENOME_READERS])


@pytest.mark.parametrize("layout", [{}, {"windows": "pictures"}, {"windows": ["fasta"]}, {"windows": "fasta", "x": 1}])
def test_a_layout_of_windows_names_a_format(layout):
    with pytest.raises(InputError, match=r"names no format of windows .*give windows: adar_chat"):
        LAYOUTS["windows"](layout)
    LAYOUTS["windows"]({"windows": "fasta"})


def test_parsing_needs_neither_numpy_nor_torch(repository):
    code = "import sys, rnamarks.analyses, rnamarks.schema, rnamarks_simulation.parameters; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=repository / "workflow", capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "pandas", "torch"} & set(found)
