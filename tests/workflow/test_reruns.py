"""A change runs again what rests on it, and nothing else."""

from __future__ import annotations

import copy
import re
import shutil

import pytest
import yaml

from patience import run_patiently
from rnamarks.figures.catalogue import SECTIONS

pytestmark = pytest.mark.workflow

SHOWN = {"collect_figures", "write_report", "all", *(f"draw_{section}" for section in SECTIONS)}
EVALUATED = {"evaluate_models", "write_card"}


@pytest.fixture
def jobs(finished, repository):
    """Jobs that Snakemake would run after a change: rule to number."""

    def planned(config=None, text=None, checkout=repository, options=()) -> dict[str, int]:
        path = finished.folder / "changed.yaml"
        path.write_text(text or yaml.safe_dump(copy.deepcopy(config), sort_keys=False))
        command = finished.command([], "-n", *options, configfile=path)
        command[command.index("--snakefile") + 1] = str(checkout / "workflow" / "Snakefile")
        done = run_patiently(command, cwd=finished.folder, env=finished.environment())
        assert done.returncode == 0, done.stderr[-4000:]
        stats = re.search(r"^job +count\n-+ +-+\n((?:\w+ +\d+\n)+)", done.stdout + done.stderr, re.MULTILINE)
        counts = dict(line.split() for line in stats[1].splitlines()) if stats else {}
        return {rule: int(count) for rule, count in counts.items() if rule != "total"}

    return planned


@pytest.fixture
def checkout(repository, tmp_path):
    """A copy of the code, to be changed."""
    for folder in ("workflow", "scripts", "envs"):
        shutil.copytree(repository / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_comments_and_the_order_of_keys_change_nothing(jobs, tiny_config):
    turned = dict(reversed(tiny_config.items()))
    assert jobs(text="# a remark\n" + yaml.safe_dump(turned, sort_keys=False)) == {}


def test_resamples_change_metrics_and_what_shows_them(jobs, tiny_config):
    found = jobs(tiny_config | {"evaluation": tiny_config["evaluation"] | {"bootstrap": 120}})
    assert found["evaluate_models"] == 1
    assert set(found) <= {*SHOWN, *EVALUATED, "measure_landscape", "count_conserved", "compare_modes"}


@pytest.mark.parametrize(
    ("section", "change", "expected"),
    [
        ("transcriptome", {"probability": 0.4}, {"export_sites": 3, "all": 1}),
        ("landscape", {"bins": 14}, {"measure_landscape", "draw_landscape", "collect_figures", "write_report", "all"}),
        (
            "capacity",
            {"permutations": 120},
            {"count_conserved", "draw_capacity", "collect_figures", "write_report", "all"},
        ),
    ],
)
def test_a_change_of_a_section_runs_exactly_what_rests_on_it(jobs, tiny_config, section, change, expected):
    found = jobs(tiny_config | {section: tiny_config[section] | change})
    assert found == (expected if isinstance(expected, dict) else dict.fromkeys(expected, 1))


def test_a_new_checkout_of_the_same_code_makes_nothing_anew(jobs, tiny_config, checkout):
    """Though its scripts are younger than the results."""
    for script in (checkout / "scripts").rglob("*.py"):
        script.touch()
    assert jobs(tiny_config, checkout=checkout) == {}


def test_one_more_baseline_is_fitted_and_compared(jobs, tiny_config):
    found = jobs(tiny_config | {"baselines": [*tiny_config["baselines"], "composition"]})
    assert found["fit_baseline"] == 2
    assert set(found) <= {"fit_baseline", *SHOWN, *EVALUATED}


@pytest.mark.parametrize("change", [{"device": "auto"}, {"checkpoints": ".elsewhere"}, {"training_threads": 2}])
def test_where_and_how_jobs_run_changes_no_result(jobs, tiny_config, change):
    assert jobs(tiny_config | {"resources": tiny_config["resources"] | change}) == {}


def test_a_gpu_changes_no_result(jobs, tiny_config):
    assert jobs(tiny_config | {"resources": tiny_config["resources"] | {"device": "cuda"}}) == {}


TRAINED = {"train_model", "predict_windows", "scan_transcriptome"}


@pytest.mark.parametrize(
    ("module", "rules", "spared"),
    [
        ("biology/landscape.py", {"measure_landscape"}, {*TRAINED, "fit_baseline"}),
        ("sites/orthologues.py", {"read_orthologues"}, set()),
        ("models/mass.py", {*TRAINED, "extract_filters", "attend_windows"}, {"fit_baseline", "split_windows"}),
    ],
)
def test_a_change_in_the_library_runs_what_rests_on_it(jobs, tiny_config, checkout, module, rules, spared):
    assert jobs(tiny_config, checkout=checkout) == {}
    file = checkout / "workflow" / "rnamarks" / module
    text = file.read_text()
    file.write_text(text + "\n# a remark\n")
    assert jobs(tiny_config, checkout=checkout) == {}
    file.write_text(text + "\n_CHANGED = 1\n")
    found = jobs(tiny_config, checkout=checkout)
    assert rules <= set(found)
    assert not spared & set(found)


def test_networks_and_baselines_that_a_run_does_not_use_concern_nothing_of_it(jobs, tiny_config, checkout):
    library = checkout / "workflow" / "rnamarks"
    for module in ("deepm6aseq.py", "multirm.py", "embeddings.py", "settings/deepm6aseq.py", "boosting.py"):
        with open(library / "models" / module, "a") as file:
            file.write("\n_CHANGED = 1\n")
    (library / "models" / "another.py").write_text(
        'from .registry import MODELS, Network\n\n\n@MODELS.add("another")\nclass Another(Network):\n    pass\n'
    )
    assert jobs(tiny_config, checkout=checkout) == {}
