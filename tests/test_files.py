"""A file is there whole or not at all."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from patience import PATIENCE
from rnamarks.errors import InputError, explain
from rnamarks.files import atomic_path, check_output, open_text, write_text
from rnamarks.tables import open_parquet, open_parquet_writer, read_parquet, read_tsv, write_parquet, write_tsv


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), atomic_path(path) as part:
        part.write_text("half \udcff", encoding="utf-8")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_compressed_text_has_no_time_stamp(tmp_path):
    for name in ("a.gz", "b.gz"):
        with write_text(tmp_path / name) as handle:
            handle.write("x\n")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("name", ["table.tsv", "table.tsv.gz"])
def test_tsv_round_trip_with_metadata(tmp_path, name):
    frame = pd.DataFrame({"chrom": ["chr1", "NA1"], "start": [0, 5], "value": [0.1, None]})
    write_tsv(frame, tmp_path / name, {"assembly": "hg19"})
    back, metadata = read_tsv(tmp_path / name, ["chrom", "start"])
    pd.testing.assert_frame_equal(back, frame)
    assert metadata == {"assembly": "hg19"}


def test_missing_columns_are_named(tmp_path):
    write_tsv(pd.DataFrame({"a": [1]}), tmp_path / "t.tsv")
    with pytest.raises(InputError, match="lacks the columns b, c; it has a"):
        read_tsv(tmp_path / "t.tsv", ["a", "b", "c"])


def test_parquet_round_trip_and_damage(tmp_path):
    frame = pd.DataFrame({"exon_starts": [[1, 2], [3]], "sequence": ["ACGU", "N"]})
    path = tmp_path / "t.parquet"
    write_parquet(frame, path, {"assembly": "hg19"})
    back, metadata = read_parquet(path, ["sequence"])
    assert [list(row) for row in back["exon_starts"]] == [[1, 2], [3]]
    assert metadata == {"assembly": "hg19"}
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="damaged"):
        read_parquet(path)
    with pytest.raises(InputError, match="no such file"):
        read_parquet(tmp_path / "none.parquet")


def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "table.tsv")
    for text in ("first", "second"):
        with write_text(tmp_path / "link") as handle:
            handle.write(text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "table.tsv").read_text() == text
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link", "table.tsv", "there"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_pipe_is_written_to_and_stays(tmp_path, fails):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    try:
        with write_text(pipe) as handle:
            handle.write("whole\n")
            if fails:
                raise KeyError
    except KeyError:
        pass
    reader.join(PATIENCE)
    assert read == ["" if fails else "whole\n"]
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_devices_and_own_descriptors_are_written_to(tmp_path):
    with write_text("/dev/null") as handle:
        handle.write("x")
    with open(tmp_path / "log", "ab") as log:
        log.write(b"before\n")
        log.flush()
        with write_text(f"/dev/fd/{log.fileno()}") as handle:
            handle.write("table\n")
        log.write(b"after\n")
    assert (tmp_path / "log").read_text() == "before\ntable\nafter\n"
    with pytest.raises(OSError, match="/dev/full") as caught, write_text("/dev/full") as handle:
        handle.write("x")
    assert str(explain(caught.value)) == "/dev/full: no space is left; free some space and run it again"


def test_outputs_that_cannot_be_written_are_found_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    for path, what in ((tmp_path, "this is a folder"), (tmp_path / "file" / "below" / "x", "a file is where the path")):
        with pytest.raises(InputError, match=what):
            check_output(path)
        with pytest.raises(InputError, match=what), atomic_path(path):
            pytest.fail("the work began")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="the link leads back to itself"):
        check_output(tmp_path / "loop")
    check_output(tmp_path / "new" / "folder" / "x.tsv")
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_found_before_any_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="permission denied"):
        check_output(tmp_path / "x.tsv")


@pytest.mark.parametrize("raised", [OSError(errno.ENOSPC, "full"), RuntimeError("unexpected pos 64")])
def test_a_full_disk_is_named_whatever_a_library_makes_of_it(tmp_path, monkeypatch, raised):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    path = tmp_path / "weights"
    with pytest.raises(OSError, match="weights") as caught, atomic_path(path):
        raise raised
    assert str(explain(caught.value)) == f"{path}: no space is left; free some space and run it again"
    assert not list(tmp_path.iterdir())


def test_a_file_is_on_the_disk_before_its_name_leads_to_it(tmp_path, monkeypatch):
    done: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda one: (done.append(os.path.basename(os.readlink(f"/proc/self/fd/{one}"))), sync(one))
    )
    monkeypatch.setattr(os, "replace", lambda *pair: (done.append("replace"), replace(*pair)))
    with write_text(tmp_path / "x") as handle:
        handle.write("1")
    assert done[0].startswith(".x.")
    assert done[1:] == ["replace", tmp_path.name]


def test_long_names_are_written(tmp_path):
    with write_text(tmp_path / ("n" * 250)) as handle:
        handle.write("x")
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_text_and_tables_are_read_from_a_pipe(tmp_path, packed):
    content = b"#assembly=hg19\ngene\tn\nA\t1\n"
    for read in (lambda: "".join(open_lines(tmp_path / "pipe")), lambda: read_tsv(tmp_path / "pipe")):
        os.mkfifo(tmp_path / "pipe")
        data = gzip.compress(content) if packed else content
        writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,), daemon=True)
        writer.start()
        got = read()
        writer.join(PATIENCE)
        (tmp_path / "pipe").unlink()
        if isinstance(got, str):
            assert got == content.decode()
        else:
            assert got[0].to_dict("list") == {"gene": ["A"], "n": [1]}
            assert got[1] == {"assembly": "hg19"}


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_and_stays_open(monkeypatch, packed):
    content = gzip.compress(b"a\n") if packed else b"a\n"
    for stream in (io.BytesIO(content), io.BufferedReader(io.BytesIO(content))):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
        assert list(open_lines("-")) == ["a\n"]
        assert not sys.stdin.closed
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n")))
    with pytest.raises(InputError, match="standard input: the file is not UTF-8 text"):
        list(open_lines("-"))


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    path = tmp_path / "t.tsv"
    code = f"""
