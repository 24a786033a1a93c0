"""Readers of files as they are published: bpRNA's archives, the library of many lengths, windows of splice sites."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnamarks.downstream.examples import fold_names, read_examples
from rnamarks.downstream.formats import EXAMPLE_FORMATS
from rnamarks.errors import InputError

needs_mmseqs = pytest.mark.skipif(shutil.which("mmseqs") is None, reason="mmseqs is not on PATH")


def rna(seed: int, length: int, letters: str = "ACGU") -> str:
    return "".join(np.random.default_rng(seed).choice(list(letters), length))


def read(entry, files):
    """What a reader finds, with the counts that it makes."""
    counts: Counter = Counter()

    def count(reason: str, rows: int) -> None:
        counts[reason] += rows

    found = EXAMPLE_FORMATS[entry["format"]](files, entry, count, 1)
    return found, {reason: rows for reason, rows in counts.items() if rows}


# bpRNA

PAIRS = {"format": "bprna_dbn", "target": "pairs"}
PARTS = {"TR0": "train", "VL0": "valid", "TS0": "test"}


def bprna(name: str, seed: int) -> str:
    return f"#Name: {name}\r\n#Length: 40\r\n#PageNumber: 1\r\n{rna(seed, 40).lower()}\r\n((....)){'.' * 32}\r\n"


def spot(path: Path, ending: str = ".st", macos: bool = False) -> Path:
    """An archive like SPOT-RNA's: a folder per part, a file per RNA."""
    with zipfile.ZipFile(path, "w") as archive:
        for at, (folder, number) in enumerate((f, n) for f in PARTS for n in range(12)):
            name = f"bpRNA_{'CRW' if number % 2 else 'RFAM'}_{at}"
            beside = "EE\r\nNN\r\nS1 1..2\r\n" if ending == ".st" else ""
            archive.writestr(f"bpRNA_dataset/{folder}/{name}{ending}", bprna(name, at) + beside)
            if macos:
                archive.writestr(f"__MACOSX/bpRNA_dataset/{folder}/._{name}{ending}", b"\x00\x05\x16\x07")
    return path


def test_the_folders_of_an_archive_are_the_parts(tmp_path):
    for ending in (".st", ".dbn"):
        found, _ = read(PAIRS, {"structures": [spot(tmp_path / f"x{ending}.zip", ending, macos=True)]})
        rows = found.rows.set_index("example")
        assert rows["part"].value_counts().to_dict() == dict.fromkeys(PARTS.values(), 12)
        assert rows.loc["bpRNA_CRW_13", ["part", "family"]].tolist() == ["valid", "CRW"]
        assert rows.loc["bpRNA_RFAM_24", ["part", "family"]].tolist() == ["test", "RFAM"]
        assert rows.loc["bpRNA_RFAM_24", "partners"][:8].tolist() == [7, 6, -1, -1, -1, -1, 1, 0]
    with zipfile.ZipFile(tmp_path / "x.st.zip") as archive:
        archive.extractall(tmp_path / "folder")
    packed, _ = read(PAIRS, {"structures": [tmp_path / "x.st.zip"]})
    folder, _ = read(PAIRS, {"structures": [tmp_path / "folder"]})
    pd.testing.assert_frame_equal(folder.rows, packed.rows)


def test_ids_of_a_table_say_more_than_folders_and_other_partitions_are_none(tmp_path):
    (tmp_path / "splits.csv").write_text(
        "id,partition\nbpRNA_RFAM_0,TS0\nbpRNA_CRW_1,TR0\nbpRNA_RFAM_2,VL0\nbpRNA_CRW_3,new\n"
    )
    files = {"structures": [spot(tmp_path / "x.zip", ".dbn")], "splits": [tmp_path / "splits.csv"]}
    parts = read(PAIRS, files)[0].rows.set_index("example")["part"]
    assert parts[parts != ""].to_dict() == {"bpRNA_RFAM_0": "test", "bpRNA_CRW_1": "train", "bpRNA_RFAM_2": "valid"}


