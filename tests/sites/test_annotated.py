"""Transcripts by the names of genes."""

from __future__ import annotations

import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.sites.annotated import find_named

FRAME = pd.DataFrame(
    {
        "transcript": ["ENST1.4", "ENST2.1", "T3", "T4", "T5"],
        "gene": ["ENSG1.2", "ENSG1.2", "ENSG2.1", "g4", "G4"],
        "gene_name": ["TP53", "TP53", "RP11-34P13.7", "", ""],
    },
    index=[9, 8, 7, 6, 5],
)


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["TP53"], [0, 1]),
        (["tp53", "ENST2"], [0, 1]),
        (["ENST2.9", "ENSG1"], [1, 0]),
        (["RP11-34P13.7", "t3"], [2]),
        (["G4"], [4]),
        (["g4", "G4"], [3, 4]),
        ([], []),
    ],
)
def test_names_of_genes_and_transcripts(names, rows):
    assert find_named(FRAME, names).tolist() == rows


@pytest.mark.parametrize("name", ["", "RP11-34P13", "RP11-34P13.9", "ENSG9"])
def test_a_name_that_nothing_has(name):
    with pytest.raises(InputError, match="no transcript or gene has that name"):
        find_named(FRAME, [name])
