"""A SLURM on this machine, started and stopped by tests: munged, slurmctld, and a slurmd for each of two nodes."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

from patience import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "runuser")
ACCOUNTING = ("slurmdbd", "sacctmgr", "mariadbd", "mariadb-install-db", "my_print_defaults")
# the executor removes the variables of SLURM from a job's environment, SLURM_CONF among them, so that an srun within it
# finds settings only where SLURM looks for them
SETTINGS, ASIDE = Path("/etc/slurm"), Path("/etc/slurm.before-tests")
NODES = {"one": "", "two": "Gres=gpu:2"}
# A job that is started again waits for its old credentials to expire.
# munge knows the users of a machine, and files need no network file system: all of a cluster but the distance.
# Memory is enforced by samples, and nothing needs cgroups, which a container may not write.
CONFIGURATION = """
ClusterName=rnamarks
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/{storage}
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SlurmdTimeout=10
SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=0
BatchStartTimeout=20
KillWait=20
MinJobAge={remembered}
ReturnToService=2
MpiDefault=none
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=two MaxTime=INFINITE State=UP
"""

PORT = 13306
# Every job is kept in a database, and one of a user without an account there is refused.
DATABASE = """
AuthType=auth/munge
DbdHost=localhost
DbdAddr=127.0.0.1
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={port}
StorageUser=slurm
StoragePass=slurm
"""


def why_not(accounting: bool = False) -> str:
    """What keeps a cluster from being started here; nothing if it can be."""
    programs, packages = PROGRAMS, "slurm-wlm munge"
    if accounting:
        programs, packages = PROGRAMS + ACCOUNTING, f"{packages} slurmdbd mariadb-server-core mariadb-client-core"
    missing = [program for program in programs if shutil.which(program, path=_search()) is None]
    if missing:
        return f"a cluster needs {', '.join(missing)}: apt-get install {packages}"
    if os.geteuid():
        return "a cluster needs root"
    if not _is_ours():
        return "another process has started a SLURM for tests here"
    if not ASIDE.exists() and " is UP" in run("scontrol", "ping", check=False):
        return "a SLURM that tests did not start runs here"
    return ""


def run(*command: str | Path, check: bool = True) -> str:
    """Standard output of a program."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, env=os.environ | {"PATH": _search()}
    )
    assert done.returncode == 0 or not check, f"{command}: {done.stderr}"
    return done.stdout


@cache
def _lock() -> TextIO:
    return open("/run/lock/rnamarks-tests", "w")


