from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rnamarks.datasets.tools import ToolError, find_tool, run_tool, scratch_folder
from rnamarks.errors import InputError


@pytest.mark.parametrize(("name", "package"), [("cd-hit-est-2d", "cd-hit"), ("mmseqs", "mmseqs2")])
def test_missing_tool_lists_the_ways_to_get_it(name, package, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as caught:
        find_tool(name)
    text = str(caught.value)
    assert name in text
    assert "make setup" in text
    assert f"conda install -c bioconda {package}" in text
    assert f"apt-get install {package}" in text
    assert "\n" not in text


def test_failure_shows_command_code_and_the_last_lines(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    script = tmp_path / "fails.py"
    script.write_text("import sys\nfor i in range(100): print('line', i, file=sys.stderr)\nsys.exit(3)\n")
    with pytest.raises(ToolError) as caught:
        run_tool([Path(sys.executable).name, script], {"--option": 0.8})
    text = str(caught.value)
    assert "exit code 3" in text
    assert text.endswith("line 99")
    assert "line 84" not in text
    assert "--option 0.8" in text
    assert caught.value.code == 3


def test_killed_tool_names_the_signal(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    script = tmp_path / "dies.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(ToolError, match=r"signal 9 .*memory"):
        run_tool([Path(sys.executable).name, script])


def test_output_and_odd_arguments_pass_unchanged(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    script = tmp_path / "a script.py"
    script.write_text("import sys, os\nprint(os.getcwd(), *sys.argv[1:], sep='|')\n")
    output = run_tool([Path(sys.executable).name, script, "a b", "$HOME; x"], {"-n": 5}, folder=tmp_path)
    assert output.strip() == f"{tmp_path.resolve()}|a b|$HOME; x|-n|5"


def test_scratch_folder_goes_even_after_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match="stop"), scratch_folder() as folder:  # noqa: PT012
        (folder / "litter").write_text("x")
        assert folder.parent == tmp_path
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_real_tool_failure_is_reported(tools, tmp_path):
    with pytest.raises(ToolError, match="cd-hit-est"):
        run_tool(["cd-hit-est", "-i", tmp_path / "none.fasta", "-o", tmp_path / "out"])
