"""`rnamarks scan`: every fitting base of any sequences, from FASTA to the files that were asked for."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import false_discovery_control

from rnamarks.cli import main
from rnamarks.models.checkpoint import load_model
from rnamarks.models.directory import NULL, read_config, write_config
from rnamarks.prediction import scan
from rnamarks.prediction.significance import read_null
from rnamarks.prediction.site_files import ATTENTION_COLUMNS, TEST_SCHEMA
from rnamarks.sequences import encode
from rnamarks.sites.windows import cut_windows

sys.path.insert(0, str(Path(__file__).parent))
import scan_world as world


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def table(self) -> pd.DataFrame:
        return pd.read_csv(io.StringIO(self.out), sep="\t", dtype={"top": str})


def run(*arguments, given: bytes | None = None) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["rnamarks", "scan", "--device", "cpu", *map(str, arguments)])
        if given is not None:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as end:
            main()
    return Done(end.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return world.build(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(3)
    made = {
        name: "".join(rng.choice(list("ACGU"), n))
        for name, n in (("long", 700), ("short", 9), ("mid.1", 120), ("a", 1))
    }
    made["mid.1"] = made["mid.1"][:60] + "NNN" + made["mid.1"][63:]
    return made


@pytest.fixture(scope="module")
def fasta(sequences, tmp_path_factory):
    path = tmp_path_factory.mktemp("fasta") / "s.fa"
    path.write_text("".join(f">{name} text\n{s[:50]}\n{s[50:]}\n" for name, s in sequences.items()))
    return path


@pytest.fixture(scope="module")
def everything(model, fasta):
    done = run(fasta, "--model", model, "--all")
    assert done.code == 0, done.err
    return done.table


def by_hand(model, sequences):
    """The same by the networks, one window after another, with scipy's q."""
    network, _ = load_model(model)
    null, _ = read_null(model, world.NAMES, "exact")
    motifs = {"m6A": ("AGU", "AG", "A", "C", "ACU"), "m6Am": ("CGU", "C", "A"), "I": "A", "Y": "U", "m5C": "C"}
    rows = []
    for name, text in sequences.items():
        for head, motif in motifs.items():
            offset = world.PLACES[head][2]
            for start in range(len(text) - len(motif) + 1):
                letters = text[start : start + len(motif)]
                if all(letter in allowed for letter, allowed in zip(letters, motif, strict=True)):
                    window = torch.from_numpy(cut_windows(encode(text), [start + offset], world.WINDOW))
                    with torch.no_grad():
                        logit = float(network(window, head))
                    rows.append((name, start + offset, text[start + offset], head, logit))
    frame = pd.DataFrame(rows, columns=["sequence", "start", "base", "task", "logit"])
    for head, part in frame.groupby("task"):
        p = null[head].p(part["logit"].to_numpy())
        frame.loc[part.index, "p"], frame.loc[part.index, "q"] = p, false_discovery_control(p)
    order = {name: place for place, name in enumerate(sequences)}
    places = {name: place for place, name in enumerate(world.NAMES)}
    key = {"sequence": order, "task": places}
    return frame.sort_values(
        ["sequence", "start", "task"],
        key=lambda column: column.map(key[column.name]) if column.name in key else column,
        ignore_index=True,
    )


def test_every_fitting_base_has_the_numbers_of_the_network(model, sequences, everything):
    expected = by_hand(model, sequences)
    assert list(everything.columns) == [*TEST_SCHEMA.names, "top"]
    assert (everything["end"] == everything["start"] + 1).all()
    assert everything["modification"].tolist() == everything["task"].tolist()
    for name in ("sequence", "start", "base", "task"):
        assert everything[name].tolist() == expected[name].tolist()
    for name in ("logit", "p", "q"):
        np.testing.assert_allclose(everything[name], expected[name], atol=1e-5)
    assert set(everything["task"]) == set(world.NAMES)
    probability = 1 / (1 + np.exp(-(1.5 * (everything["logit"] + np.log(0.1 / 0.9)) + 0.2)))
    np.testing.assert_allclose(everything["probability"], probability, atol=1e-5)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    text = ["sequence", "start", "base", "task"]
    pd.testing.assert_frame_equal(one[text], other[text])
    for name in ("probability", "p", "q", "logit"):
        np.testing.assert_allclose(one[name], other[name], atol=1e-5)


