"""Agreement, correlation and offsets against what a loop over every case finds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from rnamarks.comparison.measures import (
    TOLERANCES,
    Positions,
    correlate_stoichiometry,
    measure_agreement,
    measure_ranking,
    near_sites,
)
from rnamarks.comparison.offsets import REACH, scan_offsets
from rnamarks.sites.coordinates import SPAN
from rnamarks.tasks import Task

M6A = Task("m6A", modification="m6A", base="A", motif="DRACH", motif_offset=2)
COMPLEMENT = dict(zip("ACGT", "UGCA", strict=True))


def positions(n=600, transcripts=6, signal=1.0, seed=0):
    random = np.random.default_rng(seed)
    transcript = np.sort(random.integers(0, transcripts, n))
    start = np.concatenate([np.sort(random.choice(2000, c, replace=False)) for c in np.bincount(transcript)])
    # genes differ in their share of sites: what a null over all positions would take for agreement
    measured = random.random(n) < np.linspace(0.02, 0.5, transcripts)[transcript]
    score = random.normal(size=n) + signal * measured + transcript
    near = near_sites(transcript, start, transcript[measured] * SPAN + start[measured])
    nothing = np.full(n, np.nan)
    return Positions(transcript, transcript, start, score, nothing, measured, random.random(n), near)


def test_near_sites_are_those_of_a_loop():
    made = positions()
    for tolerance in TOLERANCES:
        for at in range(0, len(made), 7):
            same = made.measured & (made.transcript == made.transcript[at])
            distance = np.abs(made.start[same] - made.start[at]).min(initial=10**6)
            assert made.near[tolerance][at] == (distance <= tolerance)


def test_chance_keeps_the_number_of_calls_of_each_transcript():
    """With scores that tell transcripts apart and nothing within them, there is no agreement beyond chance."""
    made = positions(signal=0.0)
    table = measure_agreement(made).set_index("tolerance")
    row = table.loc[0]
    calls = np.zeros(len(made), dtype=bool)
    calls[np.argsort(-made.score)[: made.measured.sum()]] = True
    assert row["agreeing"] == (calls & made.measured).sum()
    random, drawn = np.random.default_rng(1), []
    for _ in range(500):
        dealt = np.zeros(len(made), dtype=bool)
        for transcript in np.unique(made.transcript):
            here = np.flatnonzero(made.transcript == transcript)
            dealt[random.permutation(here)[: calls[here].sum()]] = True
        drawn.append((dealt & made.measured).sum())
    assert row["expected"] == pytest.approx(np.mean(drawn), rel=0.02)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert abs(row["low"] - low) <= 2
    assert abs(row["high"] - high) <= 2
    assert row["p"] > 0.01
    # all positions dealt as one would see a difference between transcripts
    assert row["agreeing"] > 1.3 * calls.sum() * made.measured.mean()
    assert measure_agreement(positions(signal=2.0)).set_index("tolerance").loc[0, "p"] < 0.01


def test_intervals_resample_genes():
    """Copies of every position in the same gene add nothing."""
    made = positions(transcripts=40)
    twice = np.repeat(np.arange(len(made)), 2)
    doubled = made.only(twice)
    one, two = (measure_ranking(each, n=300).set_index("metric") for each in (made, doubled))
    for metric in ("auroc", "auprc"):
        np.testing.assert_allclose(one.loc[metric], two.loc[metric], rtol=0.02)
    value, low, high = correlate_stoichiometry(made, n=300)
    assert value == pytest.approx(spearmanr(made.score, made.stoichiometry)[0])
    assert low < value < high
    np.testing.assert_allclose((value, low, high), correlate_stoichiometry(doubled, n=300), atol=1e-6)


def test_offsets_are_those_of_a_loop():
    random = np.random.default_rng(3)
    genome = "".join(random.choice(list("ACGT"), 3000))
    sites = pd.DataFrame({"chrom": "c", "start": random.integers(0, 3000, 80), "strand": random.choice(["+", "-"], 80)})
    fit = scan_offsets(sites, lambda chrom, start, end: genome[start:end], M6A)

    def read(at, strand, first, last):
        places = [at + step if strand == "+" else at - step for step in range(first, last)]
        letters = [genome[place] if 0 <= place < len(genome) else "N" for place in places]
        return "".join(letter.replace("T", "U") if strand == "+" else COMPLEMENT.get(letter, "N") for letter in letters)

    assert set(fit.table["offset"]) == set(range(-REACH, REACH + 1))
    for row in fit.table.to_dict("records"):
        on_base = in_motif = 0
        for site in sites.to_dict("records"):
            strand = {"+": "-", "-": "+"}[site["strand"]] if row["strand"] == "flipped" else site["strand"]
            along = 1 if row["along"] == "genome" or strand == "+" else -1
            kmer = read(site["start"] + row["offset"] * along, strand, -2, 3)
            on_base += kmer[2] == "A"
            in_motif += all(a in b for a, b in zip(kmer, ("AGU", "AG", "A", "C", "ACU"), strict=True))
        assert (row["on_base"], row["in_motif"]) == (on_base, in_motif)
    assert not fit.table["recommended"].any()
    assert not fit.remedy
    assert "another assembly" in fit.sentence
