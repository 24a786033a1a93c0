"""A program may take its time as long as it gets on."""

from __future__ import annotations

import sys

import pytest

from patience import run_patiently, wait_until

SLOW = "import time\nfor n in range(6):\n    time.sleep(0.3)\n    {}\nprint('done')"


@pytest.mark.slow
@pytest.mark.parametrize("step", ["print(n, flush=True)", "open(f'below/{n}', 'w').close()"])
def test_one_that_gets_on_is_not_killed(tmp_path, step):
    (tmp_path / "below").mkdir()
    command = [sys.executable, "-c", SLOW.format(step)]
    done = run_patiently(command, watched=[tmp_path / "below"], patience=1.5, interval=0.1, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.endswith("done\n")


@pytest.mark.slow
def test_one_that_hangs_is_killed_with_what_it_started(tmp_path):
    code = "import subprocess, time\nprint('begun', flush=True)\nsubprocess.run(['sleep', '600'])"
    with pytest.raises(AssertionError, match=r"no progress for 1 s: begun"):
        run_patiently([sys.executable, "-c", code], watched=[tmp_path], patience=1, interval=0.1)


@pytest.mark.slow
def test_folders_may_go_while_they_are_watched(tmp_path):
    step = "os.makedirs(f'a/b{n % 7}/c'); os.removedirs(f'a/b{n % 7}/c')"
    code = f"import os\nfor n in range(3000):\n    {step}\nprint('done')"
    done = run_patiently([sys.executable, "-c", code], watched=[tmp_path], interval=0.0001, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_output_and_exit_code_are_given_back():
    done = run_patiently([sys.executable, "-c", "import sys\nprint('a')\nsys.exit('b')"], interval=0.1)
    assert (done.returncode, done.stdout, done.stderr) == (1, "a\n", "b\n")


def test_waiting_ends():
    answers = iter([False, False, True])
    wait_until(lambda: next(answers))