def test_batches_blocks_threads_and_spelling_change_nothing(model, sequences, everything, tmp_path, monkeypatch):
    path = tmp_path / "s.fa.gz"
    text = "".join(f">{name}\r\n{s.lower().replace('u', 't')}\r\n\r\n" for name, s in sequences.items())
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    same(run(path, "--model", model, "--all", "--batch-size", 5, "--threads", 1).table, everything)
    same(run("-", "--model", model, "--all", given=path.read_bytes()).table, everything)
    same(run("-", "--model", model, "--all", given=text.encode()).table, everything)
    monkeypatch.setattr(scan, "_BLOCK_NT", (53, 53))
    done = run(path, "--model", model, "--all", "--attention", tmp_path / "a.tsv")
    same(done.table, everything)
    assert done.table["top"].tolist() == everything["top"].tolist()


def test_order_of_records_changes_the_order_of_rows_only(model, sequences, everything, tmp_path):
    (tmp_path / "s.fa").write_text("".join(f">{name}\n{sequences[name]}\n" for name in reversed(sequences)))
    found = run(tmp_path / "s.fa", "--model", model, "--all").table
    key = ["sequence", "start", "task"]
    same(*(frame.sort_values(key, ignore_index=True) for frame in (found, everything)))


def test_reversing_changes_the_logits(model, sequences, everything, tmp_path):
    (tmp_path / "s.fa").write_text(f">long\n{sequences['long'][::-1]}\n")
    found = run(tmp_path / "s.fa", "--model", model, "--all", "--task", "I").table
    forward = everything[(everything["sequence"] == "long") & (everything["task"] == "I")]
    turned = found.assign(start=699 - found["start"]).sort_values("start", ignore_index=True)
    assert turned["start"].tolist() == forward["start"].tolist()
    assert np.abs(turned["logit"] - forward["logit"].to_numpy()).max() > 0.01


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ([], lambda t: t["p"] < 0.05),
        (["--alpha", 0.4], lambda t: t["p"] < 0.4),
        (["--alpha", 0.9, "--fdr", 0.8], lambda t: (t["p"] < 0.9) & (t["q"] < 0.8)),
        (["--all", "--fdr", 0.9], lambda t: t["q"] < 0.9),
        (["--task", "Y, m6A", "--alpha", 0.3], lambda t: (t["p"] < 0.3) & t["task"].isin(["Y", "m6A"])),
    ],
)
@pytest.mark.parametrize("flag", [[], ["--no-top"]])
def test_filters(model, fasta, everything, options, chosen, flag):
    done = run(fasta, "--model", model, *options, *flag)
    expected = everything[chosen(everything)].reset_index(drop=True)
    same(done.table, expected)
    if flag:
        assert "top" not in done.table
    else:
        assert done.table["top"].tolist() == expected["top"].tolist()
    for name in set(done.table["task"]):
        n = (expected["task"] == name).sum()
        assert f"{name}: {(everything['modification'] == name).sum():,} bases tested, {n:,} written" in done.err


