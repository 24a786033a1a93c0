"""Sequences are read as RNA whatever they come as, or refused with file, line and value."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.sequences import decode, decode_windows, encode, encode_windows, read_records


@given(st.text("ACGUN"))
def test_encoding_round_trip(text):
    assert decode(encode(text)) == text


@given(st.text("ACGTUacgtuNnRYKM"))
def test_case_t_and_ambiguity_letters(text):
    expected = "".join(letter if letter in "ACGU" else "N" for letter in text.upper().replace("T", "U"))
    assert decode(encode(text)) == expected


def test_windows_of_different_length_are_refused():
    with pytest.raises(InputError, match="window 2 has 3 nt"):
        encode_windows(["ACGU", "ACG"])
    assert decode_windows(encode_windows(["ACGU", "UUNA"])) == ["ACGU", "UUNA"]
    assert encode_windows([]).shape == (0, 0)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "text",
    [
        ">a first\nacgt\nNNAC\n>b\nGGA\n",
        "\ufeff>a first\r\nacgt\r\nNNAC\r\n\r\n>b\r\nGGA",
        "\n\n>a first\nACGUNNAC\n>b\n\nGGA\n",
    ],
    ids=["unix", "bom_crlf_no_last_newline", "blank_lines"],
)
def test_fasta_in_every_dress(tmp_path, text, pack):
    path = tmp_path / "windows"
    path.write_bytes(pack(text.encode()))
    assert [(record.header, record.sequence) for record in read_records(path)] == [
        ("a first", "ACGUNNAC"),
        ("b", "GGA"),
    ]


def test_one_sequence_per_line(tmp_path):
    path = tmp_path / "windows.txt"
    path.write_text("acgt\n\nGGTA\n")
    assert [(record.header, record.sequence, record.line) for record in read_records(path)] == [
        ("", "ACGU", 1),
        ("", "GGUA", 3),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no sequence"),
        (b"\n\n", "holds no sequence"),
        (b">a\n>b\nAC\n", r"windows:1: the record has no sequence \(found 'a'\)"),
        (b">a\nACGT\nMKLE\n", r"windows:3: letter 3 is no nucleotide \(found 'L'\)"),
        (b"\x1f\x8b\x08\x00broken", "gzip"),
        (gzip.compress(b">a\nACGT\n" * 1000)[:-20], "cut off"),
        (b"ACGT\n\xff\xfe\x00", "not UTF-8"),
        (b">a b\nACGT\n>x\x1b[31m b\nACGT\n", r"windows:3: the record has a name that cannot be printed"),
    ],
    ids=["empty", "blank", "no_sequence", "protein", "not_gzip", "truncated", "binary", "control"],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, content, message):
    path = tmp_path / "windows"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_records(path))


def test_codes_are_bytes():
    codes = encode("ACGUN")
    assert codes.dtype == np.uint8
    assert codes.tolist() == [0, 1, 2, 3, 4]
