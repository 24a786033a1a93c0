"""Runs that are killed, raced or tampered with: the next one completes, with the results of an undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time

import psutil
import pytest

from patience import run_patiently, wait_until

pytestmark = pytest.mark.workflow

KILLS = int(os.environ.get("RNAMARKS_TEST_KILLS", 3))
"""Moments at which a run is killed."""
SITES = "transcriptome/human/human.multi.sites.parquet"
LAST = f"results/tiny/{SITES.replace('.sites.parquet', '.genes.tsv')}"
PREDICTED = "results/tiny/predictions/mass/species3/paper/2.parquet"


@pytest.fixture
def copied(finished, new_project, tiny_config):
    """A finished run of its own, to be damaged."""
    project = new_project("faults", tiny_config)
    shutil.rmtree(project.folder)
    shutil.copytree(finished.folder, project.folder, symlinks=True)
    return project


def remove(project, *names: str) -> None:
    """Remove results by hand, files and folders."""
    for name in names:
        path = project.results / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def scripts_of(process: subprocess.Popen) -> list[psutil.Process]:
    """Jobs of a run, as the processes of their scripts."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [one for one in children if any(".snakemake/scripts/" in word for word in one.cmdline())]
    except psutil.NoSuchProcess:
        return []


def start_scan(project) -> tuple[subprocess.Popen, psutil.Process]:
    """A run that makes a scan of transcripts again, and the process of its script."""
    remove(project, "transcriptome/human")
    process = project.start(LAST)
    wait_until(lambda: bool(scripts_of(process)), process)
    return process, scripts_of(process)[0]


def assert_equal(project, finished, *names: str) -> None:
    for name in names:
        assert (project.folder / name).read_bytes() == (finished.folder / name).read_bytes(), name


def test_a_run_killed_again_and_again_ends_like_one_that_was_not(copied, finished):
    """With SIGKILL at seeded moments of a training, its predictions and a scan; nobody calls --unlock."""
    remove(copied, "models/mass/species3/paper/2", "predictions/mass/species3/paper/2.parquet", "transcriptome/human")
    draw = random.Random(1)
    for _ in range(KILLS):
        process = copied.start(PREDICTED, LAST)
        try:
            wait_until(lambda process=process: bool(scripts_of(process)) or process.poll() is not None)
            time.sleep(draw.uniform(0, 8))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    copied.run_well(PREDICTED, LAST)
    weights = "results/tiny/models/mass/species3/paper/2/weights.safetensors"
    assert_equal(copied, finished, weights, PREDICTED, LAST, f"results/tiny/{SITES}")
    parts = [path for path in copied.folder.rglob("*.part") if ".snakemake" not in path.parts]
    assert not parts, "what killed processes left is removed"


def test_a_job_killed_for_its_memory_passes_when_run_again(copied, finished):
    """The system ends a process that asks for too much with SIGKILL."""
    process, script = start_scan(copied)
    script.kill()
    assert process.wait(600) == 1
    copied.run_well(LAST)
    assert_equal(copied, finished, LAST, f"results/tiny/{SITES}")


def test_of_two_runs_in_one_folder_the_second_is_refused(copied, finished):
    """Also where the first outlives a dry run, which Snakemake lets in."""
    process, script = start_scan(copied)
    script.suspend()
    try:
        assert copied.run(LAST, options=["-n"]).returncode == 0
        second = copied.run(LAST)
    finally:
        script.resume()
    assert second.returncode == 1
    assert "cannot be locked" in second.stderr
    assert process.wait(600) == 0
    assert_equal(copied, finished, LAST, f"results/tiny/{SITES}")


def test_jobs_that_outlive_their_snakemake_do_no_harm(copied, finished):
    process, orphan = start_scan(copied)
    process.kill()
    process.wait()
    copied.run_well(LAST)
    psutil.wait_procs([orphan], timeout=600)
    assert_equal(copied, finished, LAST, f"results/tiny/{SITES}")


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_was_wrong_makes_nothing_anew(copied, days):
    """Inputs that look newer are held against their checksums, and the dates of scripts do not count."""
    for name in (
        "datasets/human.split.parquet",
        "sites/human.sites.tsv.gz",
        "models/mass/species3/paper/1/config.json",
    ):
        then = time.time() + days * 86400
        os.utime(copied.results / name, (then, then))
    done = copied.run_well(options=["-n"])
    assert "Nothing to be done" in done.stdout + done.stderr


def test_chunks_change_no_byte_of_the_results(copied, finished, tiny_config):
    copied.folder.joinpath("tiny.yaml").write_text(
        (copied.folder / "tiny.yaml").read_text().replace("probability: 0.3", "chunks: 2\n  probability: 0.3")
    )
    copied.run_well(LAST)
    logs = copied.folder / "logs" / "tiny" / "prediction" / "score_chunk"
    assert len(list(logs.iterdir())) == 2
    assert_equal(copied, finished, LAST, f"results/tiny/{SITES}")
    assert not list(copied.results.rglob("*.float32")), "what chunks wrote goes when it is joined"
    done = copied.run_well(LAST, options=["-n"])
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("place", "mount", "code", "said"),
    [
        ("transcriptome/human", "size=64k", 1, "no space is left; free some space"),
        ("", "ro", 2, "nothing can be written into this folder"),
    ],
)
def test_results_that_cannot_be_written_are_one_sentence(copied, finished, place, mount, code, said):
    remove(copied, "transcriptome/human")
    folder = copied.results / place
    folder.mkdir(exist_ok=True)
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c", f'mount -t tmpfs -o {mount} none "$0" && exec "$@"']
    if not shutil.which("unshare") or subprocess.run([*own, folder, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets no user mount a file system of their own")
    done = run_patiently([*own, folder, *copied.command([LAST])], cwd=copied.folder, env=copied.environment())
    assert done.returncode == code
    assert said in done.stderr, done.stderr[-3000:]
    copied.run_well(LAST)
    assert_equal(copied, finished, LAST, f"results/tiny/{SITES}")