def test_another_scan_that_removes_the_shared_folder_first_does_no_harm(model, fasta, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    root = tmp_path / f".rnamarks-{os.getuid()}"
    root.mkdir()

    def removed_before(method):
        def call(path):
            if path == root and os.path.isdir(root):
                os.rmdir(root)
            return method(path)

        return call

    for name in ("iterdir", "rmdir"):
        monkeypatch.setattr(Path, name, removed_before(getattr(Path, name)))
    assert run(fasta, "--model", model, "--task", "Y").code == 0
    assert not root.exists()


def test_what_is_scored_with_less_or_not_at_all_is_said(model, tmp_path):
    path = tmp_path / "s.fa"
    # windows of 21: the base at 30 has R ten before it, that at 31 no longer
    path.write_text(">long\n" + "G" * 19 + "R" + "G" * 9 + "TT" + "G" * 30 + "\n>none\nNNNN\n>g\nGG\n")
    done = run(path, "--model", model, "--task", "Y", "--all")
    assert done.table["start"].tolist() == [29, 30]
    assert "1 tests have letters other than A, C, G, U in their window, which are read as N" in done.err
    assert "2 of 3 sequences have no base to test: none, g" in done.err


def test_ends_are_padded_or_left_out_and_counted(model, fasta, sequences, everything):
    flank = world.CROP // 2
    lengths = everything["sequence"].map(lambda name: len(sequences[name]))
    inside = (everything["start"] >= flank) & (everything["start"] < lengths - flank)
    done = run(fasta, "--model", model, "--all", "--ends", "skip")
    text = ["sequence", "start", "task", "logit"]
    kept = everything[inside].reset_index(drop=True)
    pd.testing.assert_frame_equal(done.table[text], kept[text], atol=1e-5)
    assert f"{(~inside).sum()} tests of bases nearer than 10 nt to an end of their sequence: left out" in done.err
    assert f"{(~inside).sum()} tests" in run(fasta, "--model", model, "--ends", "pad").err


def test_attention_and_top(model, fasta, sequences, everything, tmp_path):
    out = tmp_path / "attention.tsv.gz"
    done = run(fasta, "--model", model, "--alpha", 0.5, "--attention", out)
    rows = done.table
    table = pd.read_csv(out, sep="\t")
    assert list(table.columns) == list(ATTENTION_COLUMNS)
    network, _ = load_model(model)
    groups = dict(tuple(table.groupby(["sequence", "start", "task"])))
    assert len(groups) == len(rows)
    for row in rows.sample(40, random_state=0).itertuples():
        text = sequences[row.sequence]
        found = groups[row.sequence, row.start, row.task]
        window = cut_windows(encode(text), [row.start], world.WINDOW)
        with torch.no_grad():
            words = [
                member.attend(torch.from_numpy(window))[0, world.NAMES.index(row.task)] for member in network.members
            ]
        weights = np.zeros(world.WINDOW)
        edge = (world.WINDOW - world.CROP) // 2
        weights[edge:-edge] = np.convolve(torch.stack(words).mean(0).numpy(), np.ones(3)) / 3
        place = np.arange(world.WINDOW) - world.WINDOW // 2 + row.start
        real = (place >= 0) & (place < len(text)) & (np.abs(place - row.start) <= world.CROP // 2)
        assert found["attended_start"].tolist() == place[real].tolist()
        assert (found[["end", "attended_end"]] == found[["start", "attended_start"]].to_numpy() + 1).all(axis=None)
        assert "".join(found["base"]) == "".join(text[at] for at in place[real])
        np.testing.assert_allclose(found["weight"], weights[real], atol=1e-5)
        tops = [int(at) for at in str(row.top).split(",")]
        assert 1 <= len(tops) <= 3
        assert set(tops) <= set(range(len(text)))
        if len(text) > 30 and 11 < row.start < len(text) - 13:
            sums = np.convolve(weights, np.ones(3), "same")
            assert tops[0] == place[sums.argmax()]


def test_fast_mode_is_the_student_with_its_own_null(model, fasta, everything, tmp_path):
    fast = run(fasta, "--model", model, "--all", "--mode", "fast").table
    assert fast["start"].tolist() == everything["start"].tolist()
    assert np.abs(fast["logit"] - everything["logit"]).max() > 1e-3
    assert "top" not in fast
    null, _ = read_null(model, world.NAMES, "fast")
    for head, part in fast.groupby("task"):
        np.testing.assert_allclose(part["p"], null[head].p(part["logit"].to_numpy()), atol=1e-5)
    looked = run(fasta, "--model", model, "--all", "--mode", "fast", "--top").table
    assert looked["top"].tolist() == everything["top"].tolist()


def test_bedrmod(model, fasta, everything, tmp_path):
    done = run(
        fasta, "--model", model, "--alpha", 0.5, "--bedrmod", tmp_path / "s.bedrmod", "--out", tmp_path / "s.tsv"
    )
    assert (done.code, done.out) == (0, "")
    sites, header = world.read_bedrmod(tmp_path / "s.bedrmod")
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t")
    assert len(table) == len(sites) > 20
    assert sites["chrom"].tolist() == table["sequence"].str.replace(".", "_").tolist()
    assert sites["chromStart"].tolist() == table["start"].tolist()
    assert sites["name"].tolist() == table["task"].tolist()
    np.testing.assert_allclose(sites["frequency"], 100 * table["probability"], atol=1e-3)
    assert header["assembly"] == "s.fa"
    assert "p<0.5" in header["bioinformatics_workflow"]
    assert sorted(child.name for child in tmp_path.iterdir()) == ["s.bedrmod", "s.tsv"]


def test_sequences_without_a_base_to_test(model, tmp_path):
    (tmp_path / "n.fa").write_text(">n\n" + "N" * 200 + "\n>g\nGGG\n")
    done = run(tmp_path / "n.fa", "--model", model, "--bedrmod", tmp_path / "n.bed", "--view")
    assert done.code == 0
    assert "the sequences hold no DRACH or BCA or A or U or C" in done.err
    assert "2 sequences without a call" in done.out
    assert run(tmp_path / "n.fa", "--model", model, "--fdr", 0.1, "--attention", tmp_path / "a").table.empty


FAULTS = [
    (b"", "holds no sequence"),
    (b"\n\n", "holds no sequence"),
    (b"ACGU\n", "s.fa:1: the file is not FASTA"),
    (b">a\nACGU\n>b\n>c\nAC\n", "s.fa:3: the record has no sequence"),
    (b">a\nACGU\n>b\n", "s.fa:3: the record has no sequence"),
    (b">a\nACGU\n>a x\nACGU\n", "s.fa:3: line 1 has a record of that name already"),
    (b"> \nACGU\n", "s.fa:1: the record has no name"),
    (b">p\nMKLVFF\n", "s.fa:2: letter 3 is no nucleotide (found 'L')"),
    (b">p\nAC-GU\n", "found '-'"),
    (b"\x1f\x8b\x08\x00broken", "gzip"),
    (b">a\n\xff\xfe\n", "UTF-8"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_faulty_sequences(model, tmp_path, text, message):
    (tmp_path / "s.fa").write_bytes(text)
    done = run(tmp_path / "s.fa", "--model", model, "--out", tmp_path / "out.tsv")
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert [child.name for child in tmp_path.iterdir()] == ["s.fa"]
    piped = run("-", "--model", model, given=text)
    assert piped.code == 2
    assert message.replace("s.fa", "standard input") in piped.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "m6A,m9Z"], "choose one of m6A, m6Am, I, Y, m5C"),
        (["--alpha", 0], "alpha must lie above 0"),
        (["--fdr", 2], "fdr must lie above 0"),
        (["--ends", "wrap"], "use pad or skip"),
        (["--mode", "slow"], "exact, fast"),
        (["--batch-size", 0], "--batch-size"),
        (["--threads", -1], "--threads"),
        (["--device", "gpu"], "use auto, cpu or cuda"),
        (["--above", 2], "above must lie between 0 and 1"),
        (["--unknown", 1], "No such option"),
    ],
)
def test_faulty_options(model, fasta, options, message):
    done = run(fasta, "--model", model, *options)
    assert done.code == 2
    assert message in done.err.splitlines()[-1]


