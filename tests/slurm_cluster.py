"""A SLURM on this machine, started and stopped by tests: munged, slurmctld, and a slurmd for each of two nodes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from patience import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "runuser")
# the executor removes the variables of SLURM from a job's environment, SLURM_CONF among them, so that an srun within it
# finds settings only where SLURM looks for them
SETTINGS, ASIDE = Path("/etc/slurm"), Path("/etc/slurm.before-tests")
NODES = {"one": "", "two": "Gres=gpu:1"}
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
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SlurmdTimeout=10
SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=0
BatchStartTimeout=20
KillWait=20
MinJobAge=43200
ReturnToService=2
MpiDefault=none
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=two MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """What keeps a cluster from being started here; nothing if it can be."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=_search()) is None]
    if missing:
        return f"a cluster needs {', '.join(missing)}: apt-get install slurm-wlm munge"
    if os.geteuid():
        return "a cluster needs root"
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


def _search() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@dataclass
class Cluster:
    """A cluster whose state lies in a folder; what was in /etc/slurm is put aside until it is stopped."""

    folder: Path

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
        text = CONFIGURATION.format(host=host, folder=self.folder, nodes="\n".join(nodes))
        (SETTINGS / "slurm.conf").write_text(text)
        # a GPU that is counted and handed out, with no device behind it
        (SETTINGS / "gres.conf").write_text("NodeName=two Name=gpu File=/dev/null\n")
        run("install", "-d", "-o", "munge", "-g", "munge", "-m", "0755", "/run/munge")
        run("runuser", "-u", "munge", "--", "munged", "--force", f"--pid-file={self._munge}")
        run("slurmctld")
        for node in NODES:
            run("slurmd", "-N", node)
        self.wait_for("idle", *NODES)

    def stop(self) -> None:
        run("scancel", "--user=root", check=False)
        self._end_daemons()
        shutil.rmtree(SETTINGS)
        ASIDE.rename(SETTINGS)

    def restart_controller(self, seconds: float) -> None:
        """End slurmctld and start it again after a while; it reads jobs from its state."""
        _end(self.folder / "slurmctld.pid")
        time.sleep(seconds)
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
        files = [settings.get("SlurmdPidFile", "").replace("%n", node) for node in NODES]
        for file in [*files, settings.get("SlurmctldPidFile", ""), str(self._munge)]:
            _end(Path(file))

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
