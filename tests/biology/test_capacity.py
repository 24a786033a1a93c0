"""Definitions of capacity by hand, who is high, who is left out, and what capacity goes along with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from rnamarks.biology.capacity import CAPACITIES, describe_capacity, measure_capacity
from rnamarks.biology.statistics import correlate
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError


@pytest.fixture
def genes():
    return pd.DataFrame(
        {
            "gene": ["a", "b", "c", "d", "e"],
            "gene_name": ["A", None, "C", "D", "E"],
            "length": [1000, 2000, 500, 900, 1000],
            "cds_length": [300, 300, 300, 300, 0],
            "gc": [0.4, 0.5, 0.6, 0.5, 0.5],
            "sites": [10, 30, 5, 0, 9],
            "mean_probability": [0.2, 0.1, 0.4, np.nan, 0.9],
            "sum_probability": [2.0, 3.0, 2.0, 0.0, 8.1],
            "called": [1, 0, 1, 0, 9],
        }
    )


@pytest.mark.parametrize(
    ("definition", "expected"),
    [("mean", [0.2, 0.1, 0.4]), ("sum", [2, 3, 2]), ("per_kb", [2, 1.5, 4]), ("called_per_kb", [1, 0, 2])],
)
def test_definitions(genes, definition, expected):
    table = measure_capacity(genes, transcripts="human", task="human_m6A", predictor="multi", definition=definition)
    assert list(table.columns) == column_names("capacity", task_columns=False)
    assert table["gene"].tolist() == ["a", "b", "c"]
    assert table["capacity"].tolist() == pytest.approx(expected)
    assert table.attrs == {"noncoding": 1, "left_out": 1}


def test_ranks_and_names(genes):
    table = measure_capacity(genes)
    assert table["rank"].tolist() == pytest.approx([0.5, 1 / 6, 5 / 6])
    assert table["gene_name"].tolist() == ["A", "", "C"]
    tied = measure_capacity(genes, definition="sum")
    assert tied["rank"].tolist() == pytest.approx([1 / 3, 5 / 6, 1 / 3])
    assert tied["high"].tolist() == [False, True, False]


@pytest.mark.parametrize(("high", "expected"), [("median", 50), ("mean", 20), ("top10", 10)])
def test_who_is_high(made, high, expected):
    capacity = np.concatenate([np.linspace(0, 0.1, 80), np.linspace(0.8, 0.9, 20)])
    assert measure_capacity(made.genes(capacity), high=high)["high"].sum() == expected


def test_genes_without_coding_sequence_stay_where_none_has_one(genes):
    fasta = measure_capacity(genes.assign(cds_length=0))
    assert fasta["gene"].tolist() == ["a", "b", "c", "e"]
    assert fasta.attrs == {"noncoding": 0, "left_out": 1}


def test_no_gene_with_a_site(genes):
    none = genes.assign(sites=0)
    table = measure_capacity(none)
    assert list(table.columns) == column_names("capacity", task_columns=False)
    assert len(table) == 0
    described = describe_capacity(none)
    assert (described["genes"] == 0).all()
    assert described["spearman"].isna().all()


def test_faults(genes):
    with pytest.raises(InputError, match="names a gene twice"):
        measure_capacity(pd.concat([genes, genes]))
    with pytest.raises(InputError, match="choose one of called_per_kb, mean, per_kb, sum"):
        measure_capacity(genes, definition="total")
    with pytest.raises(InputError, match="choose one of mean, median, top10"):
        measure_capacity(genes, high="most")


def test_definitions_differ_in_what_they_go_along_with(made):
    random = np.random.default_rng(3)
    genes = made.genes(random.random(400))
    genes["sites"] = genes["length"] // 50
    genes["sum_probability"] = genes["mean_probability"] * genes["sites"]
    table = describe_capacity(genes, transcripts="human", task="human_m6A", predictor="multi")
    assert list(table.columns) == column_names("capacity_definitions", task_columns=False)
    assert list(dict.fromkeys(table["definition"])) == ["mean", *(name for name in CAPACITIES if name != "mean")]
    found = table.set_index(["definition", "covariate"])
    assert found.at[("mean", "length"), "low"] < 0 < found.at[("mean", "length"), "high"]
    assert found.at[("sum", "length"), "low"] > 0.2
    row = found.loc[("sum", "length")]
    assert row["spearman"] == pytest.approx(spearmanr(genes["sum_probability"], genes["length"]).statistic)


def test_interval_of_spearman_covers():
    random = np.random.default_rng(5)
    truth = 6 / np.pi * np.arcsin(0.5 / 2)
    inside = 0
    for _ in range(400):
        first, second = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=60).T
        found = correlate(first, second, "spearman")
        inside += found.low < truth < found.high
    assert 0.92 <= inside / 400 <= 0.98
    assert np.isnan(correlate(np.ones(9), np.arange(9), "spearman").effect)
    few = correlate(np.arange(3.0), np.array([1.0, 3, 2]), "spearman")
    assert np.isnan([few.low, few.high]).all()
