from __future__ import annotations

import gzip

import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.sites.drops import Drops
from rnamarks.sites.window_files import (
    WINDOW_COLUMNS,
    WINDOW_FORMATS,
    base_share,
    deduplicate_windows,
    read_windows,
    renumber_windows,
)


@pytest.fixture
def read():
    def run(form, path, species="human", part="test", **settings):
        drops = Drops()
        frame = read_windows(path, form, species=species, part=part, source="S", drops=drops, **settings)
        assert tuple(frame.columns) == WINDOW_COLUMNS
        assert frame["window"].is_unique
        counts = dict(zip(drops.frame()["reason"], drops.frame()["rows"], strict=True))
        assert counts["kept"] == len(frame)
        return frame, counts

    return run


def test_formats():
    assert WINDOW_FORMATS.names() == ["csv", "fasta", "fasta_signed", "fasta_tagged", "lines"]


@pytest.mark.parametrize(
    ("file", "label", "rows", "with_n"),
    [
        ("danRer10_pos_test", 1, 2_147, 19),
        ("danRer10_neg_test", 0, 24_654, 133),
        ("rn5_pos_test", 1, 4_741, 110),
    ],
)
def test_mass(read, shared_data, file, label, rows, with_n):
    frame, counts = read(
        "lines", shared_data / "m6a" / "mass" / f"{file}.txt.gz", label=label, width=101, site_base="A"
    )
    assert counts == {"kept": rows}
    assert (frame["label"] == label).all()
    assert frame["sequence"].str.len().eq(101).all()
    assert frame["sequence"].str.contains("N").sum() == with_n
    assert not frame["sequence"].str.contains("T").any()
    assert frame["window"].iloc[-1] == f"human:test:{'p' if label else 'n'}{rows}"
    assert (frame[["start", "position"]] == -1).all(axis=None)
    assert (frame["given"] == "test").all()


@pytest.mark.parametrize(
    ("file", "rows", "off_site", "distinct"),
    [
        ("hg19_pos_test", 8_269, 122, 8_170),
        ("hg19_pos_train", 31_680, 638, 30_297),
        ("mm10_pos_test", 5_721, 486, 5_581),
    ],
)
def test_sramp_windows_off_their_site(read, shared_data, file, rows, off_site, distinct):
    path = shared_data / "m6a" / "sramp" / f"{file}.txt.gz"
    frame, counts = read("lines", path, label=1, width=101, site_base="A")
    assert counts["no A at index 50"] == off_site
    assert counts["kept"] == rows - off_site
    assert base_share(frame, "A", 50) == 1.0
    whole, counts = read("lines", path, label=1, duplicates="drop")
    assert (len(whole), counts["duplicate sequence"]) == (distinct, rows - distinct)


def test_sramp_leak(read, shared_data):
    folder = shared_data / "m6a" / "sramp"
    for assembly, leaked in (("hg19", 724), ("mm10", 286)):
        train, _ = read("lines", folder / f"{assembly}_pos_train.txt.gz", part="train", label=1, duplicates="drop")
        test, _ = read("lines", folder / f"{assembly}_pos_test.txt.gz", label=1, duplicates="drop")
        drops = Drops()
        _, left = deduplicate_windows(train, test, drops)
        assert drops.rows("in the training data") == leaked
        assert len(left) == len(test) - leaked


@pytest.mark.parametrize(
    ("tissue", "pairs"),
    [("human_brain_independent", 4_604), ("human_brain_train", 4_605), ("rat_kidney_train", 3_433)],
)
def test_irna(read, shared_data, tissue, pairs):
    path = shared_data / "m6a" / "irna_m6a_41nt" / f"{tissue}.fa.gz"
    frame, counts = read("fasta_signed", path, width=41, site_base="A")
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


def test_irna_labels_that_disagree_across_tissues(read, shared_data):
    folder = shared_data / "m6a" / "irna_m6a_41nt"
    train, _ = read("fasta_signed", folder / "mouse_brain_train.fa.gz", "mouse", "train")
    test, _ = read("fasta_signed", folder / "mouse_liver_independent.fa.gz", "mouse")
    drops = Drops()
    deduplicate_windows(train, test, drops)
    assert drops.rows("in the training data") == 3
    both = renumber_windows(pd.concat([train, test.assign(given="train")]))
    assert both["window"].is_unique
    drops = Drops()
    deduplicate_windows(both, test.head(0), drops)
    alone = Drops()
    deduplicate_windows(train, test.head(0), alone)
    deduplicate_windows(test, train.head(0), alone)
    assert alone.rows("both labels") == 2
    assert drops.rows("both labels") == 2 + 6


