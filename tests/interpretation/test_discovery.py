"""Planted motifs are found with the right size of effect; without any, nothing is reported more often than stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.discovery import (
    best_scores,
    contrast,
    discover,
    fisher_log_p,
    kmer_windows,
    log_scores,
    mask_sites,
    read_discovered,
    read_streme,
    write_windows,
)
from rnamarks.interpretation.motif_files import read_motifs, write_meme
from rnamarks.interpretation.pwm import PWM
from rnamarks.sequences import UNKNOWN, decode_windows, encode, encode_windows, read_records
from rnamarks.tables import write_tsv


def random_windows(generator, n, width=61):
    return generator.integers(0, 4, (n, width)).astype(np.uint8)


def plant(codes, word, share, generator):
    codes, letters = codes.copy(), encode(word)
    for row in np.flatnonzero(generator.random(len(codes)) < share):
        at = generator.integers(0, codes.shape[1] - len(letters))
        codes[row, at : at + len(letters)] = letters
    return codes


@pytest.fixture(scope="module")
def planted():
    generator = np.random.default_rng(1)
    foreground = plant(random_windows(generator, 400), "UGUAAC", 0.4, generator)
    return plant(foreground, "GGACU", 0.5, generator), random_windows(generator, 1200)


def test_log_p_is_fishers():
    cases = np.array([(5, 3, 20, 100), (20, 0, 20, 100), (160, 20, 400, 4000), (300, 200, 400, 4000), (1, 0, 1, 1)])
    for hits, control, n, n_control in cases:
        wanted = fisher_exact([[hits, control], [n - hits, n_control - control]], alternative="greater")[1]
        assert fisher_log_p(hits, control, n, n_control)[0] == pytest.approx(np.log(wanted), rel=1e-9)
    assert fisher_log_p([3, 0], [3, 9], 10, 10).tolist() == [0, 0]


def test_words_count_once_per_window():
    codes = encode_windows(["GGACGGAC", "NGACNNNN", "UUUUUUUU"])
    counts = kmer_windows(codes, 3)
    assert counts[encode("GAC") @ [16, 4, 1]] == 2
    assert counts[encode("UUU") @ [16, 4, 1]] == 1
    assert counts.sum() == 4 + 1 + 1


def test_planted_motifs_are_found_in_order_of_evidence(planted):
    found = discover(*planted, seed=3)
    assert list(found.table.columns) == column_names("motif_discovered", first="motif", last="information")
    consensus = [motif.consensus() for motif in found.motifs]
    assert len(found.motifs) == 2
    assert "GGAC" in "".join(consensus)
    assert "UGUAA" in "".join(consensus)
    reported = found.table[found.table["reported"]]
    assert (reported["p"] < 1e-6).all()
    assert (reported["low"] > 1.5).all()
    assert (reported["low"] < reported["enrichment"]).all()
    assert (reported["enrichment"] < reported["high"]).all()
    assert reported[["n_foreground", "n_control"]].drop_duplicates().to_numpy().tolist() == [[160, 480]]
    # the motif at which the search stopped
    assert len(found.table) in (2, 3)
    assert not found.table["reported"].iloc[2:].any()


def test_same_seed_same_result(planted):
    foreground, control = (codes[:150] for codes in planted)
    one, two = (discover(foreground, control, seed=5, widths=(5,)) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_only_the_same_strand_counts():
    generator = np.random.default_rng(2)
    foreground = plant(random_windows(generator, 200), "GGACUG", 0.6, generator)
    found = discover(foreground, random_windows(generator, 400), widths=(6,), maximum=2)
    assert "GGACU" in found.motifs[0].consensus()
    assert not [motif for motif in found.motifs if "AGUC" in motif.consensus()]


def test_shares_are_those_of_windows_held_out(planted):
    """The enrichment of the held-out split is free of the choice of the best motif."""
    foreground, control = planted
    row = discover(foreground, control, widths=(5,), maximum=1).table.iloc[0]
    expected = 1 - (1 - 4**-5) ** 57
    assert row["fraction_control"] == pytest.approx(expected, abs=0.12)
    assert row["fraction_foreground"] == pytest.approx(0.5, abs=0.15)


def test_nothing_is_found_where_there_is_nothing():
    """Labels dealt out at random: at most the stated 5 % of runs report something (8 % is beyond chance at 200)."""
    runs = 200
    reported = 0
    for seed in range(runs):
        codes = random_windows(np.random.default_rng([7, seed]), 240, 41)
        found = discover(codes[:120], codes[120:], widths=(4, 5), maximum=1, seed=seed)
        reported += bool(found.motifs)
    assert reported / runs <= 0.08


def test_groups_are_held_out_together():
    generator = np.random.default_rng(4)
    # the same window many times: without groups its copies fall on both sides and any word of it is enriched
    copies = np.repeat(random_windows(generator, 4, 41), 30, axis=0)
    control = random_windows(generator, 200, 41)
    loose = discover(copies, control, widths=(5,), maximum=1, seed=1)
    groups = (np.repeat([f"g{at}" for at in range(4)], 30), np.array([f"c{at}" for at in range(200)]))
    kept = discover(copies, control, widths=(5,), maximum=1, seed=1, groups=groups)
    assert loose.table["p"][0] < 1e-10
    assert kept.table["p"][0] > 1e-3
    assert kept.table["n_foreground"][0] % 30 == 0


def test_masking_and_scores_respect_n():
    codes = encode_windows(["AAGGACUAA", "AAGGNCUAA"])
    scores = log_scores(PWM.from_windows("a", encode_windows(["GGACU"] * 9)).frequencies, codes)
    best = best_scores(codes, scores)
    assert best[0] > 5
    assert best[1] == -np.inf
    masked = mask_sites(codes, scores, float(best[0]))
    assert decode_windows(masked) == ["AANNNNNAA", "AAGGNCUAA"]
    assert codes.max() == UNKNOWN
    assert decode_windows(codes)[0] == "AAGGACUAA"


def test_motifs_and_tables_are_read_back(planted, tmp_path):
    found = discover(planted[0][:200], planted[1][:400], widths=(5,), maximum=2)
    write_meme(found.motifs, tmp_path / "d.meme")
    back = read_motifs(tmp_path / "d.meme").motifs
    assert [(motif.name, motif.label) for motif in back] == [(m.name, m.consensus()) for m in found.motifs]
    write_tsv(found.table.assign(task="human"), tmp_path / "d.tsv")
    write_tsv(found.table.iloc[:0].assign(task="none"), tmp_path / "n.tsv")
    table = read_discovered([tmp_path / "d.tsv", tmp_path / "n.tsv"])
    assert list(table.columns) == ["task", *column_names("motif_discovered", first="motif", last="information")]
    assert len(table) == len(found.table)
    assert read_discovered([tmp_path / "n.tsv"]).empty


STREME = """********************************************************************************
STREME - Sensitive, Thorough, Rapid, Enriched Motif Elicitation
********************************************************************************
MEME version {version} (Release date: Thu Sep 14 08:48:04 2023 +1000)

