"""Window files become the table of a task."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.drops import Drops
from rnamarks.sites.window_files import read_task_windows, read_windows
from rnamarks.sites.window_formats import WINDOW_FORMATS
from rnamarks.tasks import Task

TASK = Task("yak_m6A", species="yak", modification="m6A", base="A", motif="DRACH", motif_offset=2)
CONTENTS = {
    "pos_train.txt": "GGACU\nGGACA\nGGACU\n",
    "neg_train.txt": "AAACA\nAAACT\n",
    "pos_more.fa": ">a\nUUACU\n",
    "signed_test.fa": ">+1\nGAACU\n>-1\nCCACC\n>+2\nGAACA\n",
}
ENTRIES = [
    ("pos_train.txt", "lines", 1, "train"),
    ("neg_train.txt", "lines", 0, "train"),
    ("pos_more.fa", "fasta", 1, "train"),
    ("signed_test.fa", "fasta_signed", None, "test"),
]


def entries(folder, contents=CONTENTS, listed=ENTRIES):
    for name, text in contents.items():
        (folder / name).write_text(text)
    return [
        {"file": folder / name, "format": form, "label": label, "given": given} for name, form, label, given in listed
    ]


@pytest.fixture
def files(tmp_path):
    return entries(tmp_path)


def read_all(files, *, width=None, centred=False, **options):
    return read_task_windows(files, task=replace(TASK, centred=centred), width=width, **options)


@pytest.fixture
def read():
    def run(form, path, split="test", label=None, width=None):
        drops = Drops()
        entry = {"file": path, "format": form, "label": label, "given": split}
        frame = read_windows(entry, task=replace(TASK, centred=False), width=width, drops=drops)
        assert ["window", *frame.columns] == column_names("windows")
        counts = dict(zip(drops.frame()["reason"], drops.frame()["rows"], strict=True))
        assert counts["kept"] == len(frame)
        return frame, counts

    return run


def test_formats():
    assert WINDOW_FORMATS.names() == [
        *("adar_chat", "csv", "fasta", "fasta_signed", "fasta_tagged", "fasta_tagged_padded"),
        *("lines", "modomics", "nju_seq"),
    ]


@pytest.mark.parametrize(
    ("file", "label", "rows", "with_n"),
    [("danRer10_pos_test", 1, 2_147, 19), ("danRer10_neg_test", 0, 24_654, 133), ("rn5_pos_test", 1, 4_741, 110)],
)
def test_mass(read, shared_data, file, label, rows, with_n):
    frame, counts = read("lines", shared_data / "m6a" / "mass" / f"{file}.txt.gz", label=label, width=101)
    assert counts["kept"] == rows
    assert frame["sequence"].str[50].eq("A").all()
    assert (frame["label"] == label).all()
    assert frame["sequence"].str.len().eq(101).all()
    assert frame["sequence"].str.contains("N").sum() == with_n
    assert not frame["sequence"].str.contains("T").any()
    assert (frame[["genome_start", "genome_end", "start", "end"]] == -1).all(axis=None)
    assert (frame["given"] == "test").all()


@pytest.mark.parametrize(
    ("tissue", "pairs"), [("human_brain_independent", 4_604), ("human_brain_train", 4_605), ("rat_kidney_train", 3_433)]
)
def test_irna(read, shared_data, tissue, pairs):
    path = shared_data / "m6a" / "irna_m6a_41nt" / f"{tissue}.fa.gz"
    frame, counts = read("fasta_signed", path, width=41)
    assert (frame["label"] == 1).sum() == (frame["label"] == 0).sum() == pairs
    assert counts["kept"] == 2 * pairs
    assert frame["sequence"].str[20:23].eq("ACA").all()


def test_irna_csv_holds_the_fasta_records(read, shared_data):
    folder = shared_data / "m6a" / "irna_m6a_41nt"
    table, _ = read("csv", folder / "human_brain_train.csv.gz")
    fasta, _ = read("fasta_signed", folder / "human_brain_train.fa.gz")
    order = ["sequence", "label"]
    left, right = (frame[order].sort_values(order).reset_index(drop=True) for frame in (table, fasta))
    pd.testing.assert_frame_equal(left, right)


def test_deepm6aseq_fasta_is_the_line_file_with_places(read, shared_data):
    folder = shared_data / "m6a" / "deepm6aseq"
    fasta, counts = read("fasta", folder / "dr_neg_test.fa.gz", label=0)
    lines, _ = read("lines", folder / "dr_neg_test.txt.gz", label=0)
    assert counts["note: duplicate sequence, kept"] == 2
    assert sorted(fasta["sequence"]) == sorted(lines["sequence"])
    assert (fasta["label"] == 0).all()
    first = fasta.iloc[0]
    assert (first["chrom"], first["genome_start"], first["strand"]) == ("1", 16_829_336 + 50, "+")
    assert (fasta["genome_start"] >= 0).all()
    assert set(fasta["strand"]) == {"+", "-"}


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("Y;site_205::1:100-105(+)", ("1", 102, "+")),
        ("Y;site_205::1:100-105(-)", ("1", 102, "-")),
        ("chr1:101-105(+)", ("chr1", 102, "+")),
        ("chr1:101-105", ("chr1", 102, "")),
        ("gene|chrX:100-105(-)|more", ("chrX", 102, "-")),
        ("chr1:100-900(+)", ("", -1, "")),
        ("P|1|training", ("", -1, "")),
        ("ENST0001.2", ("", -1, "")),
    ],
)
def test_places_in_headers(read, tmp_path, header, place):
    (tmp_path / "x.fa").write_text(f">{header}\nACGTA\n")
    frame, _ = read("fasta", tmp_path / "x.fa", label=1)
    assert tuple(frame.loc[0, ["chrom", "genome_start", "strand"]]) == place


@pytest.mark.parametrize("dress", ["plain", "lower", "rna", "crlf", "bom", "gzip"])
@pytest.mark.parametrize("form", ["lines", "fasta", "fasta_signed", "csv"])
def test_dressed_files_give_the_same_windows(read, tmp_path, form, dress):
    rows = [("GGACT", 1), ("TTNRT", 0)]
    text = {
        "lines": "".join(f"{sequence}\n" for sequence, _ in rows),
        "fasta": "".join(f">x\n{sequence}\n" for sequence, _ in rows),
        "fasta_signed": "".join(f">{'+' if label else '-'}sample\n{sequence}\n" for sequence, label in rows),
        "csv": "label,other,sequence\n" + "".join(f"{label or -1},,{sequence}\n" for sequence, label in rows),
    }[form]
    if dress == "lower":
        text = text.lower()
    if dress == "rna":
        text = text.replace("T", "U")
    data = text.replace("\n", "\r\n").encode() if dress == "crlf" else text.encode()
    data = b"\xef\xbb\xbf" + data if dress == "bom" else gzip.compress(data) if dress == "gzip" else data
    (tmp_path / "windows").write_bytes(data)
    given = {} if form in {"csv", "fasta_signed"} else {"label": 1}
    frame, _ = read(form, tmp_path / "windows", **given)
    assert frame["sequence"].tolist() == ["GGACU", "UUNNU"]
    assert frame["label"].tolist() == ([1, 1] if given else [1, 0])


@pytest.mark.parametrize(
    ("form", "text", "settings", "said"),
    [
        ("lines", "", {"label": 1}, "windows: the file holds no sequence"),
        ("csv", "", {}, "the file holds no window"),
        ("csv", "sequence,label\n", {}, "holds no window"),
        ("csv", "seq,label\nACGTA,1\n", {}, "windows:1: .*no columns"),
        ("csv", "sequence,label\nACGTA,1\nACGTA,yes\n", {}, r"windows:3: the label .*'yes'"),
        ("csv", "sequence,label\nACGTA,1\nACGTA\n", {}, "windows:3: the row has 1 fields"),
        ("csv", "sequence,label\n,1\n", {}, "windows:2: the sequence is empty"),
        ("csv", "sequence,label\nACZTA,1\n", {}, r"windows:2: .*no nucleotide \(found 'Z'\)"),
        ("csv", 'sequence,label\n"' + "A" * 140_000 + "\n", {}, "windows:2: the line is no CSV"),
        ("csv", "sequence,label\nACGTA,1\n", {"label": 1}, "states its labels"),
        ("lines", "ACGTA\nACGT\n", {"label": 1}, r"windows:2: the window has 4 nt and should have 5"),
        ("lines", "ACGTA\n", {"label": 1, "width": 101}, r"windows:1: .*should have 101"),
        ("lines", "ACGTA\nAC-TA\n", {"label": 1}, r"windows:2: letter 3 is no nucleotide"),
        ("lines", ">x\nACGTA\n", {"label": 1}, "is FASTA"),
        ("lines", "ACGTA\n", {}, "set label to 1 or 0"),
        ("fasta", "ACGTA\n", {"label": 1}, "set the format lines"),
        ("fasta", ">x\n>y\nACGTA\n", {"label": 1}, "windows:1: the record has no sequence"),
        ("fasta_signed", ">x\nACGTA\n", {}, r"windows:1: the header begins neither .*'x'"),
        ("nonsense", "ACGTA\n", {"label": 1}, "choose one of adar_chat, csv, fasta, fasta_signed"),
        ("lines", "ACGTA\n", {"label": 1, "split": "tests"}, "no such split"),
        (
            "csv",
            'sequence,label,note\nACGTA,1,"5 prime\nACGTA,0,x\n',
            {},
            "windows:2: the line is no CSV: unexpected end",
        ),
        ("csv", "sequence,label\nACGTA,1ACGTA,0\n", {}, "windows:2: the row has 3 fields and the header 2"),
        ("csv", "sequence,label,sequence\nACGTA,1,ACGTA\n", {}, "windows:1: .*once each"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(read, tmp_path, form, text, settings, said):
    (tmp_path / "windows").write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        read(form, tmp_path / "windows", **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", ["lines", "fasta", "fasta_signed", "csv"])
def test_truncated_gzip(read, tmp_path, form):
    text = "sequence,label\n" if form == "csv" else ""
    line = {"lines": "{}\n", "fasta": ">x\n{}\n", "fasta_signed": ">+\n{}\n", "csv": "{},1\n"}[form]
    rows = ["".join("ACGT"[(i * 7 + j * j * (i % 13)) % 4] for j in range(41)) for i in range(3000)]
    data = gzip.compress((text + "".join(line.format(row) for row in rows)).encode())
    (tmp_path / "windows.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="cut off or corrupt"):
        read(form, tmp_path / "windows.gz", **({"label": 1} if form in {"lines", "fasta"} else {}))


def test_a_quote_that_is_never_closed_is_named(read, shared_cases):
    with pytest.raises(InputError, match=r"stray_quote.csv:13: the line is no CSV"):
        read("csv", shared_cases / "stray_quote.csv")


def test_files_are_joined_and_windows_numbered_through(files):
    windows, _ = read_all(files)
    assert list(windows.columns) == column_names("windows")
    assert dict(zip(windows["window"], windows["sequence"], strict=True)) == {
        "yak_m6A:train:p1": "GGACU",
        "yak_m6A:train:p2": "GGACA",
        "yak_m6A:train:p3": "GGACU",
        "yak_m6A:train:n1": "AAACA",
        "yak_m6A:train:n2": "AAACU",
        "yak_m6A:train:p4": "UUACU",
        "yak_m6A:test:p1": "GAACU",
        "yak_m6A:test:n1": "CCACC",
        "yak_m6A:test:p2": "GAACA",
    }
    assert windows["label"].tolist() == [1, 1, 1, 0, 0, 1, 1, 0, 1]
    assert windows["given"].tolist() == ["train"] * 6 + ["test"] * 3
    assert windows[["task", "species", "modification"]].drop_duplicates().to_numpy().tolist() == [
        ["yak_m6A", "yak", "m6A"]
    ]
    assert windows.index.tolist() == list(range(9))


def test_drops_are_counted_under_the_name_of_each_file(files):
    _, drops = read_all(files)
    frame = drops.frame()
    kept = frame[frame["reason"] == "kept"]
    assert dict(zip(kept["source"], kept["rows"], strict=True)) == {
        "pos_train.txt": 3,
        "neg_train.txt": 2,
        "pos_more.fa": 1,
        "signed_test.fa": 3,
    }
    noted = frame[frame["reason"] == "note: duplicate sequence, kept"]
    assert noted[["subject", "source", "rows"]].to_numpy().tolist() == [["yak_m6A", "pos_train.txt", 1]]


def test_an_agreed_width_holds_for_every_file(files):
    assert len(read_all(files, width=5)[0]) == 9
    with pytest.raises(InputError, match=r"pos_train.txt:1: the window has 5 nt and should have 7"):
        read_all(files, width=7)
    files[2]["file"].write_text(">a\nUUACUU\n")
    with pytest.raises(InputError, match=r"pos_more.fa:1: the window has 6 nt and should have 5"):
        read_all(files, width=5)


@pytest.mark.parametrize(
    ("chosen", "said"), [([0, 2], "yak_m6A has 4 modified windows and no unmodified"), ([1], "2 unmodified windows")]
)
def test_windows_of_one_label_are_refused(files, chosen, said):
    with pytest.raises(InputError, match=said):
        read_all([files[index] for index in chosen])


def test_a_label_that_the_format_states_is_not_given_again(files):
    files[3]["label"] = 1
    with pytest.raises(InputError, match="leave label out"):
        read_all(files)


def test_centred_windows_that_do_not_fit_or_contradict_or_repeat_are_counted(tmp_path):
    good = "C" * 20 + "GAACU"[2] + "G" * 20
    drach = "C" * 18 + "GGACU" + "G" * 18
    more = "U" * 18 + "AGACA" + "C" * 18
    both = "A" * 18 + "UAACC" + "G" * 18
    contents = {
        "pos.txt": "\n".join([drach, drach.lower().replace("u", "t"), both, good]) + "\n",
        "neg.txt": "\n".join([more, both, "CC" + "U" * 18 + "AAACA" + "C" * 18 + "CC"]) + "\n",
    }
    files = entries(tmp_path, contents, [("pos.txt", "lines", 1, ""), ("neg.txt", "lines", 0, "")])
    with pytest.raises(InputError, match="45 nt"):
        read_all(files, width=41)
    table, drops = read_all(files, width=41, centred=True)
    assert table["sequence"].tolist() == [drach, more, "U" * 18 + "AAACA" + "C" * 18]
    assert table["window"].tolist() == ["yak_m6A:all:p1", "yak_m6A:all:n1", "yak_m6A:all:n2"]
    counted = drops.frame().set_index(["source", "reason"])["rows"]
    assert counted["all files", "no DRACH in place"] == 1
    assert counted["all files", "sequence with both labels"] == 2
    assert counted["all files", "copy of an earlier sequence"] == 1
    assert counted["neg.txt", "note: cropped from 45 nt"] == 1
    assert counted["all files", "kept"] == 3
    fewer, _ = read_all(files, width=41, centred=True, negatives_per_positive=1)
    assert fewer["label"].tolist() == [1, 0]
    contents = {"pos.txt": "C" * 41 + "\n", "neg.txt": "G" * 41 + "\n"}
    with pytest.raises(InputError, match="yak_m6A: no window is left"):
        read_all(entries(tmp_path, contents, [("pos.txt", "lines", 1, "")]), width=41, centred=True)
