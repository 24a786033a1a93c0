"""bedMethyl and bedRMod as site tables, and what tells them from BED."""

from __future__ import annotations

from functools import partial

import pytest

from rnamarks.errors import InputError
from rnamarks.sites.readers import bed, rows

from .small_tables import check_border

PILEUP = "chr1\t{0}\t{1}\t{2}\t{3}\t{4}\t{0}\t{1}\t255,0,0\t{3}\t{5}"
COUNTS = "\t17\t3\t0\t0\t0\t0\t0"


def pileup(*rows, more=COUNTS):
    return "".join(PILEUP.format(start, start + 1, *row) + more + "\n" for start, *row in rows)


@pytest.mark.parametrize("form", ["bed", "geo_bed"])
@pytest.mark.parametrize("more", [COUNTS, ""])
@pytest.mark.parametrize("blanks", [False, True])
def test_bedmethyl_is_no_bed(read, tmp_path, form, more, blanks):
    text = pileup((100, "a", 20, "+", "0.00"), more=more)
    path = tmp_path / "calls.bed"
    path.write_text(" ".join(text.rstrip("\n").rsplit("\t", len(more.split()) + 1)) + "\n" if blanks else text)
    with pytest.raises(InputError, match=r"list unmodified positions, too .*set the format bedmethyl"):
        read(form, path)


def test_bedrmod_is_no_bed(read, tmp_path):
    path = tmp_path / "calls.bed"
    path.write_text("#fileformat=bedRModv1.8\n" + pileup((100, "m6A", 20, "+", "0"), more=""))
    with pytest.raises(InputError, match="bedMethyl or bedRMod"):
        read("bed", path)


def test_bed12_is_bed(read, tmp_path):
    path = tmp_path / "sites.bed"
    path.write_text("chr1\t100\t101\tx\t0\t+\t100\t101\t0\t1\t1\t0\n")
    assert read("bed", path)[0]["start"].tolist() == [100]


@pytest.mark.parametrize("at_once", [1, 2, 6, 1000])
@pytest.mark.parametrize("blanks", [False, True])
def test_bedmethyl_with_thresholds(read, tmp_path, monkeypatch, blanks, at_once):
    monkeypatch.setattr(bed, "field_blocks", partial(rows.field_blocks, at_once=at_once))
    text = pileup(
        (100, "a", 20, "+", "85.00"),
        (200, "a", 20, "-", "20"),
        (300, "a", 20, "+", "19.99"),
        (400, "a", 9, "+", "100.00"),
        (500, "m", 20, "+", "90.00"),
        (600, "21891,DRACH,2", 10, "+", "50.00"),
    )
    path = tmp_path / "calls.bedmethyl"
    path.write_text(text.replace("255,0,0\t", "255,0,0 ") if blanks else text)
    layout = {"minimum_coverage": 10, "minimum_percentage": 20, "code": "a"}
    frame, counts = read("bedmethyl", path, layout=layout)
    check_border(frame)
    assert frame[["start", "strand"]].to_numpy().tolist() == [[100, "+"], [200, "-"], [600, "+"]]
    assert counts == {
        "another modification": 1,
        "covered by fewer than 10 reads": 1,
        "modified in less than 20 % of the reads": 1,
        "kept": 3,
    }


def test_bedmethyl_of_modkit(read, shared_cases):
    path = shared_cases / "modkit.bedmethyl"
    with pytest.raises(InputError, match="bedMethyl or bedRMod"):
        read("bed", path)
    layout = {"minimum_coverage": 10, "minimum_percentage": 10, "code": "a"}
    assert read("bedmethyl", path, layout=layout)[0]["start"].tolist() == [0, 9, 52]


@pytest.mark.parametrize(
    ("layout", "row", "said"),
    [
        ({}, (100, "a", 20, "+", "1"), "unknown or missing keys"),
        ({"minimum_coverage": 1}, (100, "a", 20, "+", "1"), "unknown or missing keys"),
        ({"minimum_coverage": 1, "minimum_percentage": -1}, (100, "a", 20, "+", "1"), "no number of 0 or more"),
        ({"minimum_coverage": 1, "minimum_percentage": 1}, (100, "x", 20, "+", "1"), "no row is about m6A .*'x'"),
        (
            {"minimum_coverage": 1, "minimum_percentage": 1},
            (100, "m6A", 20, "+", "a"),
            ":1: the percentage is no number",
        ),
        ({"minimum_coverage": 1, "minimum_percentage": 1}, (100, "m6A", 20, "+", "101"), ":1: the percentage is above"),
        ({"minimum_coverage": 1, "minimum_percentage": 1}, (100, "m6A", 20, ".", "50"), ":1: the strand is neither"),
    ],
)
def test_bedmethyl_that_cannot_be_used(read, tmp_path, layout, row, said):
    path = tmp_path / "calls.bed"
    path.write_text(pileup(row))
    with pytest.raises(InputError, match=said):
        read("bedmethyl", path, layout=layout)
