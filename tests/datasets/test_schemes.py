"""Schemes by chromosome, and windows kept apart from transcripts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.datasets.schemes import sharing, split_windows
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError


def rna(generator: np.random.Generator, n: int) -> str:
    return "".join(generator.choice(list("ACGU"), n))


@pytest.fixture(scope="module")
def windows() -> pd.DataFrame:
    """Sites of genes on three chromosomes, one gene of two chromosomes, and windows that came without places."""
    generator = np.random.default_rng(3)
    rows = []
    for gene in range(60):
        for site in range(8):
            chrom = f"chr{gene % 3 + 1}" if gene < 59 else f"chr{site % 2 + 1}"
            rows.append(("m6A", f"g{gene}", chrom, 100 * site, int(site == 0), f"t{gene}", rna(generator, 41)))
    rows += [("other", "", "", -1, at % 2, "", rna(generator, 41)) for at in range(200)]
    frame = pd.DataFrame(rows, columns=["task", "gene", "chrom", "genome_start", "label", "transcript", "sequence"])
    # a window that two chromosomes have, and windows that one of them has and came without a place
    frame.loc[frame["chrom"] == "chr2", "sequence"] = frame["sequence"].where(
        frame.index != frame.index[frame["chrom"] == "chr2"][0], frame.loc[frame["chrom"] == "chr1", "sequence"].iloc[0]
    )
    free = frame.index[frame["task"] == "other"]
    frame.loc[free[50:90], "sequence"] = frame.loc[frame["chrom"] == "chr2", "sequence"].iloc[40:80].to_numpy()
    frame["window"] = [f"w{at}" for at in range(len(frame))]
    blank = {"species": "human", "modification": "m6A", "genome_end": -1, "strand": "+", "start": 0, "end": 1}
    blank |= {"region": "cds", "orthogroup": "", "support": 1, "given": ""}
    return frame.assign(**blank)[column_names("windows")]


def test_the_named_chromosomes_are_the_test_split(windows):
    splits, drops, _ = split_windows(windows, seed=1, clustering="none", chromosomes={"one": ["1"], "two": ["chr2"]})
    sites = splits["task"] == "m6A"
    for scheme, held in (("one", "chr1"), ("two", "chr2")):
        test = splits[scheme] == "test"
        assert (splits.loc[sites & test, "chrom"] == held).all()
        assert test[sites & (splits["chrom"] == held)].all()
        trained = splits[splits[scheme].isin(["train", "valid"])]
        assert not set(trained.loc[trained["chrom"] != "", "gene"]) & set(splits.loc[test & sites, "gene"])
        assert not set(trained["sequence"]) & set(splits.loc[test, "sequence"])
        # genes stay together, and each split has its share of sites
        own = trained[trained["gene"] != ""]
        assert (own.groupby("gene")[scheme].nunique() == 1).all()
        assert own.loc[own["label"] == 1, scheme].eq("valid").mean() == pytest.approx(1 / 8, abs=0.05)
        counted = drops[(drops["source"] == scheme) & (drops["subject"] == "m6A")].set_index("reason")["rows"]
        assert counted["of the gene of a test window, or similar to one"] == (splits[scheme] == "")[sites].sum() > 8
        assert counted.sum() == sites.sum()
    alone = ~sites & ~splits["sequence"].isin(set(splits.loc[sites, "sequence"]))
    assert alone.sum() == 160
    assert (splits.loc[alone, "one"] == splits.loc[alone, "guarded"]).all()


@pytest.mark.parametrize(
    ("held", "says"), [(["chr9"], "without windows"), (["chr1", "chr2", "chr3"], "no chromosome to train on")]
)
def test_chromosomes_that_cannot_be_held_out(windows, held, says):
    with pytest.raises(InputError, match=says):
        split_windows(windows, clustering="none", chromosomes={"x": held})


def test_windows_that_share_a_stretch_with_transcripts_leave_training(windows):
    free = windows[windows["task"] == "other"]
    generator = np.random.default_rng(8)
    inside, shorter = free["sequence"].iloc[10], free["sequence"].iloc[20]
    texts = [rna(generator, 300) + inside[5:35] + rna(generator, 50), "G" + shorter[3:28] + "C" * 60, "ACGU"]
    found = sharing(free["sequence"].tolist(), texts, 28)
    assert np.flatnonzero(found).tolist() == [10]
    splits, drops, _ = split_windows(
        windows, seed=1, clustering="none", chromosomes={"one": ["chr1"]}, apart=({"human": texts}, 28)
    )
    plain, _, _ = split_windows(windows, seed=1, clustering="none", chromosomes={"one": ["chr1"]})
    for scheme in ("paper", "guarded", "one"):
        left = plain.index[(plain[scheme] != splits[scheme])]
        trained = plain.loc[free.index[10], scheme] in ("train", "valid")
        assert left.tolist() == [free.index[10]] * trained
        rows = drops[(drops["source"] == scheme) & drops["reason"].str.startswith("shares 28 nt")]
        assert rows["rows"].sum() == trained
        everything = drops[(drops["source"] == scheme) & (drops["subject"] == "other")]["rows"].sum()
        assert everything == len(free)
    assert not sharing(["ACGU"], texts, 28).any()