def test_names_that_bedrmod_makes_equal(model, tmp_path):
    (tmp_path / "s.fa").write_text(">a.1\nACGU\n>a_1\nACGU\n")
    done = run(tmp_path / "s.fa", "--model", model, "--bedrmod", tmp_path / "s.bed")
    assert done.code == 2
    assert "so a.1 and this one would be the same (found 'a_1')" in done.err
    assert [child.name for child in tmp_path.iterdir()] == ["s.fa"]


def test_faulty_models(fasta, tmp_path):
    folder = world.build(tmp_path / "m", members=1, student=False)
    assert "no student for fast mode" in run(fasta, "--model", folder, "--mode", "fast").err
    null = (folder / NULL).read_bytes()
    (folder / NULL).write_bytes(null[:-4] + b"abcd")
    done = run(fasta, "--model", folder)
    assert done.code == 2
    assert "null.safetensors" in done.err


def test_a_model_without_a_null_has_no_p_and_writes_every_base(fasta, everything, tmp_path):
    folder = world.build(tmp_path / "m", student=False, null=False)
    done = run(fasta, "--model", folder)
    assert done.code == 0
    assert done.table["p"].isna().all()
    assert done.table["q"].isna().all()
    np.testing.assert_allclose(done.table["logit"], everything["logit"], atol=1e-5)
    assert done.err.count("null distribution") == 1
    refused = run(fasta, "--model", folder, "--fdr", 0.1, "--out", tmp_path / "o.tsv")
    assert (refused.code, (tmp_path / "o.tsv").exists()) == (2, False)
    assert "rnamarks null" in refused.err
    chosen = run(fasta, "--model", folder, "--above", 0.05).table
    assert len(chosen) == (everything["probability"] > 0.05).sum() > 0


