"""The one reader of sheets that people write."""

from __future__ import annotations

import gzip
import re

import pytest

from rnamarks.errors import InputError
from rnamarks.sheets import read_sheet

COLUMNS = ("name", "size", "note")
PATTERNS = {"size": (re.compile("[0-9]+"), "write a number")}


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "sheet.tsv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path, line, **settings):
    with pytest.raises(InputError) as caught:
        read_sheet(path, COLUMNS, **settings)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:")
    assert caught.value.remedy
    return str(caught.value)


def test_rows_come_with_their_lines_and_comments_stand_above_the_header_only(write):
    path = write("# made\tby hand\n\nsize\tname\tnote\n 1 \ta\t\n\n#2\tb\t#\n")
    assert read_sheet(path, COLUMNS) == [
        (4, {"size": "1", "name": "a", "note": ""}),
        (6, {"size": "#2", "name": "b", "note": "#"}),
    ]


def test_gzip_carriage_returns_and_a_byte_order_mark_are_taken(write):
    path = write(gzip.compress("\ufeffname\tsize\tnote\r\na\t1\tx\r\n".encode()))
    assert read_sheet(path, COLUMNS, patterns=PATTERNS, unique=COLUMNS) == [
        (2, {"name": "a", "size": "1", "note": "x"})
    ]


def test_a_header_alone_is_a_sheet_without_rows(write):
    assert read_sheet(write("name\tsize\tnote"), COLUMNS) == []
    assert "the sheet is empty; give the columns name, size, note" in refused(write("# nothing\n\n"), None)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name", "the header lacks size, note"),
        ("name\tsize\tnota", "the header lacks note"),
        ("name\tsize\tnote\tcolour", "the header has the unknown column 'colour'"),
        ("name\tsize\tnote\tname", "the header names a column twice"),
        ("name size note", "the header lacks name, size, note"),
    ],
)
def test_another_header_is_refused(write, header, said):
    assert said in refused(write(f"#\n{header}\na\t1\t\n"), 2)


@pytest.mark.parametrize(("row", "fields"), [("a", 1), ("a\t1", 2), ("a\t1\t\t", 4)])
def test_another_number_of_fields_is_refused(write, row, fields):
    path = write(f"name\tsize\tnote\nb\t2\t\n{row}\n")
    assert f"the line has {fields} fields and the header 3" in refused(path, 3)


def test_fields_may_lack_at_the_end_where_it_was_allowed(write):
    path = write("name\tsize\tnote\na\t1\n")
    assert read_sheet(path, COLUMNS, may_lack=["note"]) == [(2, {"name": "a", "size": "1", "note": ""})]
    assert "2 fields" in refused(path, 2, may_lack=["size"])
    assert "1 fields" in refused(write("name\tsize\tnote\na\n"), 2, may_lack=["note"])
    assert "4 fields" in refused(write("name\tsize\tnote\na\t1\t\t\n"), 2, may_lack=["note"])


def test_a_malformed_value_is_shown_with_what_to_do(write):
    path = write("name\tsize\tnote\na\t1\t\nb\t2x\t\n")
    said = refused(path, 3, patterns=PATTERNS)
    assert said == f"{path}:3: the size is malformed (found '2x'); write a number"


def test_a_value_that_must_be_unique_comes_once_whatever_its_case(write):
    path = write("name\tsize\tnote\na\t1\tx\nb\t1\tx\nA\t1\tx\n")
    said = refused(path, 4, unique=["name"])
    assert said == f"{path}:4: the name is already in line 2 (found 'A'); give each row its own name"
    assert "the size is already in line 2" in refused(path, 3, unique=["name", "size"])


def test_a_missing_sheet_is_named(tmp_path):
    assert "no such file" in refused(tmp_path / "none.tsv", None)
