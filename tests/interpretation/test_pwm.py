"""The one motif type: information, trimming, consensus, counting."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.errors import InputError
from rnamarks.interpretation.pwm import PWM, background_of, find_fault, gene_of, logo_rows
from rnamarks.sequences import encode_windows

HALF = [[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 1.0]]


def test_information_in_bits():
    motif = PWM("a", np.array(HALF))
    assert motif.information() == pytest.approx([1, 2, 0, 2])
    assert motif.heights()[0] == pytest.approx([0.5, 0.5, 0, 0])
    # log2(0.5/0.4) of a column that is half A, half C with A and C at 0.4 each
    assert motif.information((0.4, 0.4, 0.1, 0.1))[0] == pytest.approx(np.log2(1.25))


def test_small_sample_correction_is_the_expected_information_of_random_columns():
    generator = np.random.default_rng(1)
    sites = 40
    counts = generator.multinomial(sites, [0.25] * 4, size=4000)
    motif = PWM("random", counts / sites, sites=sites)
    bias = 3 / (2 * np.log(2) * sites)
    assert motif.information().mean() == pytest.approx(bias, rel=0.08)
    assert motif.information(corrected=True) == pytest.approx(np.maximum(motif.information() - bias, 0))
    assert PWM("unknown", np.array(HALF)).information(corrected=True) == pytest.approx([1, 2, 0, 2])


def test_span():
    motif = PWM("a", np.array([[0.25] * 4, *HALF, [0.25] * 4]), sites=9, alternative="GENE")
    assert motif.informative_span(0.5) == (1, 5)
    assert motif.informative_span(3) == (0, 0)


def test_consensus():
    motif = PWM("a", np.array(HALF))
    assert motif.consensus() == "MANU"
    assert PWM("b", np.array([[0.4, 0.1, 0.4, 0.1]])).consensus() == "R"


def test_counting_aligned_windows_leaves_n_out():
    motif = PWM.from_windows("a", encode_windows(["GGACU", "GGACN", "AGACU", "GGACU"]), pseudocount=1)
    assert motif.sites == 4
    assert motif.frequencies[0] == pytest.approx(np.array([2, 1, 4, 1]) / 8)
    assert motif.frequencies[4] == pytest.approx(np.array([1, 1, 1, 4]) / 7)
    assert motif.consensus() == "RGACU"
    assert motif.consensus(0.6) == "GGACU"
    with pytest.raises(InputError, match="pseudocount above 0"):
        PWM.from_counts("a", np.zeros((2, 4)), pseudocount=0)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.empty((0, 4)), "no column"),
        (np.full((3, 5), 0.2), "four columns wide"),
        ([[0.5, 0.5, np.nan, 0]], "not a number"),
        ([[1.2, -0.2, 0, 0]], "negative"),
        ([[0.5, 0.5, 0.5, 0]], "do not sum to 1"),
        ([[0.0, 0.0, 0.0, 0]], "do not sum to 1"),
    ],
)
def test_broken_matrices(matrix, words):
    with pytest.raises(InputError, match=f"motif bad: .*{words}"):
        PWM("bad", np.array(matrix))


def test_rounded_columns_are_normalised_and_kept_from_changes():
    motif = PWM("a", np.array([[0.01, 0.2, 0.39, 0.39], [0.97, 0.01, 0.01, 0.01]]))
    assert motif.frequencies.sum(axis=1) == pytest.approx([1, 1], abs=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        motif.frequencies[0, 0] = 1
    # the edge that ATtRACT reaches
    assert find_fault(np.array([[0.0, 0.2, 0.39, 0.39]])) is None


@pytest.mark.parametrize(
    ("second", "gene"),
    [
        ("A1CF", "A1CF"),
        ("(A1cf)_(RBD_0.92)", "A1cf"),
        ("(a1cf)_(Homo_sapiens)_(RBD_0.85)", "a1cf"),
        ("HNRNPH2:ENSG00000126945:904", "HNRNPH2"),
        ("TRA2A/TRA2B", "TRA2A/TRA2B"),
        ("", ""),
    ],
)
def test_genes_in_second_names(second, gene):
    assert gene_of(second) == gene
    assert PWM("M1", np.array(HALF), alternative=second).label == (gene or "M1")


def test_background():
    background = background_of(encode_windows(["AACGN", "AAUUN"]), pseudocount=0)
    assert background == pytest.approx([0.5, 0.125, 0.125, 0.25])


def test_logo_rows_are_aligned():
    rows = logo_rows(PWM("a", np.array(HALF)), start=-2)
    assert [row["position"] for row in rows] == [-2, -1, 0, 1]
    assert rows[3] == {"position": 1, "A": 0.0, "C": 0.0, "G": 0.0, "U": 2.0}
