"""Shipped configurations fit the workflow, and one that does not is refused in a sentence."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.keys import reference, schema, with_defaults
from rnamarks.models.baselines import BASELINES
from rnamarks.models.settings import NETWORKS
from rnamarks.registry import registered
from rnamarks.run_files import check_files
from rnamarks.runs import parts_of
from rnamarks.schema import check_config
from rnamarks.sites.readers import READERS
from rnamarks.training.curriculum import CURRICULA

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [*sorted(ROOT.glob("config/*.yaml")), *sorted(ROOT.glob("config/*/*.yaml"))]


def made(config: dict) -> Plan:
    return Plan(with_defaults(check_config(config)))


def refusal(tmp_path: Path, text: str) -> str:
    """What is said of a configuration given as text; ``FILE`` stands for its path."""
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        check_config(yaml.safe_load(text), [file])
    return str(refused.value).replace(str(file), "FILE")


@pytest.mark.workflow
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.relative_to(ROOT / "config").as_posix())
def test_shipped_configurations_make_a_plan(file, new_project, make_data):
    project = new_project("plan", {})
    make_data(file, project.folder)
    done = project.run_well(configfile=file, options=["-n", "--quiet", "rules"])
    assert "write_report" in done.stdout + done.stderr


@pytest.mark.workflow
def test_the_demo_is_what_runs_without_a_configuration(new_project):
    project = new_project("default", {})
    command = project.command([], "-n", "--quiet", "rules")
    at = command.index("--configfile")
    del command[at : at + 2]
    done = subprocess.run(command, cwd=project.folder, env=project.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "simulate" in done.stdout + done.stderr


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c | {"evaluaton": {}}, r"tiny\.yaml:\d+: there is no key evaluaton; did you mean evaluation\?"),
        (lambda c: c | {"baselines": ["kmer_logstic"]}, r"\(found 'kmer_logstic'\); did you mean kmer_logistic\?"),
        (
            lambda c: c | {"root_species": "humen"},
            r"root_species is not among the species \(found 'humen'\); one of human",
        ),
        (
            lambda c: c | {"orthologues": {"table": "source:nowhere", "format": "compara"}},
            r"unknown source \(found 'nowhere'\); add it to the sheet of sources",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(new_project, tiny_config, change, said):
    project = new_project("mistake", change(copy.deepcopy(tiny_config)))
    done = project.run(options=["-n"])
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if not line.startswith("Using workflow specific profile")]
    assert len(told) == 1, done.stderr
    assert told[0].startswith("error: ")
    assert re.search(said, told[0]), told[0]
    assert done.stdout == ""


@pytest.mark.workflow
def test_a_python_whose_path_has_a_blank_is_refused_before_any_job(new_project, tiny_config):
    project = new_project("blank", tiny_config)
    (project.folder / "a checkout").symlink_to(sys.prefix, target_is_directory=True)
    command = project.command([], "-n")
    command[0] = str(project.folder / "a checkout" / "bin" / "python")
    done = subprocess.run(command, cwd=project.folder, env=project.environment(), capture_output=True, text=True)
    assert done.returncode == 2
    assert re.search(r"a Python whose path has a blank \(found .*\); move or rename the folder", done.stderr)


@pytest.mark.workflow
def test_a_mistake_on_the_command_line(new_project, tiny_config):
    done = new_project("mistake", tiny_config).run(options=["-n", "--config", "motiv=DRACH"])
    assert done.returncode == 2
    assert done.stderr.endswith("error: there is no key motiv; did you mean motif?\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run: a\nspecies: {yak: {}}\nevalution: {}\n", "FILE:3: there is no key evalution; did you mean evaluation?"),
        (
            "run: a\nspecies:\n  yak:\n    genom: x\n",
            "FILE:4: there is no key genom in species.yak; did you mean genome?",
        ),
        (
            "run: a\nspecies:\n  yak:\n    sites:\n      - {table: t, format: bed, name: n}\n"
            "      - table: t\n        formt: bed\n        name: n\n",
            "FILE:7: there is no key formt in species.yak.sites[1]; did you mean format?",
        ),
        (
            "run: a\nspecies: {yak: {}}\nmodels:\n  m:\n    network: mass\n    training: {batchsize: 3}\n",
            "FILE:6: there is no key batchsize in models.m.training; did you mean batch_size?",
        ),
        (
            "run: a\nspecies: {yak: {}}\nmodels:\n  m: {network: mas}\n",
            "FILE:4: models.m.network has no such choice (found 'mas'); did you mean mass?",
        ),
        (
            "run: a\nspecies: {yak: {}}\nqqq: 1\n",
            "FILE:3: there is no key qqq; choose from run, seed, ",
        ),
        ("species: {yak: {}}\n", "FILE: the key run is missing; add it; config/README.md says what it is"),
        ("run: a\nspecies: {}\n", "FILE:2: species cannot have this value (found {}); give at least 1 of them"),
        (
            "run: a\nspecies:\n  the yak: {}\n",
            "FILE:3: this cannot be a name in species (found 'the yak'); names match ^[A-Za-z][A-Za-z0-9]*$",
        ),
        (
            "run: a\nspecies:\n  2021: {}\n",
            "FILE:3: this cannot be a name in species (found '2021'); names match ^[A-Za-z][A-Za-z0-9]*$",
        ),
        (
            "run: a\nspecies: {yak: {}}\nseed: one\n",
            "FILE:3: seed cannot have this value (found 'one'); give a whole number",
        ),
        ("run: a\nspecies: {yak: {}}\nwindow: 3\n", "FILE:3: window cannot have this value (found 3); give at least 5"),
        (
            "run: a\nspecies: {yak: {}}\nmotif: DRAXH\n",
            "FILE:3: motif cannot have this value (found 'DRAXH'); it has to match ^[ACGTUNRYSWKMBDHV]{0,32}$",
        ),
        (
            "run: a\nspecies: {yak: {}}\nsplits: {train: 0}\n",
            "FILE:3: splits.train cannot have this value (found 0); give more than 0",
        ),
        (
            "run: a\nspecies: {yak: {}}\nsplits:\n  identity: 80\n",
            "FILE:4: splits.identity cannot have this value (found 80); give at most 1",
        ),
        (
            "run: a\nspecies: {yak: {}}\ntrainings:\n  - {model: m, setting: s, schemes: [paper], seeds: []}\n",
            "FILE:4: trainings[0].seeds cannot have this value (found []); give at least 1",
        ),
        (
            "run: a\nspecies: {yak: {windows: {all: {}}}}\n",
            "FILE:2: species.yak.windows.all cannot have this value (found {}); "
            "give at least 1 of positives, negatives, labelled",
        ),
        ("run: a\nspecies: yak\n", "FILE:2: species cannot have this value (found 'yak'); give keys and values"),
    ],
)
def test_a_refusal_names_file_line_key_value_and_remedy(tmp_path, text, said):
    assert refusal(tmp_path, text).startswith(said)


def test_of_several_files_the_last_that_holds_the_key_is_named(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("run: a\nspecies: {yak: {}}\nseed: x\n")
    second.write_text("seed: y\n")
    with pytest.raises(InputError, match=r"second\.yaml:1: seed"):
        check_config({"run": "a", "species": {"yak": {}}, "seed": "y"}, [first, second])
    with pytest.raises(InputError, match=r"^window cannot"):
        check_config({"run": "a", "species": {"yak": {}}, "window": "y"}, [first])


NAMED = ("species", "models", "settings", "stacks", "combiners", "predictors")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_mistyped_key_anywhere_is_found(file, tmp_path):
    """Every key of the shipped configurations, with its last letter doubled, is refused; names are free."""
    lines = file.read_text().splitlines(keepends=True)
    config = yaml.safe_load(file.read_text())
    # names that the configuration makes itself, and arguments of networks, which the networks check
    free = {name for part in NAMED for name in config.get(part, {})}
    free |= {*config.get("transcriptome", {}).get("more", {}), *config.get("motifs", {}).get("databases", {})}
    free |= {name for model in config.get("models", {}).values() for name in model.get("hyperparameters", {})}
    free |= {*config.get("language_models", {}), *config.get("downstream", {})}
    for part in ("sources", "judged"):
        free |= {*config.get("corpus", {}).get(part, {})}
    free |= {name for task in config.get("downstream", {}).values() for name in (*task["files"], *task.get("head", {}))}
    checked = 0
    for number, line in enumerate(lines):
        match = re.match(r" *(?:- \{)?([a-z_]+):", line)
        key = match[1] if match else ""
        if not key or key in free:
            continue
        wrong = key + key[-1]
        changed = "".join([*lines[:number], line.replace(key, wrong, 1), *lines[number + 1 :]])
        with pytest.raises(InputError, match=rf"no key {wrong}\b.*did you mean {key}\?"):
            check_config(yaml.load(changed, yaml.CSafeLoader))
        checked += 1
    assert checked >= 20


def test_every_key_is_described():
    lacking = []

    def visit(node: dict, path: str) -> None:
        for name, entry in node.get("properties", {}).items():
            if not entry.get("description", "").endswith((".", ";")):
                lacking.append(f"{path}.{name}")
            visit(entry, f"{path}.{name}")
        for key in ("items", "additionalProperties"):
            if isinstance(node.get(key), dict):
                visit(node[key], path)

    visit(schema(), "")
    assert not lacking


def test_the_reference_holds_every_key():
    text = reference()
    assert all(f"`{name}`" in text for name in schema()["properties"])
    assert "| `identity` | number | `0.8` |" in reference("splits")
    assert "mirror" not in reference("splits")


def test_the_readme_explains_every_top_level_key():
    text = (ROOT / "config" / "README.md").read_text()
    assert [key for key in schema()["properties"] if not re.search(rf"`{key}\b", text)] == []


def test_choices_are_what_is_registered():
    for variable, registry in {
        "BASELINES": BASELINES,
        "CURRICULA": CURRICULA,
        "READERS": READERS,
    }.items():
        assert list(registered(variable)) == registry.names(), variable
    assert list(registered("MODELS")) == sorted(NETWORKS)
    assert schema()["properties"]["baselines"]["items"]["enum"] == BASELINES.names()


def test_defaults_are_filled_in_where_a_section_is_given():
    config = with_defaults({"run": "a", "species": {"yak": {}}, "capacity": {}})
    assert config["capacity"]["definition"] == "mean"
    assert config["splits"]["identity"] == 0.8
    assert "landscape" not in config
    assert with_defaults({"run": "b", "species": {}})["baselines"] is not config["baselines"]


@pytest.mark.parametrize("text", ["learning_rate: 1e-3", "learning_rate: 1.0E-3"])
def test_a_number_in_scientific_notation_is_a_number(text):
    config = yaml.safe_load(f"run: a\nspecies: {{yak: {{}}}}\nmodels: {{m: {{network: mass, training: {{{text}}}}}}}")
    assert check_config(config)["models"]["m"]["training"]["learning_rate"] == 0.001


def test_names_that_do_not_fit_together_are_refused(tiny_config, monkeypatch):
    monkeypatch.chdir(ROOT)

    def refused(**changes) -> str:
        config = copy.deepcopy(tiny_config) | changes
        config = {key: value for key, value in config.items() if value is not None}
        with pytest.raises(InputError) as error:
            check_files(Analyses(made(config)), {})
        return str(error.value)

    one = {"model": "mass", "setting": "species3", "schemes": ["paper"], "seeds": [1]}
    assert "unknown model (found 'mess'); choose one of mass" in refused(trainings=[one | {"model": "mess"}])
    assert "no such setting (found 'species9')" in refused(trainings=[one | {"setting": "species9"}])
    assert "same run twice" in refused(trainings=[one, one])
    assert "release names a training" in refused(release={"model": "mass", "setting": "species3", "scheme": "guarded"})
    assert "has 3" in refused(settings={"species3": {"nearest": 4}})
    assert "has no task" in refused(species={"human": {"genome": "x"}}, root_species="human")
    assert "an unknown source (found 'x')" in refused(orthologues={"table": "source:x", "format": "compara"})
    tables = {"genome": "g", "annotation": "a", "sites": [{"table": "t", "format": "bed", "name": "n"}]}
    alone = {"species": {"yak": tables}, "root_species": "yak", "trainings": [], "release": None, "simulation": None}
    alone |= dict.fromkeys(("orthologues", "predictors", "regulation", "ontology", "tree"))
    alone |= {"stacks": {}, "settings": {}, "motifs": None, "transcriptome": None, "capacity": None}
    assert "assembly of the species is unknown (found 'yak')" in refused(**alone)
    stack = tiny_config["stacks"]["stacked"]

    def refused_stack(name="stacked", **changes) -> str:
        return refused(stacks={name: stack | changes})

    def members(*names) -> str:
        return refused_stack(members=list(names))

    assert "neither among models nor among baselines (found 'kmer_blend'); add it there, or take" in members(
        "mass", "kmer_blend"
    )
    assert "needs one network and one or more baselines, each once (found 'kmer_logistic, prevalence')" in members(
        "kmer_logistic", "prevalence"
    )
    two = tiny_config["models"] | {"mess": tiny_config["models"]["mass"]}
    assert "needs one network" in refused(models=two, stacks={"s": stack | {"members": ["mass", "mess", "prevalence"]}})
    assert "each once (found 'mass, prevalence, prevalence')" in members("mass", "prevalence", "prevalence")
    assert "has a member that is neither" in refused(baselines=["prevalence"])
    assert "needs mass in a setting and scheme that it is not trained in (found 'single, paper'); add it" in (
        refused_stack(setting="single")
    )
    assert "not trained in (found 'species3, guarded')" in refused_stack(schemes=["paper", "guarded"])
    assert "not trained in (found 'species3, paper')" in refused(trainings=[])
    for name in ("mass", "prevalence"):
        assert f"a stack has the name of a model or a baseline (found '{name}'); rename it" in refused_stack(name)
    assert "release names an unknown model (found 'stacked'); choose one of mass" in refused(stacks={})
    elsewhere = tiny_config["release"] | {"scheme": "guarded"}
    assert "add it to trainings or stacks" in refused(release=elsewhere)
    external = [{"name": "x", "task": "human", "positives": "p", "negatives": "n"}]
    assert "external needs a released model" in refused(external=external, release=None)
    assert "external x names an unknown task" in refused(external=[external[0] | {"task": "cow"}])


def test_a_stack_is_run_and_released_like_its_network(tiny_config, monkeypatch):
    monkeypatch.chdir(ROOT)
    plan = made(tiny_config)
    runs = [run for run in plan.runs if run.kind == "stack"]
    assert [run.predictions for run in runs] == [
        f"results/tiny/predictions/stacked/species3/paper/{seed}.parquet" for seed in (1, 2)
    ]
    assert {run.weights for run in runs} == {"results/tiny/models/stacked/species3/paper/weights.tsv"}
    assert [run.history for run in runs] == [None, None]
    assert plan.release_record() == {"model": "stacked", "setting": "species3", "scheme": "paper"}
    parts = parts_of(plan, "stacked", "species3", "paper")
    assert [run.stem for run in parts.networks] == ["mass/species3/paper/1", "mass/species3/paper/2"]
    assert [run.stem for run in parts.baselines] == ["kmer_logistic/single/paper/0"]
    assert parts.weights == runs[0].weights
    assert parts.inputs() == {
        "weights": [f"results/tiny/models/mass/species3/paper/{seed}/weights.safetensors" for seed in (1, 2)],
        "baselines": ["results/tiny/models/kmer_logistic/single/paper/0/weights.safetensors"],
        "stack": ["results/tiny/models/stacked/species3/paper/weights.tsv"],
        "combiner": [],
    }
    network = parts_of(plan, "mass", "species3", "paper")
    assert (network.networks, network.baselines, network.weights) == (parts.networks, (), None)
    assert network.inputs() == parts.inputs() | {"baselines": [], "stack": []}
    assert parts_of(plan, "stacked", "species3", "guarded").networks == ()


def test_a_stack_of_single_species_has_a_run_for_each_that_is_trained(tiny_config, monkeypatch):
    monkeypatch.chdir(ROOT)
    single = {"model": "mass", "setting": "single", "tasks": ["human", "mouse"], "schemes": ["paper"], "seeds": [4]}
    stack = tiny_config["stacks"]["stacked"] | {"setting": "single"}
    config = tiny_config | {"trainings": [single], "stacks": {"stacked": stack}}
    plan = made({key: value for key, value in config.items() if key != "release"})
    assert [run.stem for run in plan.runs if run.kind == "stack"] == [
        "stacked/single_human/paper/4",
        "stacked/single_mouse/paper/4",
    ]
    assert [run.stem for run in parts_of(plan, "stacked", "single_mouse", "paper").networks] == [
        "mass/single_mouse/paper/4"
    ]


def test_the_switch_to_the_meme_suite_plans_its_programs(new_project, tiny_config):
    project = new_project("suite", tiny_config | {"motifs": tiny_config["motifs"] | {"engine": "meme_suite"}})
    done = project.run_well(options=["-n", "--quiet", "rules"])
    counts = dict(re.findall(r"^(streme|tomtom) +(\d+)$", done.stdout + done.stderr, re.MULTILINE))
    # of three species: de novo motifs and those of one predictor's filters
    assert counts == {"streme": "3", "tomtom": "6"}


@pytest.mark.workflow
def test_the_demo_of_marks_is_forty_submissions_at_most():
    command = [sys.executable, ROOT / "benchmarks" / "submissions.py", ROOT / "config" / "demo_marks.yaml"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    jobs, submissions = map(int, re.search(r"(\d+) jobs in (\d+) submissions", done.stdout).groups())
    assert jobs > 100
    assert submissions <= 40
