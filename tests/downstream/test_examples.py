"""Published examples as one table: readers, letters, copies, folds."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from rnamarks.datasets.neighbours import neighbours
from rnamarks.downstream.examples import FOLD, fold_names, read_examples
from rnamarks.errors import InputError
from rnamarks.sequences import read_records
from rnamarks.sites.drops import KEPT
from rnamarks.structure.pairs import pairs_of, read_brackets

pytestmark = pytest.mark.skipif(shutil.which("mmseqs") is None, reason="mmseqs is not on PATH")


def rna(seed: int, length: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), length))


def check_table(examples, drops, column):
    """What holds of every table: one row per name and sequence, letters, mutual pairs, three splits, full counts."""
    assert examples["example"].is_unique
    assert examples["sequence"].is_unique
    assert not set("".join(examples["sequence"])) - set("ACGURYSWKMBDHVN")
    assert list(examples.columns[:4]) == ["example", "sequence", "family", column]
    for name in fold_names(examples):
        parts = set(examples[FOLD + name])
        assert {"train", "valid", "test"} <= parts <= {"train", "valid", "test", ""}
    if column == "partners":
        for sequence, partners in zip(examples["sequence"], examples["partners"], strict=True):
            assert len(sequence) == len(partners)
            paired = np.flatnonzero(partners >= 0)
            assert (partners[partners[paired]] == paired).all()
    table = drops.frame()
    assert table["reason"].tolist()[-1] == KEPT
    assert drops.rows(KEPT) == len(examples)


def check_guarded(examples, identity=0.8):
    fold = examples["fold_guarded"].to_numpy(object)
    trained, tested = (examples[fold == split]["sequence"].tolist() for split in ("train", "test"))
    assert not len(neighbours(tested, trained, min_identity=identity))


@pytest.fixture
def structures(tmp_path):
    names = {f"one_{i}": "a" for i in range(20)} | {f"two_{i}": "b" for i in range(20)}
    texts = [f">{name}\n{rna(i, 60)}\n((((....)))){'.' * 48}\n" for i, name in enumerate(names)]
    (tmp_path / "x.dbn").write_text("".join(texts))
    (tmp_path / "families.tsv").write_text("example\tfamily\n" + "".join(f"{k}\t{v}\n" for k, v in names.items()))
    return tmp_path / "x.dbn"


def test_a_folder_a_file_and_a_tar_are_the_same(structures, tmp_path):
    entry = {"format": "structures", "target": "pairs"}
    one, drops = read_examples(entry, {"all": [structures]})
    check_table(one, drops, "partners")
    folder = tmp_path / "folder" / "below"
    folder.mkdir(parents=True)
    shutil.copy(structures, folder)
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.add(folder, "below")
    for path in (tmp_path / "folder", tmp_path / "x.tar.gz"):
        pd.testing.assert_frame_equal(read_examples(entry, {"all": [path]})[0], one)
    assert fold_names(one) == ["guarded"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="the folder holds no"):
        read_examples(entry, {"all": [tmp_path / "empty"]})
    # a file of an archive is named by its place in it
    (folder / "y.dbn").write_text(">a\nACGU\n((.)\n")
    with tarfile.open(tmp_path / "y.tar", "w") as tar:
        tar.add(folder / "y.dbn", "y.dbn")
    with pytest.raises(InputError, match=f"^{tmp_path}/y.tar/y.dbn:"):
        read_examples(entry, {"all": [tmp_path / "y.tar"]})


def table(path, rows, columns="sequence\tlabel"):
    path.write_text(columns + "\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def test_letters_copies_and_lengths_are_counted(tmp_path):
    rows = [(rna(i, 40), i % 2) for i in range(40)]
    rows += [(rna(0, 40).replace("U", "t").lower(), 0), (rna(1, 40), 0), (rna(50, 300), 1)]
    rows += [(rna(51, 38) + "X*", 0), (rna(52, 20) + "N" * 20, 0)]
    path = table(tmp_path / "a.tsv", rows)
    examples, drops = read_examples(
        {"format": "table", "target": "label", "longest": 100}, {"all": [path]}, name="mine"
    )
    check_table(examples, drops, "label")
    assert drops.rows("a copy of another example", subject="mine") == 1
    assert drops.rows("a sequence with differing answers") == 2
    assert drops.rows("longer than 100 nt") == 1
    assert drops.rows("more than a fifth of the letters are not A, C, G or U") == 1
    assert drops.rows("note: letters that are no nucleotides became N") == 1
    assert len(examples) == 40
    assert (rna(51, 38) + "NN") in set(examples["sequence"])


def test_a_table_brings_its_split_and_its_families(tmp_path):
    rows = [(rna(i, 40), f"{i}.5", f"f{i // 4}", part) for i, part in enumerate(["train"] * 60 + ["test"] * 20)]
    path = table(tmp_path / "a.tsv", rows, "rna\tload\tfamily\tpart")
    entry = {"format": "table", "target": "value", "columns": {"sequence": "rna", "value": "load"}}
    examples, drops = read_examples(entry, {"all": [path]}, seed=3)
    check_table(examples, drops, "value")
    assert (examples["fold_given"] == "test").tolist() == [False] * 60 + [True] * 20
    for name in fold_names(examples):
        parts = examples[examples["fold_given"] != "test"].groupby("family")[FOLD + name].nunique()
        assert (parts == 1).all()
    again, _ = read_examples(entry, {"all": [path]}, seed=3)
    pd.testing.assert_frame_equal(examples, again)
    assert fold_names(read_examples(entry | {"folds": ["given"]}, {"all": [path]})[0]) == ["given"]
    with pytest.raises(InputError, match=r"no such fold \(found 'human'\); choose of given"):
        read_examples(entry | {"folds": ["given", "human"]}, {"all": [path]})


def test_a_maximum_draws_the_same_examples_in_every_fold(tmp_path):
    path = table(tmp_path / "a.tsv", [(rna(i, 40), i % 2) for i in range(300)])
    examples, drops = read_examples({"format": "table", "target": "label", "maximum": 10}, {"all": [path]})
    check_table(examples, drops, "label")
    assert examples["fold_guarded"].value_counts().to_dict() == {"train": 10, "valid": 10, "test": 10}
    assert drops.rows("beyond 100 examples to split") == 200
    assert drops.rows("beyond 10 examples per split") == 70


@pytest.mark.parametrize(
    ("format_name", "target", "text", "message"),
    [
        ("table", "value", "sequence\tvalue\nACGU\t1\nACGU\tx\n", r"f:3: not a number \(found 'x'\)"),
        ("table", "label", "sequence\nACGU\n", "f: the table lacks the column label"),
        ("table", "pairs", "sequence\tstructure\nACGU\t((.\n", "f:2: 4 nt and 3 signs"),
        ("table", "pairs", "sequence\tstructure\nACGU\t((.)\n", "f:2: position 1 of the dot-bracket is never closed"),
        ("bprna_json", "pairs", '{"seq": "ACGU", "label": "(..)"}\n{"seq": "AC"}\n', "f:2: the line lacks label"),
        ("bprna_json", "pairs", "ACGU\n", "f:1: not a line of JSON"),
        ("splice_json", "label", '{"sequence": "ACGU", "name": "c_1", "label": 2}\n', "f:1: not a window with a label"),
        ("nrc", "label", ">a tRNA\nACGU\n>b\nACGU\n", "f:3: not a name and a class"),
        ("nrc", "value", ">a tRNA\nACGU\n", "the format nrc has no value"),
        ("mrl_random", "value", "utr,total\nACGU,1\n", "f:1: the table lacks rl"),
        ("archiveii", "pairs", 'id,sequence,base_pairs\n5s_a,ACGU,"[[1, 5]]"\n', "f:2: a pair is out of the sequence"),
        ("archiveii", "pairs", "id,sequence,base_pairs\n5s_a,ACGU,none\n", "f:2: not a list of pairs"),
    ],
)
def test_what_is_not_of_the_format_is_refused(tmp_path, format_name, target, text, message):
    (tmp_path / "f").write_text(text)
    role = {"mrl_random": "random", "archiveii": "structures"}.get(format_name, "train")
    with pytest.raises(InputError, match=message):
        read_examples({"format": format_name, "target": target}, {role: [tmp_path / "f"]})


def test_roles_are_checked(tmp_path):
    with pytest.raises(InputError, match=r"the files lack structures; give structures, splits \(optional\)"):
        read_examples({"format": "bprna_dbn", "target": "pairs"}, {"splits": [tmp_path / "x.csv"]})
    with pytest.raises(InputError, match="one role says the site"):
        read_examples({"format": "eie", "target": "label"}, {"branch": [tmp_path / "x"]})


def test_a_validation_part_stands_in_for_a_test_part_that_is_kept_back(tmp_path):
    for part, seeds in (("train", range(60)), ("valid", range(60, 80))):
        rows = [json.dumps({"seq": rna(i, 50), "label": "(" + "." * 48 + ")"}) for i in seeds]
        (tmp_path / part).write_text("\n".join(rows))
    files = {part: [tmp_path / part] for part in ("train", "valid")}
    examples, _ = read_examples({"format": "bprna_json", "target": "pairs"}, files)
    given = examples["fold_given"].to_numpy(object)
    assert (given[60:] == "test").all()
    assert (given[:60] == "valid").sum() == 6


def test_a_test_part_of_which_nothing_is_left_is_not_replaced(tmp_path):
    parts = ["train"] * 60 + ["valid"] * 20 + ["test"] * 5
    path = table(
        tmp_path / "a.tsv",
        [(rna(i, 90 if p == "test" else 40), i, p) for i, p in enumerate(parts)],
        "sequence\tvalue\tpart",
    )
    entry = {"format": "table", "target": "value", "longest": 50}
    assert fold_names(read_examples(entry, {"all": [path]})[0]) == ["guarded"]
    with pytest.raises(InputError, match="no such fold"):
        read_examples(entry | {"folds": ["given"]}, {"all": [path]})


def test_splice_windows_have_their_letters_in_both_classes(tmp_path):
    random = np.random.default_rng(1)
    lines = []
    for i in range(80):
        exon, intron, last = rna(i, 50), rna(100 + i, 60), rna(200 + i, 50)
        lines.append(f"{exon} GU{intron[2:-2]}AG {last} {random.integers(9)} gene{i // 2}")
    lines.append("ACGU GUAG ACGU 1 tiny")
    (tmp_path / "eie.txt.gz").write_bytes(gzip.compress("\n".join(lines).replace("U", "T").encode()))
    for site, letters, at in (("donor", "GU", 20), ("acceptor", "AG", 18)):
        entry = {"format": "eie", "target": "label", "flank": 20}
        examples, drops = read_examples(entry, {site: [tmp_path / "eie.txt.gz"]})
        check_table(examples, drops, "label")
        assert examples["sequence"].str.len().unique().tolist() == [40]
        assert set(examples["sequence"].str[at : at + 2]) == {letters}
        assert drops.rows("exons or intron are shorter than the flank") == 1
        assert (examples["label"] == "1").sum() == 80
        assert (examples["label"] == "0").sum() > 60
        assert (examples.groupby("family")["fold_guarded"].nunique() == 1).all()


@pytest.mark.slow
def test_archiveii(shared_data):
    folder = shared_data / "structure" / "archiveii"
    files = {
        "structures": [folder / "ArchiveII_6families.csv.gz"],
        "folds": [folder / "ArchiveII_famfold_splits.csv.gz"],
    }
    examples, drops = read_examples({"format": "archiveii", "target": "pairs"}, files)
    check_table(examples, drops, "partners")
    check_guarded(examples)
    # 3,293 rows hold 2,843 sequences, of which 24 have two structures
    assert drops.frame().loc[lambda rows: ~rows["reason"].str.startswith("note"), "rows"].sum() == 3293
    assert len(examples) == 2843 - 24
    assert sorted(fold_names(examples)) == sorted(["16s", "23s", "5s", "RNaseP", "srp", "tRNA", "guarded"])
    for family in examples["family"].unique():
        tested = examples[FOLD + family] == "test"
        assert (examples["family"][tested] == family).all()
        assert (examples["family"] == family).sum() == tested.sum()
        assert 0.08 < (examples[FOLD + family][~tested] == "valid").mean() < 0.12
    source = pd.read_csv(files["structures"][0]).set_index("id")
    for name, partners in examples.set_index("example")["partners"].items():
        np.testing.assert_array_equal(pairs_of(partners), read_brackets(source.loc[name, "structure"]))


@pytest.mark.slow
def test_bprna(shared_data):
    folder = shared_data / "structure"
    files = {part: [folder / f"bprna_rgb/bpRNA_{part}.jsonl.gz"] for part in ("train", "valid")}
    entry = {"format": "bprna_json", "target": "pairs", "longest": 100, "folds": ["given"]}
    examples, drops = read_examples(entry, files)
    check_table(examples, drops, "partners")
    assert drops.rows("longer than 100 nt") > 1000
    assert len(set(examples["sequence"].str.upper())) == len(examples)
    files = {
        "structures": [folder / "bprna_short/bpRNA-1m_90_short.dbn.gz"],
        "splits": [folder / "bprna_splits/TR0-TS0_splits.csv.gz"],
    }
    examples, drops = read_examples({"format": "bprna_dbn", "target": "pairs", "folds": ["given"]}, files)
    check_table(examples, drops, "partners")
    # of 13,243 RNAs 4,082 are in TR0 and 485 in VL0
    assert 460 < (examples["fold_given"] == "test").sum() <= 485
    assert 4000 < len(examples) - (examples["fold_given"] == "test").sum() <= 4082


@pytest.mark.slow
def test_ribosome_load(shared_data):
    folder = shared_data / "mrl"
    files = {"random": [folder / "egfp_m1pseudo_2_random50.csv.gz"], "human": [folder / "human_snv_5utr.csv.gz"]}
    examples, drops = read_examples({"format": "mrl_random", "target": "value"}, files)
    check_table(examples, drops, "value")
    check_guarded(examples)
    human = examples["example"].str.startswith("human")
    assert (human.sum(), (~human).sum()) == (1959, 14985)
    assert (examples["fold_given"][~human] == "test").sum() == 14985 // 10
    assert (examples.loc[human, ["fold_given", "fold_guarded"]] == "").all(axis=None)
    assert (examples["fold_human"][human] == "test").all()
    assert set(examples["fold_human"][~human]) == {"train", "valid", ""}
    assert 5.6 < examples["value"][~human].mean() < 5.64


@pytest.mark.slow
def test_splice_and_classes(shared_data, tmp_path):
    # the time grows with the square of what is read, so a part of each file
    with gzip.open(shared_data / "splice/arabidopsis_pgb/donor_train.jsonl.gz", "rt") as handle:
        (tmp_path / "donors.jsonl").write_text("".join(islice(handle, 0, None, 3)))
    files = {"train": [tmp_path / "donors.jsonl"]}
    examples, drops = read_examples({"format": "splice_json", "target": "label", "maximum": 300}, files)
    check_table(examples, drops, "label")
    check_guarded(examples)
    tested = examples[examples["fold_guarded"] == "test"]
    assert 0.4 < (tested["label"] == "1").mean() < 0.6
    # many places, not few large ones
    assert tested["family"].nunique() > 50
    records = list(read_records(shared_data / "ncrna/nrc/train_13classes.fa.gz"))[::3]
    (tmp_path / "classes.fa").write_text("".join(f">{one.header}\n{one.sequence}\n" for one in records))
    files = {"train": [tmp_path / "classes.fa"]}
    examples, drops = read_examples({"format": "nrc", "target": "label", "maximum": 200}, files)
    check_table(examples, drops, "label")
    assert examples["label"].nunique() == 13
    assert examples[examples["fold_guarded"] == "test"]["label"].nunique() == 13