import os, signal, sys
from rnamarks.files import atomic_path
with atomic_path({str(path)!r}) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    (dead,) = tmp_path.iterdir()
    (tmp_path / ".other.tsv.abcdefgh.part").write_text("another's")
    with atomic_path(path) as living:
        living.write_text("half")
        assert not dead.exists()
        with write_text(path) as handle:
            handle.write("whole")
        assert living.exists()
        assert path.read_text() == "whole"
    assert path.read_text() == "half"
    assert sorted(file.name for file in tmp_path.iterdir()) == [".other.tsv.abcdefgh.part", "t.tsv"]


def open_lines(path):
    with open_text(path) as handle:
        yield from handle


def test_names_of_genes_are_text_and_an_empty_field_is_missing(tmp_path):
    names = ["nan", "NA", "None", "null", "N/A", "NaN", "inf", "7157", "True"]
    frame = pd.DataFrame({"gene": [*names, None], "symbol": [*names, None], "value": [*range(9), None]})
    write_tsv(frame, tmp_path / "t.tsv")
    back, _ = read_tsv(tmp_path / "t.tsv")
    pd.testing.assert_frame_equal(back, frame.fillna(np.nan))
    for name in names:
        write_tsv(pd.DataFrame({"chrom": [name]}), tmp_path / "t.tsv")
        assert read_tsv(tmp_path / "t.tsv")[0]["chrom"].tolist() == [name]
    (tmp_path / "t.tsv").write_text("other\nNA\nnan\n")
    assert read_tsv(tmp_path / "t.tsv")[0]["other"].tolist() == ["NA", "nan"]


@pytest.mark.parametrize("text", ["a\tb\n1\t2\t3\n", "a\tb\n1\t2\n1\t2\t3\n", "", "#k=v\n"])
def test_ragged_tables_are_refused(tmp_path, text):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(InputError, match=r"t\.tsv: the table (cannot be read|is empty)"):
        read_tsv(tmp_path / "t.tsv")


def test_columns_of_parquet_are_chosen(tmp_path):
    path = tmp_path / "t.parquet"
    write_parquet(pd.DataFrame({"a": [1], "b": [2], "c": [3]}), path, {"x": 1})
    back, metadata = read_parquet(path, only=["c", "a"])
    assert list(back) == ["c", "a"]
    assert metadata == {"x": 1}
    with pytest.raises(InputError, match="lacks the column d; it has a, b, c"):
        read_parquet(path, only=["a", "d"])


def test_parquet_is_written_and_read_in_pieces(tmp_path):
    path = tmp_path / "t.parquet"
    with open_parquet_writer(path, pa.schema([("a", pa.int64())]), {"x": 1}) as writer:
        for value in range(3):
            writer.write_table(pa.table({"a": [value]}))
    with open_parquet(path) as file:
        assert [file.read_row_group(n)["a"].to_pylist() for n in range(3)] == [[0], [1], [2]]
    assert read_parquet(path)[1] == {"x": 1}


def test_no_flipped_bit_of_a_parquet_file_changes_what_is_read(tmp_path):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "transcript": [f"t{number}" for number in range(30)],
            "sequence": ["".join(rng.choice(list("ACGU"), 90)) for _ in range(30)],
            "value": rng.normal(size=30),
        }
    )
    path = tmp_path / "t.parquet"
    write_parquet(frame, path, {"assembly": "hg19"})
    whole = path.read_bytes()
    refused = 0
    for bit in rng.choice(8 * len(whole), 400, replace=False):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        try:
            back, metadata = read_parquet(path)
        except InputError as error:
            assert "not a Parquet file, or a damaged one" in str(error)  # noqa: PT017
            refused += 1
        else:
            pd.testing.assert_frame_equal(back, frame)
            assert metadata == {"assembly": "hg19"}
    assert refused > 300


def test_parquet_from_elsewhere_is_read(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "t.parquet")[0], frame)
    write_parquet(frame, tmp_path / "u.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "u.parquet"), frame)


def test_quotation_marks_are_text_and_swallow_no_lines(tmp_path):
    (tmp_path / "t.tsv").write_text('gene\tother\n"a\t1\nb\t2\nc"\t3\nd\t"4\n')
    frame, _ = read_tsv(tmp_path / "t.tsv")
    assert frame["gene"].tolist() == ['"a', "b", 'c"', "d"]
    write_tsv(frame, tmp_path / "again.tsv")
    assert (tmp_path / "again.tsv").read_bytes() == (tmp_path / "t.tsv").read_bytes()


@pytest.mark.parametrize("name", ["a\tb", "a\nb"])
def test_a_field_that_would_become_two_is_not_written(tmp_path, name):
    with pytest.raises(csv.Error, match="need to escape"):
        write_tsv(pd.DataFrame({"gene": [name]}), tmp_path / "t.tsv")
    assert list(tmp_path.iterdir()) == []