def test_deepm6aseq_counts_and_leak(read, shared_data):
    folder = shared_data / "m6a" / "deepm6aseq"
    rows = {
        "hs": (24_532, 24_518, 6_307, 6_304),
        "mm": (18_862, 18_854, 4_701, 4_700),
        "dr": (11_055, 11_053, 2_826, 2_825),
    }
    leaked = {"hs": (5, 8, 8), "mm": (2, 6, 6), "dr": (9, 26, 25)}
    trains, tests = [], []
    for species, expected in rows.items():
        parts = {}
        for number, (part, label) in enumerate((("train", 1), ("train", 0), ("test", 1), ("test", 0))):
            path = folder / f"{species}_{'pos' if label else 'neg'}_{part}.txt.gz"
            parts[part, label], counts = read("lines", path, species, part, label=label, width=101)
            assert counts["kept"] == expected[number]
        for label, found in ((1, leaked[species][0]), (0, leaked[species][1])):
            drops = Drops()
            deduplicate_windows(parts["train", label], parts["test", label], drops)
            assert drops.rows("in the training data") == found
        shared = parts["test", 0][parts["test", 0]["sequence"].isin(parts["train", 0]["sequence"])]
        assert shared["sequence"].nunique() == leaked[species][2]
        trains += [parts["train", 1], parts["train", 0]]
        tests += [parts["test", 1], parts["test", 0]]
    train, test = pd.concat(trains), pd.concat(tests)
    assert train["window"].is_unique
    drops = Drops()
    train_left, test_left = deduplicate_windows(train, test, drops)
    assert len(train_left) == len(train)
    assert [drops.rows("in the training data", species=kind) for kind in rows] == [13, 8, 35]
    assert drops.rows("kept") == len(train_left) + len(test_left)
    assert 0.27 < base_share(train_left[train_left["label"] == 1], "A", 50) < 0.33


def test_deepm6aseq_fasta_is_the_line_file_with_places(read, shared_data):
    folder = shared_data / "m6a" / "deepm6aseq"
    fasta, counts = read("fasta", folder / "dr_neg_test.fa.gz", "zebrafish", label=0)
    lines, _ = read("lines", folder / "dr_neg_test.txt.gz", "zebrafish", label=0)
    assert counts["note: duplicate sequence, kept"] == 2
    assert sorted(fasta["sequence"]) == sorted(lines["sequence"])
    assert (fasta["label"] == 0).all()
    first = fasta.iloc[0]
    assert (first["chrom"], first["start"], first["strand"]) == ("1", 16_829_336 + 50, "+")
    assert (fasta["start"] >= 0).all()
    assert set(fasta["strand"]) == {"+", "-"}


def test_mammal_negatives_with_repeats(read, shared_data):
    path = shared_data / "m6a" / "deepm6aseq" / "mam_neg_test_with_repeats.fa.gz"
    kept, counts = read("fasta", path, label=0)
    assert (len(kept), counts["note: duplicate sequence, kept"]) == (15_704, 4_703)
    dropped, counts = read("fasta", path, label=0, duplicates="drop")
    assert counts == {"duplicate sequence": 4_703, "kept": 11_001}
    assert dropped["window"].isin(kept["window"]).all()


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
    assert tuple(frame.loc[0, ["chrom", "start", "strand"]]) == place


def test_site_that_is_not_in_the_middle(read, tmp_path):
    (tmp_path / "x.fa").write_text(">chr1:100-105(-)\nACGTA\n>chr1:100-105(+)\nACGTA\n>chr1:100-105\nACGTA\n")
    frame, counts = read("fasta", tmp_path / "x.fa", label=1, site_index=1, site_base="C")
    assert frame["start"].tolist() == [103, 101, -1]
    assert counts["kept"] == 3
    with pytest.raises(InputError, match="outside a window of 5 nt"):
        read("fasta", tmp_path / "x.fa", label=1, site_index=5)


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
    assert frame["window"].tolist() == ["human:test:p1", "human:test:p2" if given else "human:test:n1"]


