"""Motifs in IUPAC letters."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.sequences import encode
from rnamarks.sites import motifs as motifs_module
from rnamarks.sites.modifications import IUPAC
from rnamarks.sites.motifs import bases_at_offset, find_motif


def by_regex(text: str, motif: str, offset: int) -> list[int]:
    pattern = "".join(f"[{IUPAC[letter]}]" for letter in motif.replace("T", "U"))
    return [match.start() + offset for match in re.finditer(f"(?={pattern})", text)]


@settings(max_examples=300, deadline=None)
@given(st.text("ACGUN", max_size=60), st.text("ACGUTRYSWKMBDHVN", min_size=1, max_size=9), st.data())
def test_equals_a_regular_expression(text, motif, data):
    offset = data.draw(st.integers(0, len(motif) - 1))
    assert find_motif(encode(text), motif, offset).tolist() == by_regex(text, motif, offset)


def test_blocks_do_not_matter(monkeypatch):
    text = "".join(np.random.default_rng(1).choice(list("ACGUN"), 5000, p=[0.3, 0.25, 0.2, 0.2, 0.05]))
    for block in (1, 7, 64, 4999, 5000):
        monkeypatch.setattr(motifs_module, "_BLOCK", block)
        assert find_motif(encode(text), "DRACH", 2).tolist() == by_regex(text, "DRACH", 2)


def test_every_drach():
    words = [first + second + "AC" + last for first in "AGU" for second in "AG" for last in "ACU"]
    found = find_motif(encode("N".join(words)), "DRACH", 2)
    assert found.tolist() == [6 * number + 2 for number in range(len(words))]


@pytest.mark.parametrize("text", ["", "GGAC", "GGNCU", "GGACN", "NGACU", "GGACG"])
def test_no_match_at_ends_and_unknown_letters(text):
    assert not len(find_motif(encode(text), "DRACH", 2))


def test_lower_case_and_thymine():
    assert find_motif(encode("ggactTTT"), "drach", 2).tolist() == [2]
    assert find_motif(encode("UUGUA"), "TTGTA").tolist() == [0]


def test_bases():
    assert bases_at_offset("DRACH", 0) == "AGU"
    assert bases_at_offset("DRACH", 2) == "A"


@pytest.mark.parametrize(
    ("motif", "offset", "says"),
    [("", 0, "empty"), ("DRAXH", 2, "IUPAC"), ("DRACH", 5, "outside"), ("A", -1, "outside")],
)
def test_a_bad_motif(motif, offset, says):
    with pytest.raises(InputError, match=says):
        find_motif(encode("ACGU"), motif, offset)
