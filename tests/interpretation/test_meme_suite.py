"""The scripts that ask the MEME suite, with stand-ins for its programs, which cannot be had everywhere."""

from __future__ import annotations

import pytest

from rnamarks.datasets.tools import find_tool
from rnamarks.errors import InputError
from stand_in import run_script

PROGRAM = '#!/bin/sh\nprintf "%s " "$@" > "{folder}/asked"\necho "made by {name}"\n'


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder, the only one on PATH besides the system's, with programs that write down what they are asked."""
    for name in ("streme", "tomtom"):
        (tmp_path / name).write_text(PROGRAM.format(folder=tmp_path, name=name))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "inputs", "output", "asked"),
    [
        (
            "streme",
            {"foreground": "p.fa", "control": "n.fa"},
            "motifs",
            "--rna --text --seed 3 --minw 5 --maxw 8 --thresh 0.05 --hofract 0.4 --p p.fa --n n.fa",
        ),
        (
            "tomtom",
            {"queries": "q.meme", "targets": "t.meme"},
            "table",
            "-no-ssc -norc -evalue -text -dist ed -min-overlap 1 -thresh 10 -verbosity 1 q.meme t.meme",
        ),
    ],
)
def test_scripts_ask_for_rna_on_one_strand(programs, monkeypatch, name, inputs, output, asked):
    monkeypatch.chdir(programs)
    for file in inputs.values():
        (programs / file).write_text("x")
    run_script(
        f"interpretation/{name}",
        programs / "log",
        inputs=inputs,
        outputs={output: programs / "out"},
        params={"seed": 3},
    )
    assert (programs / "asked").read_text().strip() == asked
    assert (programs / "out").read_text() == f"made by {name}\n"


@pytest.mark.parametrize("name", ["streme", "tomtom"])
def test_a_suite_that_is_not_there_is_a_sentence_with_the_switch(monkeypatch, tmp_path, name):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError, match=f"the program {name} is not on PATH; use --use-conda, .*motifs.engine at builtin"
    ):
        find_tool(name)
