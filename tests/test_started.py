"""Processes that work on one job together, from the variables that each is given."""

from __future__ import annotations

import sys

import pytest

from rnamarks.errors import InputError
from rnamarks.started import check_address, first_host, gpu_of, start_together, started_with


def test_processes_are_those_of_torchrun_or_of_a_step_of_slurm():
    assert started_with({"RANK": "1", "WORLD_SIZE": "2"}) is None
    assert started_with({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}) is None
    step = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_JOB_ID": "123456789"}
    step |= {"SLURM_STEP_ID": "2", "SLURM_STEP_NODELIST": "gpu[07-08],login1"}
    found = started_with(step)
    assert (found["rank"], found["local"], found["count"], found["address"]) == (3, 1, 4, "gpu07")
    assert 20_000 <= found["port"] < 32_000
    assert started_with(step | {"MASTER_PORT": "99"})["port"] == 99
    assert started_with(step | {"SLURM_PTY_PORT": "33187"}) is None


@pytest.mark.parametrize(
    ("local", "seen", "here", "expected"), [(1, 2, "2", 1), (1, 1, "2", 0), (2, 2, "6", 0), (0, 1, "1", 0)]
)
def test_a_process_takes_the_gpu_that_slurm_shows_it_or_that_of_its_number(local, seen, here, expected):
    assert gpu_of({"local": local, "slurm": True}, seen, {"SLURM_GPUS_ON_NODE": here}) == expected


@pytest.mark.parametrize(
    ("slurm", "seen", "given"), [(True, 1, {"SLURM_GPUS_ON_NODE": "1"}), (True, 0, {}), (False, 1, {})]
)
def test_more_processes_than_gpus_are_refused(slurm, seen, given):
    with pytest.raises(InputError, match="more processes than GPUs on this machine"):
        gpu_of({"local": 1, "slurm": slurm}, seen, given)


def test_a_first_machine_without_an_address_is_refused_at_once():
    check_address({"address": "localhost", "port": 20_000})
    with pytest.raises(InputError, match=r"no address \(found 'nowhere.invalid'\); set MASTER_ADDR"):
        check_address({"address": "nowhere.invalid", "port": 20_000})


def test_a_job_of_slurm_without_srun_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with pytest.raises(InputError, match="srun, which is not found"):
        start_together(2, 1, sys.stderr)


@pytest.mark.parametrize(
    ("hosts", "first"), [("a", "a"), ("n1,n2", "n1"), ("gpu[003,007-9]", "gpu003"), ("r[1-2]-ib,x", "r1-ib")]
)
def test_the_first_machine_of_a_list(hosts, first):
    assert first_host(hosts) == first
