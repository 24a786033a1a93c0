"""Bins, intervals and tests on planted landscapes and on none, and real sites against other motif positions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from rnamarks.biology.candidates import (
    CALLS,
    Candidates,
    call_measured,
    coding_transcripts,
    read_candidates,
    read_exons,
)
from rnamarks.biology.landscape import make_axes, measure_landscape, metagene_bin, stop_distance
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.files import open_text
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.coordinates import TranscriptMap
from rnamarks.sites.drops import Drops
from rnamarks.tables import read_tsv, write_parquet


def one_transcript(**changes):
    row = {"transcript": "T", "gene": "G", "length": 300, "cds_start": 30, "cds_end": 150} | changes
    return pd.DataFrame([row])


def test_each_nucleotide_has_its_bin():
    table = one_transcript()
    axes = make_axes([table], bins=30, stop_bin=50)
    assert axes.widths == pytest.approx((0.1, 0.4, 0.5))
    assert axes.bins == (3, 12, 15)
    assert axes.metagene_edges[[0, 3, 15, 30]] == pytest.approx([0, 0.1, 0.5, 1])
    position = np.arange(300)
    place = metagene_bin(table, np.zeros(300, dtype=int), position, axes)
    assert (place == position // 10).all()


def test_regions_shorter_than_their_bins_and_empty_ones():
    table = pd.concat(
        [
            one_transcript(cds_start=0, cds_end=300),
            one_transcript(transcript="U", gene="H", length=6, cds_start=1, cds_end=4),
        ]
    ).reset_index(drop=True)
    axes = make_axes([table], bins=60)
    whole = metagene_bin(table, np.zeros(300, dtype=int), np.arange(300), axes)
    assert whole.min() >= axes.bins[0]
    assert whole.max() < sum(axes.bins[:2])
    tiny = metagene_bin(table, np.ones(6, dtype=int), np.arange(6), axes)
    assert (np.diff(tiny) > 0).all()
    assert tiny[0] < axes.bins[0] <= tiny[1]
    assert tiny[3] < sum(axes.bins[:2]) <= tiny[4] < sum(axes.bins)


def test_distance_counts_from_the_first_nucleotide_of_the_stop_codon():
    assert stop_distance(one_transcript(), np.zeros(3, dtype=int), np.array([146, 147, 150])).tolist() == [-1, 0, 3]


def test_values_are_those_of_a_count_by_hand():
    table = one_transcript()
    position = np.array([0, 5, 140, 145, 147, 155, 299])
    called = np.array([False, False, False, True, True, True, False])
    axes = make_axes([table], bins=30, stop_bin=50)
    landscape, statistics = measure_landscape(table, {"m": Candidates(np.zeros(7, dtype=int), position, called)}, axes)
    assert list(landscape.columns) == column_names("landscape", task_columns=False)
    assert list(statistics.columns) == column_names("landscape_statistics", task_columns=False)
    stop = landscape[landscape["axis"] == "stop"].set_index(["quantity", "from"])
    assert stop.loc["rate", "value"].loc[[-50, 0]].tolist() == [0.5, 1.0]
    assert np.isnan(stop.loc["rate", "value"].loc[-100])
    assert stop.loc["density", "value"].loc[-100:50].tolist() == pytest.approx([0, 40 / 3, 80 / 3, 0])
    meta = landscape[(landscape["axis"] == "metagene") & (landscape["quantity"] == "density")].set_index("bin")
    assert meta["value"].loc[[14, 15]].tolist() == pytest.approx([20, 10])
    assert meta["region"].loc[[0, 3, 15]].tolist() == ["utr5", "cds", "utr3"]
    row = statistics.iloc[0]
    assert (row["median_called"], row["median_other"]) == (2, (142 + 147) / 2)
    assert row["nearer"] == pytest.approx(1 - 1 / 12)
    test = mannwhitneyu([2, 0, 8], [147, 142, 7, 152], method="asymptotic")
    assert row["p"] == pytest.approx(test.pvalue)
    assert row["delta"] == pytest.approx(2 * test.statistic / 12 - 1)
    assert np.isnan(row["low"]), "one gene cannot be resampled"
    assert (row["peak_from"], row["peak_to"]) == (0, 50)


def test_planted_landscape_is_recovered(made):
    table, calls = made.calls(strength=3.0)
    landscape, statistics = measure_landscape(table, {"m": calls}, make_axes([table]), resamples=300)
    row = statistics.iloc[0]
    assert row["low"] < row["difference"] < row["high"] < 0
    assert row["delta_low"] < row["delta"] < row["delta_high"] < 0
    assert 0.5 < row["nearer_low"] < row["nearer"] < row["nearer_high"]
    assert -150 <= row["peak_from"] < row["peak_to"] <= 150
    rate = landscape[(landscape["axis"] == "stop") & (landscape["quantity"] == "rate")].set_index("from")
    assert rate.at[0, "low"] > rate.loc[-1000:-500, "value"].mean()
    assert (rate["low"] <= rate["value"]).all()
    assert (rate["value"] <= rate["high"]).all()


def test_no_landscape_is_flat(made):
    table, calls = made.calls(strength=0.0, seed=4)
    landscape, statistics = measure_landscape(table, {"m": calls}, make_axes([table], bins=20), resamples=300)
    row = statistics.iloc[0]
    assert row["low"] < 0 < row["high"]
    assert row["nearer_low"] < 0.5 < row["nearer_high"]
    rate = landscape[(landscape["axis"] == "metagene") & (landscape["quantity"] == "rate")]
    overall = calls.called.mean()
    covered = (rate["low"] <= overall) & (overall <= rate["high"])
    assert covered.mean() >= 0.8


@pytest.mark.slow
def test_error_rate_without_a_landscape(made):
    rejected, outside = 0, 0
    for seed in range(200):
        table, calls = made.calls(genes=40, strength=0.0, seed=1000 + seed, per_gene=25)
        axes = make_axes([table], bins=9, stop_bin=500)
        _, statistics = measure_landscape(table, {"m": calls}, axes, resamples=150, seed=seed)
        rejected += statistics["p"].iloc[0] < 0.05
        outside += not statistics["nearer_low"].iloc[0] < 0.5 < statistics["nearer_high"].iloc[0]
    assert 4 <= rejected <= 16
    assert 4 <= outside <= 20


def test_same_seed_same_table_and_predictors_do_not_touch(made):
    table, calls = made.calls(genes=20)
    axes = make_axes([table])
    alone = measure_landscape(table, {"a": calls}, axes, resamples=50, seed=3)[0]
    none = calls._replace(called=np.zeros_like(calls.called))
    both = measure_landscape(table, {"none": none, "a": calls}, axes, resamples=50, seed=3)[0]
    pd.testing.assert_frame_equal(alone, both[both["predictor"] == "a"].reset_index(drop=True))
    assert not alone.equals(measure_landscape(table, {"a": calls}, axes, resamples=50, seed=4)[0])


def test_no_call_and_no_coding_sequence(made):
    table, calls = made.calls(genes=5)
    none = calls._replace(called=np.zeros_like(calls.called))
    landscape, statistics = measure_landscape(table, {"m": none}, make_axes([table]), resamples=20)
    assert statistics[["genes", "called", "candidates"]].iloc[0].tolist() == [5, 0, 200]
    assert statistics[["difference", "p", "peak_from"]].isna().all(axis=None)
    assert landscape.loc[landscape["quantity"] == "density", "value"].isna().all()
    empty = coding_transcripts(table.assign(cds_start=-1, cds_end=-1))
    nothing = Candidates(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    landscape, statistics = measure_landscape(empty, {"m": nothing}, make_axes([empty]), resamples=20)
    assert statistics[["genes", "called", "candidates"]].iloc[0].tolist() == [0, 0, 0]
    assert landscape["value"].isna().all()


def test_genes_are_resampled_whole_with_all_their_transcripts():
    table = pd.DataFrame(
        {"transcript": list("abcd"), "gene": ["G", "G", "H", "H"], "length": 300, "cds_start": 30, "cds_end": 150}
    )
    transcript = np.repeat(np.arange(4), 4)
    position = np.tile([100, 140, 150, 290], 4)
    called = np.tile([False, True, True, False], 4) & (transcript < 2)
    _, statistics = measure_landscape(
        table, {"m": Candidates(transcript, position, called)}, make_axes([table]), resamples=50
    )
    assert statistics["genes"].iloc[0] == 2
    assert statistics["called"].iloc[0] == 4


def test_one_transcript_stands_for_a_gene():
    table = pd.DataFrame(
        {
            "transcript": ["a", "b", "c", "d", "e", "f"],
            "gene": ["G", "G", "G", "", "", "N"],
            "length": [900, 950, 950, 100, 100, 800],
            "cds_start": [0, 10, 10, 5, 5, -1],
            "cds_end": [300, 310, 310, 65, 65, -1],
        }
    )
    assert coding_transcripts(table)["transcript"].tolist() == ["b", "d", "e"]
    with pytest.raises(InputError, match="names a transcript twice"):
        coding_transcripts(pd.concat([table, table]))
    with pytest.raises(InputError, match="leaves its transcript"):
        coding_transcripts(table.assign(length=200))


@pytest.mark.parametrize(
    ("call", "threshold", "expected"),
    [("probability", 0.5, [1]), ("false_fraction", 0.1, [0, 1]), ("logit", 0.0, [1]), ("q", 0.1, [2])],
)
def test_calls_are_read_from_the_predicted_sites(tmp_path, call, threshold, expected):
    sites = pd.DataFrame(
        {
            "sequence": ["x", "T", "T", "T"],
            "start": np.array([1, 10, 140, 200], dtype=np.int32),
            "logit": np.array([9, -1, 1, -2], dtype=np.float32),
            "probability": np.array([0.9, 0.4, 0.6, 0.5], dtype=np.float32),
            "false_fraction": np.array([0.0, 0.05, 0.05, 0.1]),
            "q": np.array([0.0, 0.5, 0.5, 0.01]),
        }
    )
    write_parquet(sites, tmp_path / "sites.parquet")
    found = read_candidates(tmp_path / "sites.parquet", one_transcript(), call=call, threshold=threshold)
    assert found.position.tolist() == [10, 140, 200]
    assert np.flatnonzero(found.called).tolist() == expected
    write_parquet(sites.drop(columns=call), tmp_path / "less.parquet")
    with pytest.raises(InputError, match=f"lacks {call}"):
        read_candidates(tmp_path / "less.parquet", one_transcript(), call=call)
    write_parquet(sites.assign(**{call: np.nan}), tmp_path / "without.parquet")
    with pytest.raises(InputError, match=f"the predicted sites have no {call}"):
        read_candidates(tmp_path / "without.parquet", one_transcript(), call=call)
    with pytest.raises(InputError, match="no such file"):
        read_candidates(tmp_path / "none.parquet", one_transcript())


def test_unknown_rule_and_site_off_its_transcript():
    with pytest.raises(InputError, match="choose one of false_fraction, logit, probability, q"):
        CALLS["call"]
    off = Candidates(np.array([0]), np.array([300]), np.array([True]))
    table = one_transcript()
    with pytest.raises(InputError, match="beyond the end"):
        measure_landscape(table, {"m": off}, make_axes([table]))
    with pytest.raises(InputError, match="bins of the landscape"):
        make_axes([table], stop_bin=120)


def test_measured_sites_become_calls(tmp_path):
    transcripts = pd.DataFrame(
        {
            "transcript": ["other", "T"],
            "chrom": ["chr1", "chr2"],
            "strand": ["+", "-"],
            "exon_starts": [[0], [100, 500]],
            "exon_ends": [[50], [300, 600]],
            "cds_start": [-1, 30],
            "cds_end": [-1, 150],
            "sequence": ["A" * 50, "A" * 300],
        }
    )
    write_parquet(transcripts, tmp_path / "transcripts.parquet")
    exons = read_exons(tmp_path / "transcripts.parquet")
    assert "sequence" not in exons
    sites = pd.DataFrame({"chrom": ["chr2"] * 4, "start": [599, 599, 299, 299], "strand": ["-", "-", "-", "+"]})
    candidates = Candidates(np.zeros(3, dtype=np.int64), np.array([0, 50, 100]), np.zeros(3, dtype=bool))
    assert call_measured(candidates, one_transcript(), exons, sites).called.tolist() == [True, False, True]
    with pytest.raises(InputError, match="not among the transcripts"):
        call_measured(candidates, one_transcript(transcript="X"), exons, sites)


@pytest.fixture(scope="module")
def chr22(shared_data):
    """GENCODE v24 transcripts of chromosome 22, ids without version."""
    path = shared_data / "transcripts" / "human_chr22" / "gencode.v24.annotation_chr22.gtf.gz"
    frame = read_annotation(path, Drops())
    frame["transcript"] = frame["transcript"].str.partition(".")[0]
    return frame.assign(length=TranscriptMap(frame).lengths)


def test_real_sites_lie_nearer_the_stop_codon_than_other_drach(chr22, shared_data):
    known, _ = read_tsv(shared_data / "m6a" / "sramp" / "sramp1_mature_test.csv.gz")
    known = known.iloc[:, 0].str.split(",", expand=True).set_axis(["transcript", "position", "label"], axis=1)
    known["transcript"] = known["transcript"].str.partition(".")[0]
    used = chr22[chr22["transcript"].isin(known["transcript"])]
    table = coding_transcripts(used)
    row = pd.Index(table["transcript"]).get_indexer(known["transcript"])
    kept = row >= 0
    candidates = Candidates(
        row[kept], known["position"][kept].astype(int).to_numpy() - 1, (known["label"][kept] == "1").to_numpy()
    )
    _, statistics = measure_landscape(table, {"known": candidates}, make_axes([table]), resamples=500)
    found = statistics.iloc[0]
    assert found["called"] > 100
    assert found["candidates"] > 1000
    assert found["median_called"] < found["median_other"]
    assert found["high"] < 0
    assert found["nearer_low"] > 0.5
    assert found["p"] < 1e-6


def test_real_sites_lie_nearer_the_stop_codon_than_any_place_of_the_same_exons(chr22, shared_data):
    path = shared_data / "annotation" / "transcript_sites" / "iM6A_UniqmRNA_humanRRACHm6Asites_dataset.txt.gz"
    with open_text(path) as handle:
        rows = [line.rstrip("\n").split("\t") for line in handle]
    table = chr22[chr22["cds_start"] >= 0].set_index("transcript", drop=False)
    transcript, genome = [], []
    for name, _, chrom, _, start, end, sites in rows:
        name = name.partition(".")[0]
        if chrom == "chr22" and name in table.index:
            mine = table.loc[name]
            first, last = mine["exon_starts"][0], mine["exon_ends"][-1]
            # the file has 100 nt more at either end and hg19, the annotation hg38: the same transcript, moved as a
            # whole, where its span is the same
            if last - first == int(end) - int(start) - 200:
                positions = [int(text) - int(start) - 100 + first for text in sites.split(",") if text]
                transcript += [name] * len(positions)
                genome += positions
    table = table[table["transcript"].isin(set(transcript))].reset_index(drop=True)
    row = pd.Index(table["transcript"]).get_indexer(transcript)
    chrom, strand = (table[name].to_numpy()[row] for name in ("chrom", "strand"))
    site, owner, position = TranscriptMap(table).overlaps(chrom, strand, np.array(genome))
    own = owner == row[site]
    site, row, position = site[own], owner[own], position[own]
    # some of these sites lie in introns
    assert len(site) / len(genome) > 0.9
    everywhere = np.repeat(np.arange(len(table)), table["length"])
    places = np.concatenate([np.arange(length) for length in table["length"]])
    sampled = np.flatnonzero(np.random.default_rng(1).random(len(places)) < 0.1)
    candidates = Candidates(
        np.concatenate([row, everywhere[sampled]]),
        np.concatenate([position, places[sampled]]),
        np.arange(len(row) + len(sampled)) < len(row),
    )
    _, statistics = measure_landscape(table, {"known": candidates}, make_axes([table]), resamples=300)
    found = statistics.iloc[0]
    assert found["called"] > 500
    assert found["high"] < 0
    assert found["nearer_low"] > 0.5
