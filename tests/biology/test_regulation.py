"""Comparisons with gene regulation: what is planted is found, what is not is not; published files of the real world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from rnamarks.biology.peaks import measure_peaks, read_peaks, unique_sites
from rnamarks.biology.regulation import (
    Tables,
    add_covariates,
    head_of,
    read_sites,
    relate_entry,
    relate_genes,
    relate_structure,
)
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.species import read_species, select_species
from rnamarks.tables import write_parquet
from rnamarks.training.tree import read_tree
from rnamarks_simulation.downstream import write_downstream
from rnamarks_simulation.truth import gene_truth
from rnamarks_simulation.world import simulate

ENTRIES = [
    ({"kind": "expression"}, "expression.tsv.gz"),
    ({"kind": "half_life", "transform": "log2"}, "half_life.tsv.gz"),
    ({"kind": "translation"}, "translation.txt.gz"),
    ({"kind": "translation", "name": "te", "value": "te", "transform": "log2"}, "translation.txt.gz"),
    ({"kind": "structure"}, "pars.tsv.gz"),
    ({"kind": "peaks", "name": "h3k36me3"}, "h3k36me3.narrowPeak.gz"),
]


@pytest.fixture(scope="module")
def world(repository):
    species = select_species(read_species(repository / "config" / "species.tsv"), ["human"])
    return simulate(species, read_tree(repository / "config" / "species.nwk"), seed=2)


def predict(world):
    """What a good model would say: genes with their capacity, and sites with covariates."""
    random = np.random.default_rng(5)
    sites = world.truth.assign(probability=expit(world.truth["logit"] + random.normal(size=len(world.truth))))
    made = [
        (one.transcript, one.codes.size, np.isin(one.codes, (1, 2)).mean())
        for one in world.layouts["human"].transcripts
    ]
    transcripts = pd.DataFrame(made, columns=["transcript", "length", "gc"])
    transcripts["sites"] = transcripts["transcript"].map(sites.groupby("transcript").size()).fillna(0)
    sites = sites.merge(transcripts[["transcript", "length"]], on="transcript")
    names = {"transcript": "sequence"}
    sites = add_covariates(sites.rename(columns=names), transcripts)
    genes = gene_truth(world)
    genes["capacity"] = genes["transcript"].map(sites.groupby("sequence")["probability"].mean())
    return genes.dropna(subset=["capacity"]).reset_index(drop=True), sites


def relate(folder, genes, sites, entries=ENTRIES, **options):
    tables = Tables()
    for entry, file in entries:
        relate_entry(
            tables,
            entry,
            [folder / f"human.{file}"],
            transcripts="human",
            task="human",
            predictor="multi",
            genes=genes,
            sites=sites,
            **options,
        )
    return tables.frames()


@pytest.fixture(scope="module")
def found(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    write_downstream(world, folder)
    return relate(folder, *predict(world))


@pytest.fixture(scope="module")
def null(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("null")
    write_downstream(replace(world, null=True), folder)
    return relate(folder, *predict(world))


SIGNS = {"expression": -1, "half_life": -1, "translation": -1, "te": -1, "structure": 1, "h3k36me3": 1}


@pytest.mark.slow
@pytest.mark.parametrize("adjusted", ["none", "controls"])
@pytest.mark.parametrize("name", SIGNS)
def test_what_is_planted_is_found_raw_and_with_covariates_held_fixed(found, name, adjusted):
    rows = found["tests"].query("name == @name and adjusted == @adjusted")
    rows = rows[rows["comparison"] != "SS − poised"]
    assert len(rows) >= (1 if name == "structure" else 2)
    for row in rows.to_dict("records"):
        low, high = sorted([row["low"] * SIGNS[name], row["high"] * SIGNS[name]])
        assert 0 < low <= row["effect"] * SIGNS[name] <= high, row
        assert row["p"] <= row["q"] < 0.05


@pytest.mark.slow
def test_what_is_not_planted_is_not_found(null):
    tests = null["tests"]
    assert (tests["q"] > 0.05).all()
    assert (tests["p"] < 0.05).sum() <= 4


def test_tables_have_their_columns_and_sizes_add_up(found):
    for name, columns in (
        ("tests", column_names("regulation", task_columns=False)),
        ("quantiles", column_names("regulation_quantiles", task_columns=False)),
        ("trends", column_names("regulation_trends", task_columns=False)),
        ("bins", column_names("regulation_bins", task_columns=False)),
        ("matches", column_names("regulation_matches", task_columns=False)),
    ):
        assert list(found[name].columns) == columns
    groups = found["tests"].query("n_first > 0")
    assert (groups["n_first"] + groups["n_second"] == groups["n"]).all()
    assert found["tests"].groupby("name")["panel"].first().to_dict() == {
        "expression": "A",
        "half_life": "B",
        "translation": "C",
        "te": "C",
        "structure": "D",
        "h3k36me3": "E",
    }
    quantiles = found["quantiles"].groupby(["name", "group"])
    assert (quantiles.size() == 101).all()
    assert quantiles["value"].apply(lambda values: values.is_monotonic_increasing).all()
    used = found["matches"].set_index("name")["used"]
    assert found["bins"]["n"].sum() == used["h3k36me3"]
    assert found["trends"].groupby("name")["n"].sum()["expression"] == used["expression"]
    assert found["matches"]["fraction"].between(0.9, 1).all()
    notes = found["matches"].set_index("name")["notes"]
    assert "identifier: gene_name" in notes["half_life"]
    assert "identifier: transcript" in notes["te"]


def test_peaks_without_strand_on_an_unknown_contig_are_counted(found):
    notes = found["matches"].set_index("name").at["h3k36me3", "notes"]
    assert "on chromosomes without sites: 3" in notes
    assert "rows that repeat a peak: 3" in notes
    assert "without strand" in notes


def test_confounding_alone_vanishes_when_it_is_held_fixed():
    random = np.random.default_rng(3)
    length = random.lognormal(7.5, 0.7, 3000)
    genes = pd.DataFrame({"length": length, "sites": random.poisson(length / 60) + 1, "gc": random.random(3000)})
    pull = -np.log(length)
    genes["capacity"] = pull + random.normal(size=3000)
    tables = Tables()
    relate_genes(
        tables,
        head_of({"kind": "expression"}, "human", "human", "multi"),
        genes,
        pull + random.normal(size=3000),
        unit="x",
    )
    rows = tables.frames()["tests"].set_index(["measure", "adjusted"])
    assert rows.at[("cliffs_delta", "none"), "low"] > 0.2
    for key in (("cliffs_delta", "controls"), ("cliffs_delta", "matched"), ("partial_spearman_r", "controls")):
        assert abs(rows.at[key, "effect"]) < 0.06, key


def test_genes_without_value_or_covariate_are_in_no_test_but_define_the_bar():
    genes = pd.DataFrame({"capacity": np.arange(40.0), "length": 1.0 * np.arange(40), "sites": 5, "gc": 0.5})
    genes.loc[39, "capacity"] = 1e4
    genes.loc[0, "gc"] = np.nan
    value = np.where(np.arange(40) == 1, np.nan, np.arange(40.0))
    tables = Tables()
    head = head_of({"kind": "half_life", "name": "mine"}, "human", "human", "multi")
    relate_genes(tables, head, genes, value, unit="h")
    rows = tables.frames()["tests"]
    assert rows["n"].max() == 38
    assert rows.iloc[0][["name", "n_first", "n_second"]].tolist() == ["mine", 1, 37]


def test_structure_classes_are_compared_and_clusters_are_genes():
    random = np.random.default_rng(6)
    classes = np.repeat(["SS", "DS", "poised", ""], 100)
    sites = pd.DataFrame({"probability": random.random(400), "gene": np.tile(np.arange(20), 20)})
    sites.loc[:99, "probability"] += 0.3
    sites = sites.assign(length=random.integers(500, 900, 400), sites=9, gc=random.random(400))
    tables = Tables()
    relate_structure(tables, head_of({"kind": "structure"}, "human", "human", "multi"), sites, classes)
    frames = tables.frames()
    rows = frames["tests"].set_index(["comparison", "adjusted"])
    assert (rows["n"] == 200).all()
    assert (rows["low"] > 0).all()
    assert set(frames["quantiles"]["group"]) == {"SS", "DS", "poised"}
    assert rows.at[("SS − DS", "none"), "effect"] == pytest.approx(rows.at[("SS − DS", "clusters"), "effect"])


def test_potential_is_per_length_and_peaks_without_sites_are_counted():
    peaks = pd.DataFrame(
        {"chrom": "a", "start": [0, 100, 300], "end": [50, 200, 400], "strand": ".", "signal": [4.0, 8.0, 0.0]}
    )
    sites = pd.DataFrame(
        {
            "chrom": "a",
            "genome_start": [110, 120, 350],
            "strand": "+",
            "probability": [0.5, 0.25, 1.0],
            "gc": [0.4, 0.6, np.nan],
            "gene": ["g", "h", "i"],
        }
    )
    measured, counts = measure_peaks(peaks, sites)
    assert measured.to_dict("records") == [
        {"potential": 0.0075, "value": 3.0, "length": 100.0, "sites": 2, "gc": 0.5, "gene": "g"}
    ]
    assert counts == {"without a site": 1, "with a site, without a signal above 0": 1, "used": 1}


def test_faults_of_an_entry_are_named(world, tmp_path):
    genes, sites = predict(world)
    (tmp_path / "human.x").write_text("chr1\t1\t9\tp\t5\n")
    for entry, message in (
        ({"kind": "splicing"}, "choose one of expression, half_life, translation, structure, peaks"),
        ({"kind": "peaks", "value": "height"}, "choose one of signal, score"),
        ({"kind": "structure", "format": "shape"}, "choose one of pars, pars_pair"),
        ({"kind": "expression", "format": "xls"}, "no format of gene tables"),
    ):
        with pytest.raises(InputError, match=message):
            relate(tmp_path, genes, sites, [(entry, "x")])
    (tmp_path / "human.far").write_text(f"{sites['chrom'].iloc[0]}\t999999999\t1000000009\tp\t5\n")
    with pytest.raises(InputError, match="no peak with a value above 0 holds a predicted site"):
        relate(tmp_path, genes, sites, [({"kind": "peaks"}, "far")])
    with pytest.raises(InputError, match="end beyond their chromosome"):
        relate(tmp_path, genes, sites, [({"kind": "peaks"}, "far")], lengths={sites["chrom"].iloc[0]: 10**6})


def test_peaks_of_another_assembly_are_warned_of(world, found, tmp_path):
    """The demo's peaks as they are, and half a chromosome further."""
    row = found["matches"].set_index("name").loc["h3k36me3"]
    assert row["warning"] == ""
    assert "fraction of peaks with a site: 0.9" in row["notes"]
    write_downstream(world, tmp_path)
    genes, sites = predict(world)
    frame = pd.read_csv(tmp_path / "human.h3k36me3.narrowPeak.gz", sep="\t", header=None)
    extent = sites.groupby("chrom")["genome_start"].max()
    frame = frame[frame[0].isin(extent.index)]
    frame[1] = (frame[1] + frame[0].map(extent) // 2) % frame[0].map(extent)
    frame[2] = frame[1] + 100
    frame.to_csv(tmp_path / "human.moved", sep="\t", header=False, index=False)
    entries = [({"kind": "peaks", "name": "moved"}, "moved")]
    row = relate(tmp_path, genes, sites, entries)["matches"].set_index("name").loc["moved"]
    assert row["warning"].startswith("peaks hold a site hardly more often (")
    lengths = (extent + 10_000).to_dict()
    with pytest.raises(InputError, match=r"only 0 of [0-9]+ peaks lie on chromosomes of the genome"):
        relate(tmp_path, genes, sites, entries, lengths={"other": 10**9})
    assert len(relate(tmp_path, genes, sites, entries, lengths=lengths)["matches"]) == 1


def test_too_few_genes_give_empty_results_not_errors():
    genes = pd.DataFrame({"capacity": [1.0, 2, 3], "length": [5.0, 6, 7], "sites": 5, "gc": 0.5})
    tables = Tables()
    relate_genes(tables, head_of({"kind": "expression"}, "human", "human", "multi"), genes, np.arange(3.0), unit="x")
    rows = tables.frames()["tests"]
    assert rows[["p", "q", "effect"]].isna().all().all()
    assert Tables().frames()["tests"].empty
    with pytest.raises(InputError, match="expression is known of none of the 3 genes"):
        relate_genes(
            tables, head_of({"kind": "expression"}, "human", "human", "multi"), genes, np.full(3, np.nan), unit="x"
        )


def test_sites_are_read_by_column(tmp_path):
    frame = pd.DataFrame(
        {"sequence": ["T", "T"], "gene": ["G", "G"], "probability": np.float32([0.5, 0.25]), "kmer": "GGACU"}
    )
    write_parquet(frame, tmp_path / "sites.parquet")
    read = read_sites(tmp_path / "sites.parquet", ("sequence", "probability"))
    assert list(read.columns) == ["sequence", "probability"]
    with pytest.raises(InputError, match="lacks start"):
        read_sites(tmp_path / "sites.parquet", ("sequence", "start"))
    with pytest.raises(InputError, match="no such file"):
        read_sites(tmp_path / "none.parquet")


def test_real_tables_give_statistics(shared_data):
    """Capacity is made up from what is known of real genes: the half-life compendium and a planted pull on it."""
    folder = shared_data / "downstream"
    names = pd.read_csv(folder / "half_life/saluki_human_PC1.txt.gz", sep="\t")
    random = np.random.default_rng(8)
    genes = pd.DataFrame({"gene": names["ensembl_gene_id"], "gene_name": names["external_gene_name"]})
    genes = genes.assign(transcript="", length=random.lognormal(8, 0.6, len(genes)), gc=random.random(len(genes)))
    genes["sites"] = random.poisson(genes["length"] / 60) + 1
    genes["capacity"] = expit(-0.1 * names["human_PC1"] + random.normal(size=len(genes)))
    entries = [
        ({"kind": "half_life", "name": "pulse"}, folder / "half_life/PULSE_3UTR_hl_psi.tsv.gz"),
        (
            {"kind": "half_life", "name": "hela", "format": "saluki", "value": "He_ActD_HeLa_1"},
            folder / "half_life/saluki_all_HLs_human.tsv.gz",
        ),
        ({"kind": "translation", "id": "external_gene_id"}, folder / "expression_te/Muscle_riboseq_rnaseq_te.txt.gz"),
        (
            {"kind": "expression", "format": "riboseq_te", "id": "external_gene_id", "value": "rpkm_rnaseq"},
            folder / "expression_te/Muscle_riboseq_rnaseq_te.txt.gz",
        ),
    ]
    tables = Tables()
    for entry, path in entries:
        relate_entry(tables, entry, [path], transcripts="human", task="human", predictor="made", genes=genes)
    frames = tables.frames()
    matches = frames["matches"].set_index("name")
    assert (matches["fraction"] > 0.5).all()
    assert matches.at["hela", "used"] > 8000
    rows = frames["tests"].query("test == 'rank_sum'").set_index("name")
    assert rows.at["hela", "high"] < 0, "genes given a high capacity decay faster, as planted"
    assert rows.at["pulse", "high"] < 0
    assert frames["tests"][["p", "q", "effect", "low", "high"]].notna().all().all()


def test_real_peaks_give_statistics(shared_data):
    peaks = read_peaks(shared_data / "downstream/h3k36me3/H3K36me3_K562.ENCFF901ACN.hg19.bed.gz").frame
    here = peaks[peaks["chrom"] == "chr22"].reset_index(drop=True)
    random = np.random.default_rng(9)
    chosen = here.sample(1500, random_state=1, replace=True)
    sites = pd.DataFrame({"chrom": "chr22", "genome_start": (chosen["start"] + chosen["end"]) // 2, "strand": "+"})
    sites["probability"] = expit(0.02 * chosen["score"] + random.normal(size=1500)).to_numpy()
    sites = sites.assign(
        gene=(sites["genome_start"] // 50_000).astype(str), length=2000, start=0, sequence="t", gc=0.5, sites=20
    )
    tables = Tables()
    relate_entry(
        tables,
        {"kind": "peaks"},
        [shared_data / "downstream/h3k36me3/H3K36me3_K562.ENCFF901ACN.hg19.bed.gz"],
        transcripts="human",
        task="human",
        predictor="made",
        sites=unique_sites(sites),
        assembly="hg19",
    )
    frames = tables.frames()
    row = frames["tests"].query("test == 'spearman'").iloc[0]
    assert row["n"] > 500
    assert row["unit"] == "log2 score"
    assert row["low"] < row["effect"] < row["high"]
    assert frames["matches"]["wanted"].tolist() == [74142]
