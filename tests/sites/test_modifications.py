from __future__ import annotations

import pytest

from rnamarks.errors import InputError
from rnamarks.sites.modifications import IUPAC, find_modification, load_modifications
from rnamarks.sites.readers.measurements import MODKIT_CODES, SPELLINGS

HEADER = "name\tsymbol\tlabel\tbase\tmotif\tmotif_offset\tchebi\tcolour\tsynonyms"
M6A = "m6A\tm6A\tm6A\tA\tDRACH\t2\t21891\t#882255\tN6-methyladenosine"


@pytest.fixture
def sheet(repository):
    return load_modifications(repository / "config" / "modifications.tsv")


def test_shipped_sheet_holds_the_twelve(sheet):
    assert list(sheet) == ["Am", "Cm", "Gm", "Um", "m1A", "m5C", "m5U", "m6A", "m6Am", "m7G", "Y", "I"]
    assert {name: entry.base for name, entry in sheet.items()} == dict(
        Am="A", Cm="C", Gm="G", Um="U", m1A="A", m5C="C", m5U="U", m6A="A", m6Am="A", m7G="G", Y="U", I="A"
    )
    assert (sheet["m6A"].motif, sheet["m6A"].motif_offset) == ("DRACH", 2)
    assert (sheet["m6Am"].motif, sheet["m6Am"].motif_offset) == ("BCA", 2)
    assert all(entry.base in IUPAC[entry.motif[entry.motif_offset]] for entry in sheet.values())
    assert sheet["Y"].chebi == "17802"
    assert sheet["m6A"].chebi == "21891"
    assert len({entry.colour for entry in sheet.values()}) == 12


def test_names_in_measurements_are_those_of_the_sheet(sheet):
    """Readers of measurements know a model alone, not the sheet, and have its names and codes themselves."""
    assert set(SPELLINGS) <= set(sheet)
    for name, spellings in SPELLINGS.items():
        assert set(spellings) <= sheet[name].names
    assert all(sheet[name].chebi == code for name, code in MODKIT_CODES.items() if code.isdecimal())


def test_synonyms_lead_to_the_short_name(sheet):
    assert find_modification(sheet, "pseudouridine").name == "Y"
    assert find_modification(sheet, "Tm").name == "Um"
    assert find_modification(sheet, "m6A").name == "m6A"
    with pytest.raises(InputError, match=r"'m9Z'.*choose one of Am, Cm"):
        find_modification(sheet, "m9Z")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (M6A.replace("\tA\t", "\tT\t", 1), "the base is malformed"),
        (M6A.replace("DRACH", "DRXCH"), "the motif is malformed"),
        (M6A.replace("DRACH", "drach"), "the motif is malformed"),
        (M6A.replace("\t2\t", "\t5\t"), "outside the motif"),
        (M6A.replace("\t2\t", "\t-1\t"), "the motif_offset is malformed"),
        (M6A.replace("\t2\t", "\t3\t"), "which cannot be A"),
        (M6A.replace("21891", "CHEBI:21891"), "the chebi is malformed"),
        (M6A.replace("#882255", "purple"), "#RRGGBB"),
        (M6A.replace("m6A\t", "\t", 1), "the name is malformed"),
        (M6A + "\textra", "10 fields"),
        (M6A.replace("m6A", "m6B", 1), "m6A has it already"),
    ],
)
def test_wrong_rows_are_named_with_their_line(tmp_path, row, said):
    path = tmp_path / "modifications.tsv"
    path.write_text("\n".join(["# a remark", HEADER, M6A if "m6B" in row else "", row]) + "\n")
    with pytest.raises(InputError, match=said) as caught:
        load_modifications(path)
    assert caught.value.line == 4


def test_crlf_bom_and_missing_last_field_are_taken(tmp_path):
    path = tmp_path / "modifications.tsv"
    path.write_bytes(("\ufeff" + HEADER + "\r\nI\tI\tinosine\tA\tN\t0\t\t#888888\r\n").encode())
    assert load_modifications(path)["I"].synonyms == ()


def test_missing_column_and_empty_sheet(tmp_path):
    path = tmp_path / "modifications.tsv"
    path.write_text("name\tsymbol\tlabel\nm6A\tm6A\tm6A\n")
    with pytest.raises(InputError, match=r":1: the header lacks base, motif"):
        load_modifications(path)
    for text, said in (("", "the sheet is empty"), (HEADER + "\n", "holds no modification")):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            load_modifications(path)