For further information on how to interpret these results please access https://meme-suite.org.
To get a copy of the MEME Suite software please access https://meme-suite.org.

********************************************************************************


********************************************************************************
REFERENCE
********************************************************************************
If you use this program in your research, please cite:

Timothy L. Bailey,
"STREME: accurate and versatile sequence motif discovery",
Bioinformatics, Mar. 24, 2021.
********************************************************************************


ALPHABET= ACGU

strands: +

Background letter frequencies
A 0.25 C 0.25 G 0.25 U 0.25

MOTIF 1-GGACU STREME-1
letter-probability matrix: alength= 4 w= 5 nsites= 87 {first}
 0.010000 0.010000 0.970000 0.010000
 0.010000 0.010000 0.970000 0.010000
 0.970000 0.010000 0.010000 0.010000
 0.010000 0.970000 0.010000 0.010000
 0.010000 0.010000 0.010000 0.970000

MOTIF 2-CCCAA STREME-2
letter-probability matrix: alength= 4 w= 5 nsites= 12 {second}
 0.010000 0.970000 0.010000 0.010000
 0.010000 0.970000 0.010000 0.010000
 0.010000 0.970000 0.010000 0.010000
 0.970000 0.010000 0.010000 0.010000
 0.970000 0.010000 0.010000 0.010000