def test_one_file_of_many_rnas_is_read_as_before_and_files_without_a_name_are_called_after_themselves(tmp_path):
    text = "".join(f">bpRNA_PDB_{at}\n{rna(at, 20)}\n{'.' * 20}\n" for at in range(4))
    (tmp_path / "all.dbn.gz").write_bytes(gzip.compress(text.encode()))
    with tarfile.open(tmp_path / "dbnFiles.tar.gz", "w:gz") as archive:
        for at in range(4):
            data = f"{rna(at, 20)}\n{'.' * 20}\n".encode()
            entry = tarfile.TarInfo(f"dbnFiles/bpRNA_PDB_{at}.dbn")
            entry.size = len(data)
            archive.addfile(entry, BytesIO(data))
    one, _ = read(PAIRS, {"structures": [tmp_path / "all.dbn.gz"]})
    many, _ = read(PAIRS, {"structures": [tmp_path / "dbnFiles.tar.gz"]})
    pd.testing.assert_frame_equal(one.rows, many.rows)
    assert set(one.rows["part"]) == {""}
    assert set(one.rows["family"]) == {"PDB"}


def test_what_is_wrong_in_an_archive_is_named_by_its_place_in_it(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("TR0/a.st", "#Name: a\nACGU\n(.)\n")
    with pytest.raises(InputError, match=f"^{path}/TR0/a.st:3: 4 nt and 3 signs"):
        read(PAIRS, {"structures": [path]})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("TR0/a.bpseq", "1 A 0\n")
    with pytest.raises(InputError, match=r"the archive holds no \.dbn or \.st file"):
        read(PAIRS, {"structures": [path]})
    (tmp_path / "cut.zip").write_bytes(spot(path).read_bytes()[:500])
    with pytest.raises(InputError, match=r"cut\.zip: not a tar or zip archive, or a damaged one"):
        read(PAIRS, {"structures": [tmp_path / "cut.zip"]})


@needs_mmseqs
def test_an_archive_of_parts_gives_the_published_fold(tmp_path):
    entry = PAIRS | {"folds": ["given"]}
    examples, _ = read_examples(entry, {"structures": [spot(tmp_path / "x.zip")]})
    assert examples["fold_given"].value_counts().to_dict() == dict.fromkeys(PARTS.values(), 12)
    assert not set("".join(examples["sequence"])) - set("ACGU")


# ribosome loads of many lengths

LOADS = {"format": "mrl_varying", "target": "value"}


def library(path: Path, rows: list[tuple], columns: str = ",utr,total,rl,set,total_reads,len", ending="\n") -> Path:
    """A table with the published columns and an index in front, of (sequence, load, set, reads)."""
    lines = [columns]
    for at, (utr, load, kind, reads) in enumerate(rows):
        lines.append(f"{at},{utr},1.5,{load},{kind},{reads},{len(utr)}")
    text = (ending.join(lines) + ending).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def simulated() -> list[tuple]:
    """130 random and 110 human UTRs of 25 nt, 60 and 40 of 26 nt, 5 and 1 of 101 nt, shuffled; reads go down."""
    rows = [(rna(at, 25, "ACGT"), at / 10, "random", 1000 - at) for at in range(130)]
    rows += [(rna(1000 + at, 25, "ACGT"), at / 10, "human", 900 - at) for at in range(110)]
    rows += [(rna(2000 + at, 26, "ACGT"), at / 10, "random", 1000 - at) for at in range(60)]
    rows += [(rna(3000 + at, 26, "ACGT"), at / 10, "human", 1000 - at) for at in range(40)]
    rows += [(rna(4000 + at, 101, "ACGT"), at / 10, "random", 1000 - at) for at in range(5)]
    rows += [(rna(5000, 101, "ACGT"), 1.0, "human", 2000)]
    return [rows[at] for at in np.random.default_rng(1).permutation(len(rows))]


def test_the_deepest_of_each_length_and_set_are_tested_on(tmp_path):
    rows = simulated()
    found, counts = read(LOADS, {"library": [library(tmp_path / "x.csv.gz", rows)]})
    table = found.rows.assign(human=found.folds["human"], kind=found.rows["example"].str.partition("_")[0])
    known = {utr: (load, kind, reads) for utr, load, kind, reads in rows}
    table["reads"] = [known[utr][2] for utr in table["sequence"]]
    assert table["value"].tolist() == [known[utr][0] for utr in table["sequence"]]
    assert table["kind"].tolist() == [known[utr][1] for utr in table["sequence"]]
    random, human = table[table["kind"] == "random"], table[table["kind"] == "human"]
    # of 25 nt the 100 deepest, of 26 nt all, of 101 nt none
    for part, kind, least in (("part", random, 901), ("human", human, 801)):
        tested = kind[kind[part] == "test"]
        lengths = tested["sequence"].str.len()
        assert lengths.value_counts().to_dict() == {25: 100, 26: 60 if part == "part" else 40}
        assert tested["reads"][lengths == 25].min() == least
    assert (human["part"] == "").all()
    assert set(human["human"]) == {"test"}
    assert len(human) == 140
    assert (random["part"] == "train").sum() == 35
    # both folds are trained on the same
    assert (random["human"] == random["part"].replace("test", "")).all()
    assert counts == {
        "note: UTRs of at least 10 reads": 346,
        "note: tested random UTRs of a length that has fewer than 100": 60,
        "note: tested human UTRs of a length that has fewer than 100": 40,
        "human, and not among the 100 of most reads of a length": 11,
    }


def test_reads_loads_sets_and_copies_are_counted(tmp_path):
    first = rna(1, 30, "ACGT")
    rows = [(rna(at, 30, "ACGT"), 5.0, "random", 10) for at in range(2, 12)]
    rows += [(first, 5.0, "random", 50), (first.lower().replace("t", "u"), 5.0, "human", 60)]
    # a copy with too few reads is none
    rows += [(rna(2, 30, "ACGT"), 5.0, "random", 9), (rna(60, 30, "ACGT"), 5.0, "random", "")]
    rows += [(rna(61, 30, "ACGT"), "", "random", 50), (rna(62, 30, "ACGT"), "nan", "human", 50)]
    rows += [(rna(63, 30, "ACGT"), 5.0, "designed", 50)]
    path = library(tmp_path / "x.csv", rows, ending="\r\n")
    found, counts = read(LOADS, {"library": [path]})
    assert found.rows["sequence"].tolist() == [utr for utr, *_ in rows[:10]]
    assert counts == {
        "neither random nor human": 1,
        "no ribosome load": 2,
        "fewer than 10 reads": 2,
        "a sequence that occurs several times": 2,
        "note: UTRs of at least 10 reads": 10,
        "note: tested random UTRs of a length that has fewer than 100": 10,
    }
    _, counts = read(LOADS | {"reads": 55}, {"library": [path]})
    assert counts["fewer than 55 reads"] == 13
    assert counts["note: UTRs of at least 55 reads"] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("ACGT", "x", "random", 10), "not a number .found 'x'.; correct or remove the row"),
        (("ACGT", 1.0, "random", "many"), "not a number .found 'many'."),
        (("ACGT", "inf", "random", 10), "not a number .found 'inf'."),
        (("", 1.0, "random", 10), "the field of utr is empty; fetch the file again"),
        (("ACGT", 1.0, "", 10), "the field of set is empty"),
    ],
)
def test_a_row_that_holds_no_utr_is_named(tmp_path, row, message):
    path = library(tmp_path / "x.csv.gz", [(rna(1, 30), 5.0, "random", 10), row])
    with pytest.raises(InputError, match=f"^{path}:3: {message}"):
        read(LOADS, {"library": [path]})


