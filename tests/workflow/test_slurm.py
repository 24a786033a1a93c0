"""The workflow on a real SLURM of one machine, whose controller, nodes and jobs fail meanwhile."""

from __future__ import annotations

import copy
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import yaml

from patience import PATIENCE, run_patiently, wait_until
from rnamarks.clusters import partitions_here
from rnamarks.errors import InputError
from slurm_cluster import Cluster, run, why_not

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]

# what two runs of one configuration need not share: seconds, the page that quotes them, and the command with its paths
VARYING = ("models/*/*/*/*/history.tsv", "training/histories.tsv", "report.html", "run.json")
STEPS = 600
# the first try cannot hold Snakemake alone, the second is enough
LITTLE = "mem_mb=100 if attempt == 1 else 2000"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    if reason := why_not():
        pytest.skip(reason)
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def accounted(cluster, tmp_path) -> Iterator[Cluster]:
    """A cluster that soon forgets jobs and keeps them in a database, in place of the other one meanwhile."""
    if reason := why_not(accounting=True):
        pytest.skip(reason)
    cluster.stop()
    made = Cluster(tmp_path, accounting=True, remembered=60)
    made.start()
    yield made
    made.stop()
    cluster.start()


def on_slurm(project, *targets: str, options: Sequence[str] = ()) -> list[str]:
    """The command that a user gives, but for how often one looks at a cluster that nobody else uses."""
    profile = ["--workflow-profile", str(project.repository / "workflow" / "profiles" / "slurm")]
    quick = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"]
    return project.command(targets, *profile, *quick, *options)


def job_of(cluster: Cluster, rule: str) -> dict[str, str]:
    """The job of a rule or group that runs, as SLURM describes it; nothing if none does."""
    for job, state, comment in cluster.jobs("%i %T %k"):
        if state == "RUNNING" and comment.startswith(f"rule_{rule}"):
            return described(job)
    return {}


def described(job: str) -> dict[str, str]:
    return dict(re.findall(r"(\S+?)=(\S*)", run("scontrol", "show", "job", job)))


def jobs_of(cluster: Cluster, rule: str) -> list[dict[str, str]]:
    """All jobs of a rule in the order of their submission."""
    found = sorted(int(job) for job, comment in cluster.jobs("%i %k") if comment.startswith(f"rule_{rule}"))
    return [described(str(job)) for job in found]


@pytest.fixture(scope="module")
def config(repository) -> dict[str, Any]:
    """The demo of marks with two of them, one network, one baseline and what stacks them."""
    values = yaml.safe_load((repository / "config" / "demo_marks.yaml").read_text(encoding="utf-8"))
    for section in ("student", "significance", "attention", "consensus", "association", "mutations", "proximity"):
        values.pop(section)
    where = {"setting": "together", "schemes": ["guarded"]}
    network = values["models"]["multirm"]
    network["training"] |= {"steps_per_epoch": STEPS, "epochs": 2}
    return copy.deepcopy(values) | {
        "run": "tiny",
        "simulation": values["simulation"] | {"sizes": {"genes": 240, "chromosomes": 2, "site_factor": 0.4}},
        "modifications": {name: values["modifications"][name] for name in ("m6A", "Y")},
        "baselines": ["naive_bayes_trinucleotide"],
        "models": {"multirm": network},
        "settings": {"together": values["settings"]["together"] | {"nearest": 2}},
        "trainings": [{"model": "multirm", "seeds": [1]} | where],
        "stacks": {"stacked": {"members": ["multirm", "naive_bayes_trinucleotide"]} | where},
        "release": {"model": "stacked", "setting": "together", "scheme": "guarded"},
        "evaluation": {"bootstrap": 50},
    }


@pytest.fixture(scope="module")
def local(new_project, config):
    """What the cluster has to give, made without it."""
    project = new_project("local", config)
    project.run_well()
    return project


@dataclass(frozen=True)
class Disturbed:
    """A run during which much happened."""

    project: Any
    output: str
    training: Mapping[str, str]
    stopped_at: int
    lost: Mapping[str, str]


