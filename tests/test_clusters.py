"""What jobs ask a cluster for, held against what it has."""

from __future__ import annotations

import pytest

from rnamarks.clusters import (
    check_partitions,
    choose_status_command,
    partitions_here,
    read_partitions,
    status_command_here,
)
from rnamarks.errors import InputError

HERE = read_partitions("cpu (null)\nmixed (null)\nmixed gpu:a100:4(S:0-1),license:2\n")


@pytest.fixture
def limits(tmp_path):
    """Write a file of partitions."""

    def write(text: str):
        (tmp_path / "partitions.yaml").write_text(f"partitions: {{{text}}}\n")
        return tmp_path / "partitions.yaml"

    return write


def test_a_partition_has_gpus_if_some_machine_of_it_does():
    assert HERE == {"cpu": False, "mixed": True}


def test_what_the_cluster_has_passes(limits):
    file = limits("cpu: {}, mixed: {max_gpu: 4}")
    check_partitions([{"gpu": 0}, {"gpu": 4}, {"slurm_partition": "mixed", "gpu": 1}], file, HERE)
    check_partitions([{"gpu": 1}, {}], None, HERE)


@pytest.mark.parametrize(
    ("offered", "job", "said"),
    [
        ("fast: {}", {}, "no such partition (found 'fast'); name some of cpu, mixed"),
        ("cpu: {}", {"slurm_partition": "fast"}, "no such partition (found 'fast'); name one of cpu, mixed"),
        ("cpu: {}", {"gpu": 1}, "no partition with max_gpu of 1 or more"),
        ("mixed: {max_gpu: 4}", {"gpu": 8}, "no partition with max_gpu of 8 or more"),
        ("cpu: {max_gpu: 4}", {"gpu": 1}, "a GPU is asked for where the cluster has none (found 'cpu')"),
        ("mixed: {max_gpu: 4}", {"gpu": 1, "slurm_partition": "cpu"}, "none (found 'cpu'); name a partition"),
    ],
)
def test_what_it_lacks_is_refused_in_one_sentence(limits, offered, job, said):
    with pytest.raises(InputError) as error:
        check_partitions([{}, job], limits(offered), HERE)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("age", "storage", "chosen", "expected"),
    [
        ("0 sec", "accounting_storage/none", "squeue", "squeue"),
        ("300 sec", "(null)", "squeue", "squeue"),
        ("300 sec", "accounting_storage/none", "sacct", "squeue"),
        ("300 sec", "accounting_storage/slurmdbd", "sacct", "sacct"),
        ("60 sec", "accounting_storage/slurmdbd", "squeue", "sacct"),
    ],
)
def test_jobs_are_asked_about_where_slurm_remembers_them(age, storage, chosen, expected):
    shown = f"Configuration data as of now\nAccountingStorageType   = {storage}\nMinJobAge               = {age}\n"
    assert choose_status_command(shown, chosen) == expected


def test_a_cluster_that_forgets_jobs_is_refused():
    with pytest.raises(InputError, match=r"no accounting \(found 'MinJobAge 60 sec'\)"):
        choose_status_command("MinJobAge = 60 sec\nAccountingStorageType = accounting_storage/none\n", "squeue")


@pytest.mark.parametrize(
    ("program", "ask"), [("sinfo", partitions_here), ("scontrol", lambda: status_command_here("squeue"))]
)
def test_a_machine_without_slurm_says_so(monkeypatch, tmp_path, program, ask):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="SLURM does not answer"):
        ask()
    (tmp_path / program).write_text(f"#!/bin/sh\necho '{program}: Unable to contact slurm controller' >&2\nexit 1\n")
    (tmp_path / program).chmod(0o755)
    with pytest.raises(InputError, match="Unable to contact"):
        ask()


def test_what_a_user_wants_to_see_of_a_cluster_does_not_matter(monkeypatch, tmp_path):
    (tmp_path / "sinfo").write_text("#!/bin/sh\necho ${SINFO_PARTITION:-cpu} '(null)'\n")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SINFO_PARTITION", "mine")
    assert partitions_here() == {"cpu": False}