def test_a_library_without_a_column_is_refused(tmp_path):
    path = library(tmp_path / "x.csv", [], ",utr,total,rl,library,total_reads,len")
    with pytest.raises(InputError, match=f"^{path}:1: the table lacks set; it needs utr, set, total_reads, rl"):
        read(LOADS, {"library": [path]})
    path.write_text(",utr,set,total_reads,rl\n0,ACGU,random\n")
    with pytest.raises(InputError, match=f"^{path}:2: the field of total_reads, rl is empty"):
        read(LOADS, {"library": [path]})


@needs_mmseqs
def test_the_library_makes_two_folds_of_one_training_set(tmp_path):
    path = library(tmp_path / "x.csv.gz", simulated())
    entry = LOADS | {"folds": ["given", "human"]}
    examples, drops = read_examples(entry, {"library": [path]})
    assert fold_names(examples) == ["given", "human"]
    human = examples["example"].str.startswith("human_")
    given, other = examples["fold_given"], examples["fold_human"]
    assert (given == "test").sum() == 160
    assert (other == "test").sum() == human.sum() == 140
    assert (given[human] == "").all()
    for part in ("train", "valid"):
        assert (given == part).sum() > 0
        assert ((given == part) == (other == part)).all()
    assert set("".join(examples["sequence"])) == set("ACGU")
    assert drops.rows("note: UTRs of at least 10 reads") == 346


