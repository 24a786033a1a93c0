from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from environments import rules
from rnamarks import __version__
from rnamarks.errors import InputError
from rnamarks.scripting import logged
from rnamarks.tables import write_parquet, write_tsv
from stand_in import make_job

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'workflow'}:{ROOT / 'tests'}"}


HEAD = f"rnamarks {__version__}, Python {sys.version.split()[0]}\nrule: rule\nseed: none\ninput: none\n"
END = re.compile(r"took [0-9.]+ s and [0-9,]+ MB at most\n\Z")
START = """
import sys
from stand_in import make_job
from rnamarks import scripting
{before}
with scripting.logged(make_job(sys.argv[1])) as terminal:
{lines}"""


def run(tmp_path: Path, body: str, before: str = "") -> tuple[subprocess.CompletedProcess, str]:
    """Run a script whose block is ``body``, as the workflow does; its result and its log between head and end."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    script = tmp_path / "script.py"
    script.write_text(START.format(before=before, lines=lines))
    log = tmp_path / "logs" / "rule" / "job.log"
    done = subprocess.run(
        [sys.executable, str(script), str(log)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    written = log.read_text(encoding="utf-8")
    assert written.startswith(HEAD)
    assert bool(END.search(written)) == (done.returncode == 0)
    return done, END.sub("", written.removeprefix(HEAD))


def test_both_streams_of_the_script_and_of_its_programs_go_to_the_log(tmp_path):
    body = (
        "import os\nprint('one')\nprint('zwei ä', file=sys.stderr)\n"
        "os.system('echo three; echo four >&2')\nprint('five')"
    )
    done, log = run(tmp_path, body)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log == "one\nzwei ä\nthree\nfour\nfive\n"


def test_the_terminal_is_still_reachable(tmp_path):
    done, log = run(tmp_path, "print('seen', file=terminal)")
    assert (done.stdout, done.stderr, log) == ("", "seen\n", "")


def test_a_users_mistake_is_one_line_in_both_and_code_2(tmp_path):
    body = "raise InputError('bad\\nvalue', path='a.tsv', line=3, remedy='mend it')"
    done, log = run(tmp_path, body, before="from rnamarks.errors import InputError")
    assert done.returncode == 2
    assert done.stderr == log == "error: a.tsv:3: bad value; mend it\n"


def test_a_bug_keeps_its_traceback_in_the_log_and_ends_with_code_1(tmp_path):
    done, log = run(tmp_path, "print('before')\n{}['key']")
    assert done.returncode == 1
    assert done.stderr.startswith("error: KeyError: 'key' (the traceback is in ")
    assert done.stderr.count("\n") == 1
    assert log.startswith("before\nTraceback (most recent call last):\n")
    assert 'script.py"' in log
    assert log.endswith("KeyError: 'key'\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("open('none/x')", "none/x: no such file; check the path"),
        (
            "open('/dev/full', 'w', buffering=1).write('x\\n')",
            "no space is left; free some space where the output goes",
        ),
        ("from pathlib import Path\nPath('.').write_text('x')", ".: this is a folder; name a file"),
        ("raise RuntimeError('Error while serializing (os error 28)')", "no space is left; free some space"),
    ],
)
def test_a_fault_of_files_is_one_sentence_and_code_2_with_its_traceback_in_the_log(tmp_path, body, said):
    done, log = run(tmp_path, body)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1
    # Python 3.13 tells before it of the file that it could not close
    assert "Traceback (most recent call last):\n" in log.splitlines(keepends=True)
    assert log.endswith(done.stderr)


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "logs").write_text("")
    code = "import sys\nfrom stand_in import make_job\nfrom rnamarks.scripting import logged\n"
    code += "with logged(make_job(sys.argv[1])):\n    print(1)"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "logs" / "x.log"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "a file is where the path needs a folder; check the path" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_import_that_fails_is_in_the_log(tmp_path):
    done, log = run(tmp_path, "import no_such_module")
    assert done.returncode == 1
    assert "No module named 'no_such_module'" in log


def test_a_scripts_own_exit_code_is_kept(tmp_path):
    assert run(tmp_path, "sys.exit(7)")[0].returncode == 7


def test_snakemake_is_not_needed(tmp_path):
    done, _ = run(tmp_path, "assert 'snakemake' not in sys.modules")
    assert done.returncode == 0


def test_streams_are_back_afterwards_and_the_log_is_written_anew(tmp_path, capsys):
    log = tmp_path / "job.log"
    log.write_text("old\n")
    before = sys.stdout, sys.stderr
    with logged(make_job(log)) as terminal:
        print("new")
        print("seen", file=terminal)
    assert (sys.stdout, sys.stderr) == before
    assert END.sub("", log.read_text()) == f"{HEAD}new\n"
    print("after")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("after\n", "seen\n")


def test_file_descriptors_are_back_afterwards(tmp_path, capfd):
    open_before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else None

    def work() -> None:
        with logged(make_job(tmp_path / "job.log")):
            os.system("echo inside")
            raise InputError("wrong")

    with pytest.raises(SystemExit) as ended:
        work()
    assert ended.value.code == 2
    assert isinstance(ended.value.__cause__, InputError)
    os.system("echo outside")
    captured = capfd.readouterr()
    assert captured.out == "outside\n"
    assert captured.err == "error: wrong\n"
    assert (tmp_path / "job.log").read_text() == f"{HEAD}inside\nerror: wrong\n"
    if open_before is not None:
        assert len(os.listdir("/proc/self/fd")) == open_before


def test_a_log_says_what_the_job_was_given_and_what_it_made(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text("x" * 1234)
    frame = pd.DataFrame({"one": range(1500)})
    job = make_job(
        tmp_path / "job.log",
        rule="train_model",
        inputs={"first": tmp_path / "a.txt", "more": [tmp_path / "b.txt"] * 30},
        outputs={"table": tmp_path / "t.tsv.gz", "sites": tmp_path / "s.parquet", "rest": [tmp_path / "r.bin"]},
        params={"seed": 7},
        wildcards={"model": "mass", "scheme": "paper"},
    )
    with logged(job):
        write_tsv(frame, tmp_path / "t.tsv.gz")
        write_parquet(frame, tmp_path / "s.parquet")
        (tmp_path / "r.bin").write_bytes(b"12")
    lines = (tmp_path / "job.log").read_text().replace(f"{tmp_path}/", "").splitlines()
    assert lines[1:4] == ["rule: train_model model=mass scheme=paper", "seed: 7", "input: a.txt, 1,234 bytes"]
    assert lines[4:23] == ["input: b.txt, 1,234 bytes"] * 19
    assert lines[23] == "input: 11 more files"
    assert re.fullmatch(r"output: t.tsv.gz, 1,501 lines, [0-9,]+ bytes", lines[24])
    assert re.fullmatch(r"output: s.parquet, 1,500 rows, [0-9,]+ bytes", lines[25])
    assert lines[26] == "output: r.bin, 2 bytes"
    assert END.fullmatch(lines[27] + "\n")


def test_a_long_job_says_now_and_then_that_it_is_at_work(tmp_path):
    done, _ = run(
        tmp_path,
        "import time\nprint('fold 3 of 5')\ntime.sleep(0.5)",
        before="scripting._SECONDS_BETWEEN_REPORTS = 0.1",
    )
    said = done.stderr.splitlines()
    assert 2 <= len(said) <= 5
    assert all(re.fullmatch(r"rule: at work for 0 min, [0-9,]+ MB; fold 3 of 5", line) for line in said)


def test_a_terminal_gets_no_such_lines(tmp_path):
    """A terminal shows bars, which lines would break."""
    code = "import time\nfrom stand_in import make_job\nfrom rnamarks import scripting\n"
    code += "scripting._SECONDS_BETWEEN_REPORTS = 0.05\n"
    code += (
        "with scripting.logged(make_job('job.log')) as terminal:\n    time.sleep(0.3)\n    print('end', file=terminal)"
    )
    main, side = os.openpty()
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, cwd=tmp_path, stderr=side, check=True)
    os.close(side)
    assert os.read(main, 4096) == b"end\r\n"
    os.close(main)


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.runs], ids=repr)
def test_every_rule_has_such_a_log(rule):
    """One that a shell would run has no head, no end and no sentence."""
    assert rule.script, f"rule {rule.name} runs no script"
    text = (ROOT / "workflow" / "rules" / rule.script).read_text()
    assert re.search(r"^with logged\(snakemake\)(?: as terminal)?:$", text, re.MULTILINE), rule.script
