"""What matches, what must not, and what is said of it."""

from __future__ import annotations

import logging

import pytest

from rnamarks.biology.identifiers import match_ids, without_version
from rnamarks.errors import InputError


def test_ways_in_their_order(caplog):
    known = ["ENSG00000000001.5", "TP53", "tp53", "Actb", "NM_000546.6"]
    wanted = ["ENSG00000000001.9", "tp53", "ACTB", "nm_000546", "none", " TP53 ", "ACTB", ""]
    with caplog.at_level(logging.INFO, logger="rnamarks.biology.identifiers"):
        found = match_ids(wanted, known, what="genes of a table")
    assert found.tolist() == ["ENSG00000000001.5", "tp53", "Actb", "NM_000546.6", "", "TP53", "Actb", ""]
    assert found.index.tolist() == wanted
    assert found.attrs == {
        "matched": 5,
        "wanted": 6,
        "fraction": 5 / 6,
        "how": {"as written": 2, "without version": 1, "in upper case": 1, "without version, in upper case": 1},
    }
    assert "genes of a table: 5 of 6 matched (83.3 %)" in caplog.text


def test_only_versions_are_taken_for_versions():
    assert without_version("SIMHUMANG00000100007.1") == "SIMHUMANG00000100007"
    for name in ("AC004019.1", "F31C3.7", "AT1G01010.1", "H3.3", "ENSG00000000001"):
        assert without_version(name) == name
    assert match_ids(["AC004019.2"], ["AC004019.1"], what="genes", minimum=0).tolist() == [""]


def test_names_like_missing_values_are_names():
    assert match_ids(["nan", "NA", "None"], ["NA", "None", "nan"], what="genes").tolist() == ["nan", "NA", "None"]


def test_what_could_be_two_is_none():
    known = ["ENSG00000000001.5", "ENSG00000000001.6", "Abc", "aBC"]
    assert match_ids(["ENSG00000000001", "ABC", "aBC"], known, what="genes", minimum=0).tolist() == ["", "", "aBC"]


def test_few_matches_are_an_error_with_examples_of_both_sides():
    with pytest.raises(
        InputError, match=r"only 1 of 3 genes matched \(33\.3%.*such as 7157, 672; known are such as TP53"
    ):
        match_ids(["7157", "672", "TP53"], ["TP53", "BRCA1"], what="genes", path="expression.tsv")
    found = match_ids(["7157", "672", "TP53"], ["TP53", "BRCA1"], what="genes", minimum=0)
    assert found.tolist() == ["", "", "TP53"]
    assert match_ids(["7157", "672", "TP53"], ["TP53"], what="genes", minimum=0.3).tolist() == ["", "", "TP53"]
    with pytest.raises(InputError, match="0 of 0"):
        match_ids([], ["TP53"], what="genes")