# windows of splice sites

SITES = {"format": "spliceator", "target": "label"}
SPECIES = ("Danio", "Fly", "Thaliana", "Worm")


def windows(first: int, number: int, length: int, field: int, header: bool = False) -> str:
    """Lines whose window is in the second (1) or third (2) field."""
    between = ["intron"] if field == 2 else []
    sequences = [rna(first + at, length, "ACGT") for at in range(number)]
    lines = [";".join([f"P{at}_X", *between, sequence, "True"]) for at, sequence in enumerate(sequences)]
    return "\r\n".join([*(["ID_uniprot;Type;Sequence;x"] if header else []), *lines]) + "\r\n"


def package(folder: Path, site: str = "donor", benchmark: str = "Benchmarks") -> Path:
    """A folder like that of SpliceBERT's data, with six windows of each kind."""
    texts = {
        f"Training_data/Positive/GS/POS_{site}_600.csv": windows(0, 6, 600, 1),
        f"Training_data/Negative/GS/GS_1/NEG_600_{site}.csv": windows(100, 6, 600, 2, header=True),
        # what is not asked for
        "Training_data/Positive/GS/POS_branch_600.csv": "x",
        f"Training_data/Negative/GS/GS_10/NEG_600_{site}.csv": "x",
    }
    for at, species in enumerate(SPECIES):
        for label in ("positive", "negative"):
            name = f"{benchmark}/{species}/SA_sequences_{site}_400_Final_3.{label}.txt"
            texts[name] = windows(200 + 20 * at + 10 * (label == "negative"), 6, 400, 1)
    for name, text in texts.items():
        (folder / "spliceator" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "spliceator" / name).write_bytes(text.encode())
    return folder


def packed(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "data")
    return path


@pytest.mark.parametrize("benchmark", ["Benchmark", "Benchmarks"])
def test_windows_of_many_species_train_and_each_of_four_tests(tmp_path, benchmark):
    path = packed(package(tmp_path / "data", benchmark=benchmark), tmp_path / "data.tar.gz")
    found, counts = read(SITES, {"donor": [path]})
    rows = found.rows
    assert counts == {}
    assert rows["sequence"].str.len().unique().tolist() == [400]
    assert rows.groupby(["part", "label"]).size().to_dict() == {
        ("test", "0"): 24, ("test", "1"): 24, ("train", "0"): 6, ("train", "1"): 6,
    }  # fmt: skip
    assert sorted(found.folds) == list(SPECIES)
    for name, fold in found.folds.items():
        assert ((fold == "test") == (rows["family"] == name)).all()
        assert ((fold == "train") == (rows["part"] == "train")).all()
    # the middle of 600 nt, and all of 400
    trained = rows[(rows["part"] == "train") & (rows["label"] == "1")]["sequence"].tolist()
    assert trained == [rna(at, 600, "ACGT")[100:500] for at in range(6)]
    tested = rows[(rows["family"] == "Fly") & (rows["label"] == "0")]["sequence"].tolist()
    assert tested == [rna(230 + at, 400, "ACGT") for at in range(6)]
    folder, _ = read(SITES, {"donor": [tmp_path / "data"]})
    pd.testing.assert_frame_equal(folder.rows, rows)


