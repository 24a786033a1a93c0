"""What methylation does to genes stands in the files with the right sign; in the null world nothing does anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from rnamarks.files import open_text
from rnamarks.tables import read_parquet
from rnamarks_simulation import regulation
from rnamarks_simulation.downstream import write_downstream
from rnamarks_simulation.truth import gene_truth, stream

pytestmark = pytest.mark.slow

SIGNS = {"expression": -1, "half_life": -1, "ribosome_rpkm": -1, "efficiency": -1, "structure": -1, "h3k36me3": 1}


def interval(first, second):
    """Pearson's correlation with its 95 % interval by Fisher's transformation."""
    value, half = np.corrcoef(first, second)[0, 1], 1.96 / np.sqrt(len(first) - 3)
    return value, np.tanh(np.arctanh(value) - half), np.tanh(np.arctanh(value) + half)


def partial(first, second, others):
    design = np.column_stack([np.ones(len(first)), *others])
    rest = [value - design @ np.linalg.lstsq(design, value, rcond=None)[0] for value in (first, second)]
    return interval(*rest)


def read_expression(folder):
    table = pd.read_csv(folder / "human.expression.tsv.gz", sep="\t")
    table["gene"] = table["gene_id"].str.replace(r"\.\d+$", "", regex=True)
    return table


def read_translation(folder):
    table = pd.read_csv(folder / "human.translation.txt.gz", sep=" ", index_col=0)
    assert list(table.columns) == regulation.TRANSLATION_COLUMNS
    return table


def read_pars(folder):
    scores = {}
    with open_text(folder / "human.pars.tsv.gz") as handle:
        for line in handle:
            name, length, joined = line.rstrip("\n").split("\t")
            values = np.array(joined.split(";"), dtype=float)
            assert values.size == int(length)
            scores[name] = values
    return scores


def pairs_in_files(folder, world):
    """For each effect what methylation is in truth, and what the file says, as a reader would join them."""
    truth, _ = read_parquet(folder / "truth_genes.parquet")
    genes = truth[truth["species"] == "human"]
    capacity = genes.set_index("gene")["capacity"]
    by_name = genes.set_index("gene_name")["capacity"]
    made = {}
    table = read_expression(folder).groupby("gene")["FPKM"].mean().dropna()
    table = table[table.index.isin(capacity.index) & (table > 0)]
    made["expression"] = capacity[table.index], np.log2(table)
    table = pd.read_csv(folder / "human.half_life.tsv.gz", sep="\t").groupby("gene_name")["half_life"].mean().dropna()
    table = table[table.index.isin(by_name.index)]
    made["half_life"] = by_name[table.index], np.log2(table)
    table = read_translation(folder).dropna(subset=["rpkm_riboseq"]).drop_duplicates("external_gene_id")
    table = table.set_index("external_gene_id")
    table = table[table.index.isin(by_name.index)]
    made["ribosome_rpkm"] = by_name[table.index], np.log2(table["rpkm_riboseq"])
    made["efficiency"] = by_name[table.index], np.log2(table["te"])
    sites = world.truth[world.truth["species"] == "human"]
    scores = {name.split(".")[0]: values for name, values in read_pars(folder).items()}
    sites = sites[sites["transcript"].isin(list(scores))]
    here = np.array([scores[name][at] for name, at in zip(sites["transcript"], sites["start"], strict=True)])
    made["structure"] = sites["logit"][here != 0], here[here != 0]
    peaks = pd.read_csv(folder / "human.h3k36me3.narrowPeak.gz", sep="\t", header=None)
    sites = world.truth[world.truth["species"] == "human"]
    chance = 1 / (1 + np.exp(-sites["logit"]))
    inside = np.array(
        [
            chance[(sites["chrom"] == chrom) & sites["genome_start"].between(start, end - 1)].sum() / (end - start)
            for chrom, start, end in peaks[[0, 1, 2]].itertuples(index=False)
        ]
    )
    known = peaks[0].isin(set(sites["chrom"]))
    made["h3k36me3"] = inside[known], np.log2(peaks.loc[known, 6])
    return {name: tuple(np.asarray(value, dtype=float) for value in pair) for name, pair in made.items()}


@pytest.mark.parametrize("number", range(3))
def test_every_effect_is_in_the_files_with_its_sign(human_worlds, tmp_path, number):
    world = human_worlds[number]
    write_downstream(world, tmp_path)
    for name, pair in pairs_in_files(tmp_path, world).items():
        value, low, high = interval(*pair)
        assert np.sign(value) == SIGNS[name], name
        assert low * high > 0, name
        if name != "structure":
            assert 0.5 < abs(value) < 0.85, name
    _, metadata = read_parquet(tmp_path / "truth_genes.parquet")
    assert {entry["effect"]: np.sign(entry["correlation"]) for entry in metadata["effects"]} == SIGNS


def test_a_model_that_knows_half_of_the_variance_of_capacity_still_finds_them(human_worlds):
    for world in human_worlds:
        genes = gene_truth(world)
        coding = genes[genes["biotype"] == "protein_coding"].reset_index(drop=True)
        rng = np.random.default_rng(0)
        capacity = coding["capacity"].to_numpy()
        guess = 0.7 * (capacity - capacity.mean()) / capacity.std() + np.sqrt(0.51) * rng.standard_normal(len(coding))
        level = regulation.expression(coding, world.layouts["human"], stream(world, "e"), null=False)[1]
        decay = regulation.half_life(coding, stream(world, "h"), null=False)[1]
        profile = regulation.translation(coding, world.layouts["human"], level, stream(world, "t"), null=False)[1]
        for value in (level, decay, profile["bound"].to_numpy()):
            assert interval(guess, value)[2] < 0
            controls = [np.log(coding["length"]), coding["gc"], coding["sites"]]
            assert partial(guess, value, controls)[2] < 0


def test_length_confounds_a_summed_capacity(human_worlds):
    alone, controlled = [], []
    for world in human_worlds:
        genes = gene_truth(world)
        coding = genes[genes["biotype"] == "protein_coding"].reset_index(drop=True)
        for seed in range(10):
            rng = stream(replace(world, seed=seed), "e")
            level = regulation.expression(coding, world.layouts["human"], rng, null=False)[1]
            count = coding["sites"].to_numpy(dtype=float)
            alone.append(interval(count, level)[0])
            controlled.append(partial(count, level, [np.log(coding["length"]), coding["gc"], coding["capacity"]])[0])
    # the number of DRACH knows nothing of methylation, and yet it goes with expression until length is held
    assert np.mean(alone) < -0.15
    assert abs(np.mean(controlled)) < 0.08


def test_sites_lie_in_single_stranded_regions(downstream, null_downstream, world):
    for folder, found in ((downstream, True), (null_downstream, False)):
        logit, score = pairs_in_files(folder, world)["structure"]
        single, double = logit[score < -1], logit[score > 1]
        poised = logit[np.abs(score) <= 1]
        assert min(single.size, double.size, poised.size) > 500
        for other in (double, poised):
            p = mannwhitneyu(single, other, alternative="greater").pvalue
            assert p < 1e-4 if found else p > 1e-3


def test_files_of_the_null_world_hold_no_effect(null_downstream, world):
    missed = [name for name, pair in pairs_in_files(null_downstream, world).items() if np.prod(interval(*pair)[1:]) > 0]
    assert len(missed) <= 1
    _, metadata = read_parquet(null_downstream / "truth_genes.parquet")
    for entry in metadata["effects"]:
        assert [entry.get(key, 0) for key in ("methylation", "length", "gc")] == [0, 0, 0]


def test_rejections_in_the_null_world_keep_their_level(human_worlds):
    world = human_worlds[0]
    genes = gene_truth(world)
    coding = genes[genes["biotype"] == "protein_coding"].reset_index(drop=True)
    layout, sites = world.layouts["human"], world.truth
    few = replace(layout, transcripts=layout.transcripts[:20])
    theirs = sites[sites["transcript"].isin([entry.transcript for entry in few.transcripts])]
    rejected = {name: [] for name in SIGNS}
    for seed in range(200):
        made = replace(world, seed=seed, null=True)
        level = regulation.expression(coding, layout, stream(made, "e"), null=True)[1]
        pairs = {
            "expression": (coding["capacity"], level),
            "half_life": (coding["capacity"], regulation.half_life(coding, stream(made, "h"), null=True)[1]),
        }
        if seed < 40:
            profile = regulation.translation(coding, layout, level, stream(made, "t"), null=True)[1]
            pairs["ribosome_rpkm"] = coding["capacity"], profile["bound"]
            pairs["efficiency"] = coding["capacity"], profile["efficiency"]
            spans = regulation.peaks(layout, sites, stream(made, "p"), null=True)[1]
            pairs["h3k36me3"] = spans["density"], spans["signal"]
            scores = regulation.structure(few, theirs, stream(made, "s"), null=True)[1]
            pairs["structure"] = theirs["logit"][np.isfinite(scores)], scores[np.isfinite(scores)]
        for name, pair in pairs.items():
            rejected[name].append(np.prod(interval(*(np.asarray(value, dtype=float) for value in pair))[1:]) > 0)
    for name, outcomes in rejected.items():
        # 5 % of 200 are 10 and of 40 are 2; chance alone stays within these bounds in 999 of 1000 runs
        assert sum(outcomes) <= (21 if len(outcomes) == 200 else 8), name
    assert 12 <= sum(map(sum, rejected.values())) <= 50


def test_expression_is_consistent_in_itself_and_holds_the_stated_traps(downstream):
    truth, metadata = read_parquet(downstream / "truth_genes.parquet")
    genes = truth[truth["species"] == "human"].set_index("gene")
    traps = metadata["traps"]["expression"]
    table = read_expression(downstream)
    assert list(table.columns[:-1]) == regulation.EXPRESSION_COLUMNS
    known = table["gene"].isin(genes.index)
    assert (~known).sum() == traps["unknown id"] == 5
    table = table[known]
    assert (table["gene_id"] != table["gene"]).sum() == traps["versioned id"] == 6
    assert table["gene"].duplicated().sum() == traps["duplicate"] == 3
    assert table["FPKM"].isna().sum() == traps["no value"] == 2
    assert (table["FPKM"] == 0).sum() == traps["zero"] == 2
    assert len(genes) - table["gene"].nunique() == traps["absent"] == 3
    once = table[~table["gene"].duplicated(keep=False) & (table["FPKM"] > 0)]
    assert np.ptp(once["FPKM"] / once["TPM"]) < 0.02
    expected = 1e9 * once["expected_count"] / (once["effective_length"] * 2e6)
    assert once["FPKM"].to_numpy() == pytest.approx(expected.to_numpy(), rel=0.02)
    assert 0.8e6 < once["TPM"].sum() < 1e6
    assert (once["length"].to_numpy() == genes.loc[once["gene"], "length"].to_numpy()).all()


def test_half_lives_hold_the_stated_traps(downstream):
    truth, metadata = read_parquet(downstream / "truth_genes.parquet")
    genes = truth[(truth["species"] == "human") & (truth["biotype"] == "protein_coding")]
    traps = metadata["traps"]["half_life"]
    table = pd.read_csv(downstream / "human.half_life.tsv.gz", sep="\t")
    assert list(table.columns) == ["gene_name", "half_life"]
    assert table["gene_name"].isin(genes["gene"]).sum() == traps["gene id as name"] == 3
    table = table[~table["gene_name"].isin(genes["gene"])]
    assert (~table["gene_name"].isin(genes["gene_name"])).sum() == traps["unknown id"] == 4
    assert table["gene_name"].duplicated().sum() == traps["duplicate"] == 3
    assert table["half_life"].isna().sum() == traps["no value"] == 4
    assert table["half_life"].median() == pytest.approx(7, rel=0.3)
    named = table.loc[table["gene_name"].isin(genes["gene_name"]), "gene_name"].nunique()
    assert len(genes) - named == traps["absent"] + traps["gene id as name"] == 9


def test_translation_has_one_line_per_coding_transcript_and_figures_that_agree(downstream, world):
    _, metadata = read_parquet(downstream / "truth_genes.parquet")
    traps = metadata["traps"]["translation"]
    with open_text(downstream / "human.translation.txt.gz") as handle:
        header, *lines = handle.read().splitlines()
    assert {len(line.split(" ")) for line in lines} == {len(header.split(" ")) + 1}
    table = read_translation(downstream)
    coding = {entry.transcript: entry for entry in world.layouts["human"].transcripts if entry.coding}
    known = table["ensembl_tx_id"].isin(list(coding))
    assert (~known).sum() == traps["unknown id"] == 3
    assert set(table.loc[known, "ensembl_tx_id"]) == set(coding)
    assert (table.index == table["ensembl_tx_id"] + np.where(known, ".1", ".2")).all()
    table = table[known]
    assert table["external_gene_id"].duplicated().sum() == traps["further isoform"]
    once = table.drop_duplicates("external_gene_id")
    assert once["te"].isna().sum() == once["riboseq_counts"].isna().sum() == traps["no value"] == 3
    assert once["entrez"].isna().sum() == traps["no entrez"] == 3
    good = once.dropna(subset=["te"])
    assert good["te"].to_numpy() == pytest.approx((good["rpkm_riboseq"] / good["rpkm_rnaseq"]).to_numpy())
    rpkm = 1e9 * good["riboseq_counts"] / (good["cds_length"] * good["total_mapped_riboseq"])
    assert good["rpkm_riboseq"].to_numpy() == pytest.approx(rpkm.to_numpy())
    assert good["te"].is_monotonic_decreasing


def test_scores_cover_the_transcripts_and_hold_the_stated_traps(downstream, world):
    _, metadata = read_parquet(downstream / "truth_genes.parquet")
    traps = metadata["traps"]["structure"]
    scores = read_pars(downstream)
    lengths = {entry.transcript: entry.codes.size for entry in world.layouts["human"].transcripts}
    stems = {name: name.split(".")[0] for name in scores}
    assert sum(stem not in lengths for stem in stems.values()) == traps["unknown id"] == 2
    assert sum(name != stem for name, stem in stems.items()) == traps["versioned id"] == 5
    assert all(lengths.get(stems[name], values.size) == values.size for name, values in scores.items())
    genes = {entry.gene for entry in world.layouts["human"].transcripts}
    assert len(genes) - (len(scores) - 2) == traps["absent"]
    every = np.concatenate(list(scores.values()))
    assert 0.15 < np.mean(every == 0) < 0.25
    for low, high in ((-np.inf, -1), (1, np.inf)):
        assert 0.1 < np.mean((every > low) & (every < high)) < 0.3


def test_peaks_lie_on_the_genome_and_hold_the_stated_traps(downstream, world):
    _, metadata = read_parquet(downstream / "truth_genes.parquet")
    traps = metadata["traps"]["h3k36me3"]
    names = ["chrom", "start", "end", "name", "score", "strand", "signal", "p", "q", "summit"]
    table = pd.read_csv(downstream / "human.h3k36me3.narrowPeak.gz", sep="\t", header=None)
    assert table.shape[1] == 10
    table.columns = names
    layout = world.layouts["human"]
    known = table["chrom"].isin(list(layout.chromosomes))
    assert (~known).sum() == traps["unknown contig"] == 3
    assert (table["strand"] == ".").all()
    assert table["name"].is_unique
    assert table["score"].between(0, 1000).all()
    assert (table["summit"] < table["end"] - table["start"]).all()
    table = table[known]
    lengths = table["chrom"].map({chrom: len(dna) for chrom, dna in layout.chromosomes.items()})
    assert ((table["start"] >= 0) & (table["start"] < table["end"]) & (table["end"] <= lengths)).all()
    assert table.duplicated(["chrom", "start", "end"]).sum() == traps["duplicate"] == 3
    spans = {}
    for entry in layout.transcripts:
        edges = [edge for exon in entry.exons for edge in exon]
        spans.setdefault(entry.chrom, []).append((min(edges), max(edges)))
    outside = [
        not any(start < last and first < end for first, last in spans[chrom])
        for chrom, start, end in table[["chrom", "start", "end"]].itertuples(index=False)
    ]
    assert sum(outside) == traps["between genes"] == 12