def _is_ours() -> bool:
    """Whether no other process has a cluster here; from then on this one may, until it ends."""
    with suppress(BlockingIOError):
        fcntl.flock(_lock(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _search() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@dataclass
class Cluster:
    """A cluster whose state lies in a folder; what was in /etc/slurm is put aside until it is stopped.

    Jobs that have ended it remembers for some seconds; with accounting a database keeps them.
    """

    folder: Path
    accounting: bool = False
    remembered: int = 43200

    def start(self) -> None:
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        if not ASIDE.exists():
            SETTINGS.mkdir(exist_ok=True)
            SETTINGS.rename(ASIDE)
        else:
            # what a run of the tests that was killed has left
            self._end_daemons()
        shutil.rmtree(SETTINGS, ignore_errors=True)
        SETTINGS.mkdir()
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 1024
        host = socket.gethostname()
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={17001 + i} CPUs=4 RealMemory={memory} {gres}"
            for i, (name, gres) in enumerate(NODES.items())
        ]
        storage = "slurmdbd\nAccountingStorageEnforce=associations" if self.accounting else "none"
        text = CONFIGURATION.format(
            host=host, folder=self.folder, nodes="\n".join(nodes), storage=storage, remembered=self.remembered
        )
        (SETTINGS / "slurm.conf").write_text(text)
        # GPUs that are counted and handed out, with no device behind them
        gpus = [f"NodeName=two Name=gpu File={file}\n" for file in ("/dev/null", "/dev/zero")]
        (SETTINGS / "gres.conf").write_text("".join(gpus))
        run("install", "-d", "-o", "munge", "-g", "munge", "-m", "0755", "/run/munge")
        run("runuser", "-u", "munge", "--", "munged", "--force", f"--pid-file={self._munge}")
        if self.accounting:
            self._start_database()
        run("slurmctld")
        for node in NODES:
            run("slurmd", "-N", node)
        self.wait_for("idle", *NODES)

    def _start_database(self) -> None:
        data, begin = self.folder / "database", self.folder / "begin.sql"
        run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db")
        begin.write_text("GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1' IDENTIFIED BY 'slurm';\n")
        options = ["--bind-address=127.0.0.1", f"--port={PORT}", f"--socket={self.folder}/mariadb.sock"]
        options += [f"--pid-file={self.folder}/mariadb.pid", f"--log-error={self.folder}/mariadb.log"]
        options += [f"--datadir={data}", f"--init-file={begin}"]
        subprocess.Popen(["mariadbd", "--no-defaults", "--user=root", *options], env=os.environ | {"PATH": _search()})
        wait_until((self.folder / "mariadb.pid").exists, interval=0.1)
        settings = SETTINGS / "slurmdbd.conf"
        settings.touch(mode=0o600)
        settings.write_text(DATABASE.format(folder=self.folder, port=PORT))
        run("slurmdbd")
        # which also says when the database is ready
        add = ["sacctmgr", "--immediate", "add", "cluster", "rnamarks"]
        wait_until(lambda: "Adding Cluster" in run(*add, check=False), interval=0.3)

    def stop(self) -> None:
        run("scancel", "--user=root", check=False)
        self._end_daemons()
        shutil.rmtree(SETTINGS)
        ASIDE.rename(SETTINGS)

    @contextmanager
    def without_controller(self) -> Iterator[None]:
        """End slurmctld, and start it again in the end; it reads jobs from its state."""
        _end(self.folder / "slurmctld.pid")
        yield
        run("slurmctld")

    def lose(self, node: str) -> None:
        """Take a node away at once, with all that runs on it, and wait until SLURM has noticed."""
        for process in self.processes(node):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.wait_for("down", node)

    def bring_back(self, node: str) -> None:
        run("slurmd", "-N", node)
        wait_until(lambda: self.states()[node] in ("idle", "mixed", "allocated", "completing"), interval=0.3)

    def processes(self, node: str) -> list[int]:
        """Those of a node: its slurmd, its steps, which write into its log, and what they started."""
        log, mark = str(self.folder / f"slurmd.{node}.log"), f"SLURMD_NODENAME={node}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            # processes end meanwhile
            with suppress(OSError):
                started_by_it = mark in (folder / "environ").read_bytes().split(b"\0")
                if started_by_it or log in map(os.readlink, (folder / "fd").iterdir()):
                    found.append(int(folder.name))
        return found

    def wait_for(self, state: str, *nodes: str) -> None:
        """Wait until nodes are in a state."""
        wait_until(lambda: all(self.states().get(node, "").startswith(state) for node in nodes), interval=0.3)

    def states(self) -> dict[str, str]:
        lines = run("sinfo", "--Node", "--noheader", "--format", "%N %T", check=False).splitlines()
        return dict(line.split() for line in lines)

    def jobs(self, fields: str = "%i %T") -> list[list[str]]:
        """Fields of all jobs of this cluster, ended ones among them."""
        return [line.split() for line in run("squeue", "--states=all", "--noheader", "--format", fields).splitlines()]

    def _end_daemons(self) -> None:
        text = (SETTINGS / "slurm.conf").read_text() if (SETTINGS / "slurm.conf").exists() else ""
        settings = dict(line.split("=", 1) for line in text.splitlines() if "PidFile=" in line)
        controller = Path(settings.get("SlurmctldPidFile", ""))
        nodes = [Path(settings.get("SlurmdPidFile", "").replace("%n", node)) for node in NODES]
        database = [controller.with_name(name) for name in ("slurmdbd.pid", "mariadb.pid")]
        for file in [*nodes, controller, *database, self._munge]:
            _end(file)

    @property
    def _munge(self) -> Path:
        return Path("/run/munge/rnamarks-tests.pid")


def _end(pid_file: Path) -> None:
    """End a daemon and wait for it; nothing if there is none."""
    try:
        process = int(pid_file.read_text())
        os.kill(process, signal.SIGTERM)
    except (OSError, ValueError):
        return
    wait_until(lambda: _has_ended(process), interval=0.1)


def _has_ended(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    # in a container nobody may ask for the exit code of a daemon
    return state == "Z"