@pytest.mark.parametrize(
    ("form", "text", "settings", "said"),
    [
        ("lines", "", {"label": 1}, "windows: the file holds no sequence"),
        ("csv", "", {}, "no columns sequence and label"),
        ("csv", "sequence,label\n", {}, "holds no window"),
        ("csv", "seq,label\nACGTA,1\n", {}, "windows:1: .*no columns"),
        ("csv", "sequence,label\nACGTA,1\nACGTA,yes\n", {}, r"windows:3: the label .*'yes'"),
        ("csv", "sequence,label\nACGTA,1\nACGTA\n", {}, "windows:3: the row has 1 fields"),
        ("csv", "sequence,label\n,1\n", {}, "windows:2: the sequence is empty"),
        ("csv", "sequence,label\nACZTA,1\n", {}, r"windows:2: .*no nucleotide \(found 'Z'\)"),
        ("csv", 'sequence,label\n"' + "A" * 140_000 + "\n", {}, "cannot be read as CSV"),
        ("csv", "sequence,label\nACGTA,1\n", {"label": 1}, "states its labels"),
        ("lines", "ACGTA\nACGT\n", {"label": 1}, r"windows:2: the window has 4 nt and should have 5"),
        ("lines", "ACGTA\n", {"label": 1, "width": 101}, r"windows:1: .*should have 101"),
        ("lines", "ACGTA\nAC-TA\n", {"label": 1}, r"windows:2: column 3 holds no nucleotide"),
        ("lines", ">x\nACGTA\n", {"label": 1}, "is FASTA"),
        ("lines", "ACGTA\n", {}, "set label to 1 or 0"),
        ("fasta", "ACGTA\n", {"label": 1}, "set the format lines"),
        ("fasta", ">x\n>y\nACGTA\n", {"label": 1}, "windows:1: the record has no sequence"),
        ("fasta_signed", ">x\nACGTA\n", {}, r"windows:1: the header begins neither .*'x'"),
        ("nonsense", "ACGTA\n", {"label": 1}, "choose one of csv, fasta, fasta_signed, fasta_tagged, lines"),
        ("lines", "ACGTA\n", {"label": 1, "part": "tests"}, "no such part"),
        ("lines", "ACGTA\n", {"label": 1, "duplicates": "merge"}, "choose keep or drop"),
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


def windows(rows, part="train"):
    return pd.DataFrame(
        [[f"{number}", species, sequence, label, part] for number, (species, sequence, label) in enumerate(rows)],
        columns=["window", "species", "sequence", "label", "given"],
    )


def test_deduplication_reasons():
    train = windows([("h", "AA", 1), ("h", "CC", 1), ("h", "CC", 0), ("m", "GG", 1), ("m", "CC", 0)])
    test = windows(
        [("h", "AA", 0), ("h", "GG", 1), ("h", "CC", 1), ("h", "UU", 1), ("m", "AC", 1), ("m", "AC", 0)], "test"
    )
    drops = Drops()
    train_left, test_left = deduplicate_windows(train, test, drops)
    assert train_left[["species", "sequence"]].values.tolist() == [["h", "AA"], ["m", "GG"], ["m", "CC"]]
    assert test_left[["species", "sequence"]].values.tolist() == [["h", "UU"]]
    table = drops.frame().set_index(["species", "source", "reason"])["rows"].to_dict()
    assert table == {
        ("h", "train", "both labels"): 2,
        ("h", "train", "kept"): 1,
        ("m", "train", "kept"): 2,
        ("m", "test", "both labels"): 2,
        ("h", "test", "in the training data"): 2,
        ("h", "test", "in the training data of another species"): 1,
        ("h", "test", "kept"): 1,
        ("m", "test", "kept"): 0,
    }


def test_deduplication_of_empty_tables():
    drops = Drops()
    train, test = deduplicate_windows(windows([("h", "AA", 1)]).head(0), windows([("h", "AA", 1)]), drops)
    assert (len(train), len(test)) == (0, 1)


def test_renumbering_runs_by_species_part_and_label():
    frame = windows([("h", "AA", 1), ("h", "CC", 0), ("h", "GG", 1), ("m", "AA", 1)])
    ids = renumber_windows(frame)["window"].tolist()
    assert ids == ["h:train:p1", "h:train:n1", "h:train:p2", "m:train:p1"]