@pytest.fixture(scope="module")
def disturbed(cluster, new_project, config) -> Disturbed:
    """One run, meanwhile: the controller restarts, memory is short, a training is sent back, a node is lost."""
    project = new_project("disturbed", config)
    log = project.folder / "output.txt"
    with log.open("w") as handle:
        process = subprocess.Popen(
            on_slurm(project, options=["--set-resources", f"measure_leaks:{LITTLE}"]),
            cwd=project.folder,
            env=project.environment(),
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        # a step that is being made waits minutes for a controller that is away, one that runs does not need it
        wait_until(lambda: any(project.folder.glob("logs/simulation/simulate/*")), process, interval=0.1)
        with cluster.without_controller():
            time.sleep(3)

        wait_until(lambda: any(project.folder.glob(".checkpoints/*/last.ckpt")), process, interval=0.1)
        training = job_of(cluster, "train_model")
        run("scontrol", "requeue", training["JobId"])
        wait_until(lambda: job_of(cluster, "train_model").get("Restarts") == "1", process, interval=0.1)
        state = torch.load(next(project.folder.glob(".checkpoints/*/last.ckpt")), weights_only=True)

        wait_until(lambda: bool(job_of(cluster, "evaluate_models")), process, interval=0.1)
        lost = job_of(cluster, "evaluate_models")
        cluster.lose(lost["NodeList"])
        cluster.bring_back(lost["NodeList"])
        wait_until(lambda: process.poll() is not None, interval=0.3)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 0, log.read_text()[-6000:]
    return Disturbed(project, log.read_text(), training, state["progress"]["step"], lost)


def test_every_table_is_that_of_a_run_without_a_cluster(local, disturbed):
    files = [path.relative_to(local.results) for path in local.results.rglob("*") if path.is_file()]
    same = [name for name in files if not any(name.match(pattern) for pattern in VARYING)]
    assert len(same) > 40
    for name in same:
        assert (disturbed.project.results / name).read_bytes() == (local.results / name).read_bytes(), name


def test_a_training_that_is_sent_back_goes_on_from_the_middle_of_an_epoch(cluster, disturbed):
    assert disturbed.stopped_at % STEPS
    (job,) = jobs_of(cluster, "train_model")
    assert (job["JobId"], job["Restarts"], job["JobState"]) == (disturbed.training["JobId"], "1", "COMPLETED")


def test_the_job_of_a_lost_node_is_run_again_by_slurm(cluster, disturbed):
    (job,) = jobs_of(cluster, "evaluate_models")
    assert (job["JobId"], job["Restarts"], job["JobState"]) == (disturbed.lost["JobId"], "1", "COMPLETED")


def test_a_job_killed_for_memory_passes_with_more(cluster, disturbed):
    first, second = jobs_of(cluster, "measure_leaks")
    assert first["JobState"] in ("FAILED", "OUT_OF_MEMORY")
    assert second["JobState"] == "COMPLETED"
    assert ("mem=100M" in first["TRES"], "mem=2000M" in second["TRES"]) == (True, True)


def test_small_jobs_share_submissions_and_joins_are_not_submitted(cluster, disturbed):
    submitted = disturbed.output.count("has been submitted")
    comments = [comment.removeprefix("rule_") for (comment,) in cluster.jobs("%k")]
    for group in ("sites", "windows", "motifs", "stacks", "report"):
        assert sum(comment.startswith(f"{group}_") for comment in comments) == 1, group
    # one after another, each with half an hour at most
    (job,) = jobs_of(cluster, "sites_")
    count = int(re.search(r"^read_sites\s+(\d+)$", disturbed.output, re.MULTILINE)[1])
    assert (job["TimeLimit"], job["NumCPUs"]) == (f"{count // 2:02}:{count % 2 * 30:02}:00", "1")
    assert not any("join_histories" in comment or "collect_drops" in comment for comment in comments)
    jobs = int(re.search(r"^total\s+(\d+)$", disturbed.output, re.MULTILINE)[1])
    assert submitted < 0.6 * jobs


def test_what_computes_with_torch_is_sent_where_gpus_are(cluster, disturbed, config, tmp_path):
    """The cluster counts one GPU, behind which there is no device."""
    shutil.copytree(disturbed.project.folder, tmp_path / "gpu", ignore=shutil.ignore_patterns(".checkpoints", "model*"))
    project = type(disturbed.project)(tmp_path / "gpu", disturbed.project.repository)
    (project.folder / "tiny.yaml").write_text(yaml.safe_dump(config | {"resources": {"device": "cuda"}}))
    weights = "results/tiny/models/multirm/together/guarded/1/weights.safetensors"
    done = run_on_slurm(project, weights, options=["--retries", "0"])
    job = jobs_of(cluster, "train_model")[-1]
    assert (job["Partition"], job["TresPerJob"]) == ("gpu", "gres:gpu:1")
    if not torch.cuda.is_available():
        assert done.returncode == 1
        assert "error: torch sees no GPU" in done.stdout + done.stderr


def run_on_slurm(project, *targets: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess:
    return run_patiently(
        on_slurm(project, *targets, options=options),
        watched=[project.folder / name for name in ("logs", "results", ".snakemake", ".checkpoints")],
        cwd=project.folder,
        env=project.environment(),
    )


def test_two_nodes_train_as_two_processes_of_torchrun_do(cluster, new_project, repository, monkeypatch):
    values = yaml.safe_load((repository / "config" / "demo_language.yaml").read_text(encoding="utf-8"))
    sizes = {"families": 4, "members": 40, "seeds": 10, "unrelated": 20, "transcripts": 10, "utrs": 100}
    quick = {"batch_size": 16, "steps_per_epoch": 20, "epochs": 2, "learning_rate": 0.005, "validation_windows": 40}
    config = {key: values[key] for key in ("seed", "simulation", "corpus")} | {
        "run": "tiny",
        "simulation": values["simulation"] | {"sizes": sizes | {"donors": 80, "structures": 20}},
        "language_models": {"slim": {"sizes": {"width": 8, "blocks": 1, "heads": 2}, "training": quick}},
        "resources": {"device": "cpu", "training_processes": 2},
    }
    folder = "results/tiny/language/slim/1"
    project = new_project("together", config)
    project.run_well(f"{folder}/weights.safetensors")
    expected = {name: (project.folder / folder / name).read_bytes() for name in ("weights.safetensors", "config.json")}
    shutil.rmtree(project.folder / folder)
    shutil.rmtree(project.folder / ".checkpoints")
    # nodes of a real cluster are found by their names
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    spread = ["--set-resources", "pretrain_language_model:nodes=2"]
    done = run_on_slurm(project, f"{folder}/weights.safetensors", options=spread)
    assert done.returncode == 0, done.stderr[-6000:]
    (job,) = jobs_of(cluster, "pretrain_language_model")
    assert (job["NumNodes"], job["NumTasks"], job["JobState"]) == ("2", "2", "COMPLETED")
    for name, content in expected.items():
        assert (project.folder / folder / name).read_bytes() == content, name
    log = project.folder / "logs" / "tiny" / "language" / "pretrain_language_model" / "slim.1.log"
    assert "error" not in log.read_text()


# two processes that say where SLURM has put them
TOGETHER = """
import os, sys
from pathlib import Path
from rnamarks.started import gpu_of, start_together, started_with

if not start_together(2, 1, sys.stderr):
    place, gpus = started_with(os.environ), os.environ.get("CUDA_VISIBLE_DEVICES", "")
    own = gpu_of(place, len(gpus.split(",")), os.environ) if gpus else "none"
    Path(f"{place['rank']}.txt").write_text(f"{place['count']} {gpus} {own}")
"""


@pytest.fixture
def together(cluster, repository, tmp_path, monkeypatch) -> list[str]:
    """The command of two processes that say where SLURM has put them, and the folder where they do."""
    (tmp_path / "together.py").write_text(TOGETHER)
    monkeypatch.setenv("PYTHONPATH", str(repository / "workflow"))
    monkeypatch.chdir(tmp_path)
    return [sys.executable, str(tmp_path / "together.py")]


def test_each_process_finds_its_gpu_where_slurm_shows_it_no_other(together, tmp_path):
    asked = ["--partition=gpu", "--gpus=2", "--ntasks=2", "--ntasks-per-gpu=1", "--cpus-per-task=1"]
    run("sbatch", "--wait", *asked, "--wrap", " ".join(together))
    assert [(tmp_path / f"{rank}.txt").read_text() for rank in range(2)] == ["2 0 0", "2 1 0"]


def test_an_interactive_shell_of_several_tasks_is_alone_and_starts_processes_beside_itself(together, tmp_path):
    ours, theirs = os.openpty()
    words = ["srun", "--ntasks=2", "--cpus-per-task=1", "--pty", *together]
    done = subprocess.run(words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    for end in (ours, theirs):
        os.close(end)
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / f"{rank}.txt").read_text() for rank in range(2)] == ["2  none", "2  none"]


def test_a_controller_that_does_not_answer_is_said_in_one_sentence(cluster):
    with cluster.without_controller(), pytest.raises(InputError, match=r"^SLURM does not answer .*Unable to contact"):
        partitions_here()


def test_a_cluster_is_left_to_the_process_that_started_it(cluster, repository):
    ask = "from slurm_cluster import why_not; print(why_not())"
    said = subprocess.run([sys.executable, "-c", ask], cwd=repository / "tests", capture_output=True, check=True)
    assert said.stdout.decode().startswith("another process")


@pytest.mark.parametrize(
    ("partitions", "device", "said"),
    [
        ("fast: {}", "cpu", "the cluster has no such partition (found 'fast'); name some of cpu, gpu"),
        ("cpu: {}", "cuda", "a GPU is asked for where the cluster has none"),
    ],
)
def test_what_the_cluster_lacks_is_refused_before_a_job_is_submitted(
    cluster, new_project, config, partitions, device, said
):
    project = new_project("refused", config | {"resources": {"device": device}})
    (project.folder / "partitions.yaml").write_text(f"partitions: {{{partitions}}}\n")
    before = len(cluster.jobs())
    done = run_on_slurm(project, options=["--slurm-partition-config", "partitions.yaml"])
    assert done.returncode == 2, done.stderr[-3000:]
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert said in last
    assert len(cluster.jobs()) == before


def test_with_accounting_a_job_that_squeue_forgets_fails_and_passes(accounted, new_project, config):
    """Looks may be 180 s apart, and squeue forgets after 60."""
    project = new_project("accounted", config)
    done = run_on_slurm(
        project, "resources/demo_marks/human.genome.fa.gz", options=["--set-resources", f"simulate:{LITTLE}"]
    )
    assert done.returncode == 0, done.stderr[-6000:]
    states = run("sacct", "--allocations", "--noheader", "--parsable2", "--format=JobName,State,ReqMem").splitlines()
    first, second = (line.split("|") for line in states)
    assert first[0] == second[0]
    assert first[1] in ("FAILED", "OUT_OF_MEMORY")
    assert second[1] == "COMPLETED"
    assert (first[2], second[2]) == ("100M", "2000M")
    # a reason is asked of sacct alone
    assert f"SLURM status is: '{first[1]}'. Reason" in done.stderr
