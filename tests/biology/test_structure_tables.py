"""PARS scores: forms of the file, scores from reads, scores at sites, classes."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.structure_tables import classify, open_scores, pair_scores, read_scores, scores_at
from rnamarks.errors import InputError


@pytest.fixture
def write(tmp_path):
    def to(text, name="pars.tsv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return to


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("T1\t3\t0.5;-1;0\nT2\t2\t1;2\n", "a.tsv"),
        ("T1\t0.5;-1;0\nT2\t1;2;\n", "b.tab"),
        ("\ufeffT1\t3\t0.5;-1;0\r\n\r\nT2\t2\t1;2\r\n", "c.tsv.gz"),
    ],
    ids=["with length", "without length", "CRLF, BOM, gzip"],
)
def test_both_forms_are_read(write, text, name):
    found = dict(read_scores(write(text, name)))
    assert {key: value.tolist() for key, value in found.items()} == {"T1": [0.5, -1, 0], "T2": [1, 2]}


def test_gaps_are_nan_and_faults_are_named(write):
    assert np.isnan(next(read_scores(write("T\t3\t1;NA;\n")))[1][1])
    for text, message in (
        ("", "holds no transcript"),
        ("T1 3 1;2;3\n", "pars.tsv:1: the line is no transcript"),
        ("T\t3\t1;2;3\nU\t4\t1;2;3\n", "pars.tsv:2: the transcript has 3 scores and states another length"),
        ("T\t3\t1;two;3\n", "score 2 of the transcript is no number .found 'two'"),
    ):
        with pytest.raises(InputError, match=message):
            list(read_scores(write(text)))


def test_scores_from_reads_are_log_ratios_of_smoothed_tracks(write):
    v1 = write("T\t10;0;0;0;0;0;0\nU\t3;3;3\nonly\t1\n", "v1.tab")
    s1 = write("U\t3;3;3\nT\t0;0;0;0;0;0;10\n", "s1.tab")
    found = dict(pair_scores(v1, s1))
    depth = [20 / 11, 19 / 10]
    first = np.log2((10 / depth[0] + 5) / 5)
    third = np.log2((2 / depth[0] + 5) / 5)
    assert set(found) == {"T", "U"}
    assert found["T"][[0, 2]] == pytest.approx([first, third])
    assert found["T"][-1] < 0
    assert np.isnan(found["T"][3]), "no read of either enzyme within 5 nt"
    assert found["U"] == pytest.approx(np.log2((3 / depth[0] + 5) / (3 / depth[1] + 5)))


def test_tracks_that_do_not_belong_together_are_named(write):
    v1 = write("T\t1;2;3\n", "v1.tab")
    with pytest.raises(InputError, match="3 nt in one track and 2 in the other"):
        list(pair_scores(v1, write("T\t1;2\n", "s1.tab")))
    with pytest.raises(InputError, match="no transcript is in both tracks"):
        list(pair_scores(v1, write("U\t1;2\n", "s1.tab")))
    with pytest.raises(InputError, match="holds no read"):
        list(pair_scores(v1, write("T\t0;0;0\n", "s1.tab")))
    with pytest.raises(InputError, match="pars_pair needs 2 files"):
        open_scores([v1], "pars_pair")
    with pytest.raises(InputError, match="choose one of pars, pars_pair"):
        open_scores([v1], "shape")


SITES = pd.DataFrame(
    {
        "sequence": ["ENST00000000001.1", "B", "ENST00000000001.1", "C", "D"],
        "start": [2, 0, 0, 1, 1],
        "length": [3, 2, 3, 5, 2],
    }
)


def test_scores_reach_their_sites_whatever_the_order_and_version():
    stream = [
        ("B", np.array([7.0, 8])),
        ("Z", np.zeros(4)),
        ("ENST00000000001.2", np.array([1.0, 2, 3])),
        ("C", np.ones(4)),
    ]
    stream += [("D", np.array([0.5, 0])), ("B", np.array([9.0, 9]))]
    found = scores_at(SITES, stream)
    assert found.score[:3].tolist() == [3, 7, 1]
    assert np.isnan(found.score[3:]).all(), "C has another length, the score 0 of D is a gap"
    assert found.counts == {
        "transcripts in the file": 6,
        "not scored here": 1,
        "of another length": 1,
        "further lines of a transcript": 1,
        "transcripts used": 3,
        "sites": 5,
        "sites with a score": 3,
        "wanted": 4,
        "matched": 4,
    }


def test_transcripts_of_another_naming_are_an_error_unless_allowed():
    stream = [(f"NM_{number}", np.zeros(3)) for number in range(9)]
    with pytest.raises(InputError, match="only 0 of 4 transcripts of the structure table matched"):
        scores_at(SITES, stream, path="pars.tsv")
    assert np.isnan(scores_at(SITES, stream, minimum=0).score).all()


def test_classes_have_their_bounds():
    scores = np.array([-3, -1, -0.99, 0, 0.99, 1, 4, np.nan])
    assert classify(scores).tolist() == ["SS", "SS", "poised", "poised", "poised", "DS", "DS", ""]
