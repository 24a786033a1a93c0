"""Window files of one species become one table."""

from __future__ import annotations

import pytest

from rnamarks.errors import InputError
from rnamarks.sites.window_files import WINDOW_COLUMNS
from rnamarks.sites.window_sets import read_species_windows

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


@pytest.fixture
def files(tmp_path):
    for name, text in CONTENTS.items():
        (tmp_path / name).write_text(text)
    return [
        {"file": tmp_path / name, "format": form, "label": label, "given": given}
        for name, form, label, given in ENTRIES
    ]


def test_files_are_joined_and_windows_numbered_through(files):
    windows, _ = read_species_windows(files, species="yak", window=None)
    assert tuple(windows.columns) == WINDOW_COLUMNS
    assert dict(zip(windows["window"], windows["sequence"], strict=True)) == {
        "yak:train:p1": "GGACU",
        "yak:train:p2": "GGACA",
        "yak:train:p3": "GGACU",
        "yak:train:n1": "AAACA",
        "yak:train:n2": "AAACU",
        "yak:train:p4": "UUACU",
        "yak:test:p1": "GAACU",
        "yak:test:n1": "CCACC",
        "yak:test:p2": "GAACA",
    }
    assert windows["label"].tolist() == [1, 1, 1, 0, 0, 1, 1, 0, 1]
    assert windows["given"].tolist() == ["train"] * 6 + ["test"] * 3
    assert set(windows["species"]) == {"yak"}
    assert windows.index.tolist() == list(range(9))


def test_drops_are_counted_under_the_name_of_each_file(files):
    _, drops = read_species_windows(files, species="yak", window=None)
    frame = drops.frame()
    kept = frame[frame["reason"] == "kept"]
    assert dict(zip(kept["source"], kept["rows"], strict=True)) == {
        "pos_train.txt": 3,
        "neg_train.txt": 2,
        "pos_more.fa": 1,
        "signed_test.fa": 3,
    }
    noted = frame[frame["reason"] == "note: duplicate sequence, kept"]
    assert noted[["species", "source", "rows"]].to_numpy().tolist() == [["yak", "pos_train.txt", 1]]


def test_an_agreed_width_holds_for_every_file(files):
    assert len(read_species_windows(files, species="yak", window=5)[0]) == 9
    with pytest.raises(InputError, match=r"pos_train.txt:1: the window has 5 nt and should have 7"):
        read_species_windows(files, species="yak", window=7)
    files[2]["file"].write_text(">a\nUUACUU\n")
    with pytest.raises(InputError, match=r"pos_more.fa:1: the window has 6 nt and should have 5"):
        read_species_windows(files, species="yak", window=5)


@pytest.mark.parametrize(
    ("chosen", "said"), [([0, 2], "yak has 4 modified windows and no unmodified"), ([1], "2 unmodified windows")]
)
def test_windows_of_one_label_are_refused(files, chosen, said):
    with pytest.raises(InputError, match=said):
        read_species_windows([files[index] for index in chosen], species="yak", window=None)


def test_a_label_that_the_format_states_is_not_given_again(files):
    files[3]["label"] = 1
    with pytest.raises(InputError, match="leave label out"):
        read_species_windows(files, species="yak", window=None)