********************************************************************************
Stopped because 3 consecutive motifs exceeded the p-value threshold (0.05).
********************************************************************************
COMMAND:\tstreme --rna --text --seed 1 --minw 5 --maxw 8 --thresh 0.05 --hofract 0.4 --p sites.fa --n others.fa
********************************************************************************
CPU:\t\tnode
********************************************************************************
FINALTIME:\t0.07 seconds
********************************************************************************
"""
"""As the program writes it, layout and all. Where windows were held out old versions write P=, later ones E=,
the p-value times the motifs; where none were, S= of all windows."""


@pytest.mark.parametrize(
    ("version", "first", "second"),
    [
        ("5.3.3", "P= 1.2e-010", "P= 2.1e-001"),
        ("5.4.1", "S= 1.2e-010", "S= 2.1e-001"),
        ("5.5.5", "E= 2.4e-010", "E= 4.2e-001"),
    ],
)
def test_motifs_of_streme_take_the_form_of_our_own(planted, tmp_path, version, first, second):
    text = STREME.format(version=version, first=first, second=second)
    (tmp_path / "streme.txt").write_text(text)
    found = read_streme(tmp_path / "streme.txt", *planted, source="human")
    assert list(found.table.columns) == column_names("motif_discovered", first="motif", last="information")
    assert found.table["motif"].tolist() == ["motif1", "motif2"]
    assert found.table["reported"].tolist() == [True, False]
    assert found.table["p"].tolist() == pytest.approx([1.2e-10, 0.21])
    (motif,) = found.motifs
    assert (motif.label, motif.sites, motif.source) == ("GGACU", 87, "human")
    best = found.table.iloc[0]
    assert best["fraction_foreground"] > best["fraction_control"]
    assert best["low"] > 1
    assert best["n_foreground"] == len(planted[0])
    (tmp_path / "streme.txt").write_text(text.replace(first, ""))
    with pytest.raises(InputError, match=r"streme.txt:\d+: motif 1-GGACU: the header has no p-value"):
        read_streme(tmp_path / "streme.txt", *planted)


def test_contrast_of_a_split(tmp_path):
    frame = pd.DataFrame(
        {
            "window": ["a", "b", "c", "d"],
            "sequence": ["AAA", "CCC", "GGG", "UUN"],
            "label": [1, 0, 1, 0],
            "gene": ["g1", "g1", "", "g2"],
            "paper": ["train", "test", "test", ""],
        }
    )
    found = contrast(frame, "paper", ["train", "test"])
    assert decode_windows(found.foreground) == ["AAA", "GGG"]
    assert decode_windows(found.control) == ["CCC"]
    assert [group.tolist() for group in found.groups] == [["g1", "window c"], ["g1"]]
    assert contrast(frame.assign(gene=""), "paper", ["train", "test"]).groups is None
    with pytest.raises(InputError, match="paper scheme has no other window"):
        contrast(frame, "paper", ["train"])
    write_windows(found.foreground, tmp_path / "p.fa")
    assert [record.sequence for record in read_records(tmp_path / "p.fa")] == ["AAA", "GGG"]


def test_faults(planted):
    foreground, control = planted
    with pytest.raises(InputError, match="missing"):
        discover(foreground[:0], control)
    with pytest.raises(InputError, match="differ in width"):
        discover(foreground, control[:, :50])
    with pytest.raises(InputError, match="3 to 10 nt"):
        discover(foreground, control, widths=(5, 12))
    with pytest.raises(InputError, match="fewer than five windows"):
        discover(foreground[:8], control)


def test_real_fragments_with_a_site_give_its_motif(shared_data):
    """Human 101-nt fragments, with and without an m6A site anywhere in them: DRACH comes first."""
    codes = []
    for kind in ("pos", "neg"):
        records = read_records(shared_data / "m6a" / "deepm6aseq" / f"hs_{kind}_test.txt.gz")
        codes.append(encode_windows([record.sequence for _, record in zip(range(1500), records, strict=False)]))
    found = discover(*codes, widths=(5, 6), maximum=1)
    assert "AC" in found.motifs[0].consensus()
    assert found.motifs[0].consensus(0.3).startswith(("D", "R", "N", "G", "K", "V"))
    assert found.table["p"][0] < 1e-10
    assert found.table["low"][0] > 1.3