def test_a_narrower_window_has_the_same_middle_and_a_short_one_leaves(tmp_path):
    folder = package(tmp_path / "data", "acceptor")
    found, _ = read(SITES | {"flank": 50}, {"acceptor": [folder]})
    wide, _ = read(SITES, {"acceptor": [folder]})
    assert found.rows["sequence"].tolist() == [window[150:250] for window in wide.rows["sequence"]]
    fly = folder / "spliceator/Benchmarks/Fly/SA_sequences_acceptor_400_Final_3.positive.txt"
    with open(fly, "a") as handle:
        handle.write(f"P9;{rna(9, 399)};x\n")
    found, counts = read(SITES, {"acceptor": [folder]})
    assert len(found.rows) == len(wide.rows)
    assert counts == {"a window shorter than 400 nt": 1}


def test_lines_without_a_window_and_missing_files_are_named(tmp_path):
    folder = package(tmp_path / "data")
    worm = folder / "spliceator/Benchmarks/Worm/SA_sequences_donor_400_Final_3.negative.txt"
    whole = worm.read_text()
    for line in (f"{rna(1, 400)}\n", f"P1;{rna(1, 90)};{rna(2, 90)}\n", f"P1;{rna(1, 400)}*;x\n"):
        worm.write_text(whole + line)
        path = packed(folder, tmp_path / "data.tar.gz")
        inside = f"{path}/data/spliceator/Benchmarks/Worm/{worm.name}"
        with pytest.raises(InputError, match=f"^{inside}:7: no window of 100 nt or more in the second or third field"):
            read(SITES, {"donor": [path]})
    worm.unlink()
    with pytest.raises(InputError, match=r"it lacks Benchmarks/Worm/SA_sequences_donor_400_Final_3\.negative\.txt"):
        read(SITES, {"donor": [folder]})
    (folder / "spliceator/Training_data/Negative/GS/GS_1/NEG_600_donor.csv").unlink()
    with pytest.raises(InputError, match=r"it lacks Negative/GS/GS_1/NEG_600_donor\.csv"):
        read(SITES, {"donor": [folder]})
    # an archive within the archive
    with tarfile.open(tmp_path / "outer.tar.gz", "w:gz") as archive:
        archive.add(path, "data/spliceator.tgz")
    with pytest.raises(InputError, match=r"if they lie in an archive within it, give that as source:splicebert_data#"):
        read(SITES, {"donor": [tmp_path / "outer.tar.gz"]})
    with pytest.raises(InputError, match="not a folder or archive"):
        read(SITES, {"donor": [fly for fly in folder.rglob("*Fly/*donor*positive.txt")]})
    with pytest.raises(InputError, match="one role says the site"):
        read(SITES, {"train": [folder]})


@needs_mmseqs
def test_windows_of_splice_sites_give_folds_of_the_species(tmp_path):
    entry = SITES | {"folds": ["given", "Fly"]}
    examples, _ = read_examples(entry, {"donor": [package(tmp_path / "data")]})
    assert fold_names(examples) == ["given", "Fly"]
    assert (examples["fold_given"] == "test").sum() == 48
    assert (examples["fold_Fly"] == "test").sum() == 12
    assert set(examples["fold_given"]) == {"train", "valid", "test"}
    assert not set("".join(examples["sequence"])) - set("ACGU")
