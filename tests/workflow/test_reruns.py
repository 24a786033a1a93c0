"""A change runs again what rests on it, and nothing else."""

from __future__ import annotations

import copy
import re
import shutil

import pytest
import yaml

from patience import run_patiently

pytestmark = pytest.mark.workflow

SHOWN = {"draw_figure", "collect_figures", "write_report", "all"}
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


def test_comments_and_the_order_of_keys_change_nothing(jobs, tiny_config):
    turned = dict(reversed(tiny_config.items()))
    assert jobs(text="# a remark\n" + yaml.safe_dump(turned, sort_keys=False)) == {}


def test_resamples_change_metrics_and_what_shows_them(jobs, tiny_config):
    found = jobs(tiny_config | {"evaluation": tiny_config["evaluation"] | {"bootstrap": 120}})
    assert found["evaluate_models"] == 1
    assert set(found) <= {*SHOWN, *EVALUATED, "measure_landscape", "count_conserved", "compare_modes"}


def test_one_more_baseline_is_fitted_and_compared(jobs, tiny_config):
    found = jobs(tiny_config | {"baselines": [*tiny_config["baselines"], "composition"]})
    assert found["fit_baseline"] == 2
    assert set(found) <= {"fit_baseline", *SHOWN, *EVALUATED}


@pytest.mark.parametrize("change", [{"device": "auto"}, {"checkpoints": ".elsewhere"}, {"training_threads": 2}])
def test_where_and_how_jobs_run_changes_no_result(jobs, tiny_config, change):
    assert jobs(tiny_config | {"resources": tiny_config["resources"] | change}) == {}


def test_a_gpu_changes_no_result(jobs, tiny_config):
    assert jobs(tiny_config | {"resources": tiny_config["resources"] | {"device": "cuda"}}) == {}


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("biology/landscape.py", {"measure_landscape"}),
        ("sites/orthologues.py", {"read_orthologues"}),
    ],
)
def test_a_change_in_the_library_runs_what_rests_on_it(jobs, tiny_config, repository, tmp_path, module, rules):
    for folder in ("workflow", "scripts", "envs"):
        shutil.copytree(repository / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert jobs(tiny_config, checkout=tmp_path) == {}
    file = tmp_path / "workflow" / "rnamarks" / module
    text = file.read_text()
    file.write_text(text + "\n# a remark\n")
    assert jobs(tiny_config, checkout=tmp_path) == {}
    file.write_text(text + "\n_CHANGED = 1\n")
    found = jobs(tiny_config, checkout=tmp_path)
    assert rules <= set(found)
    assert not {"train_model", "fit_baseline", "scan_transcriptome"} & set(found) or "read_orthologues" in rules