def test_a_task_that_only_ranks_has_p_and_no_q(model, fasta, everything, tmp_path):
    folder = shutil.copytree(model, tmp_path / "m")
    config, _ = read_config(folder)
    config.ranks_only = ["Y"]
    write_config(folder, config)
    done = run(fasta, "--model", folder, "--all")
    assert "ranks nucleotides for Y and calls none" in done.err
    ranked = done.table["task"] == "Y"
    assert done.table.loc[ranked, ["q", "false_fraction"]].isna().all(axis=None)
    assert done.table.loc[~ranked, ["q", "false_fraction"]].notna().all(axis=None)
    columns = ["logit", "probability", "p"]
    np.testing.assert_allclose(done.table[columns], everything[columns], atol=1e-5)
    assert "Y: " in done.err
    assert "with q" not in next(line for line in done.err.splitlines() if "Y: " in line and "tested" in line)
    run(fasta, "--model", folder, "--bedrmod", tmp_path / "o.bed")
    assert "# the model ranks nucleotides for Y and calls none\n" in (tmp_path / "o.bed").read_text()
    refused = run(fasta, "--model", folder, "--fdr", 1)
    assert (refused.code, "(found 'Y'); leave --fdr out" in refused.err) == (2, True)
    others = set(everything["task"]) - {"Y"}
    told = [part for task in sorted(others) for part in ("--task", task)]
    assert set(run(fasta, "--model", folder, "--all", "--fdr", 1, *told).table["task"]) == others
    config.ranks_only = ["Y", "nothing"]
    write_config(folder, config)
    assert (run(fasta, "--model", folder).code, "ranks_only" in run(fasta, "--model", folder).err) == (2, True)


def test_a_model_without_calibration(model, fasta, tmp_path):
    folder = world.build(tmp_path / "m", members=1, student=False)
    config, _ = read_config(folder)
    del config.calibration["Y"]
    write_config(folder, config)
    done = run(fasta, "--model", folder, "--all")
    assert "no calibration for Y" in done.err
    blank = done.table["probability"].isna()
    assert (blank == (done.table["task"] == "Y")).all()
    done = run(fasta, "--model", folder, "--bedrmod", tmp_path / "s.bed")
    assert done.code == 2
    assert "found 'Y'" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_scan_leaves_no_scratch_files(model, tmp_path, number):
    """The program waits for more of its standard input when the signal comes."""
    command = [sys.executable, "-m", "rnamarks.cli", "scan", "--model", str(model), "--device", "cpu", "-"]
    command += ["--out", str(tmp_path / "sites.tsv")]
    # under nohup the signal would be ignored, as it should be
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    heed = partial(signal.signal, number, signal.SIG_DFL)
    with subprocess.Popen(command, **pipes, cwd=tmp_path, preexec_fn=heed) as program:
        until = time.monotonic() + 120
        while not holds_deleted_file(program.pid, tmp_path) and time.monotonic() < until:
            time.sleep(0.1)
        program.send_signal(number)
        assert program.wait(60) == 128 + number
    assert list(tmp_path.iterdir()) == []


def holds_deleted_file(pid: int, folder: Path) -> bool:
    """Whether a process has a file without a name in a folder open."""
    try:
        links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return any(link.startswith(str(folder)) and link.endswith("(deleted)") for link in links)
