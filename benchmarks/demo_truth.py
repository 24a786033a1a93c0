"""What the demo planted against what it found: motifs, capacity, conserved genes, the planted term, five effects.

python benchmarks/demo_truth.py --results results/demo --world resources/demo
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from scipy.stats import fisher_exact, spearmanr

PLANTED = {"WRITR1": "writer", "UPSTR1": "upstream of it", "DOWNS1": "downstream of it"}
"""Proteins of the demo's motif databases that the rule of methylation looks for in every species."""


def truth_of(world: Path) -> tuple[pd.DataFrame, dict]:
    table = pq.read_table(world / "truth_genes.parquet")
    return table.to_pandas(), json.loads(table.schema.metadata[b"rnamarks"])


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", comment="#")


def motifs(results: Path) -> pd.DataFrame:
    """Smallest Tomtom q of each task's motifs to the planted ones: filters, de novo, and consensus motifs."""
    filters = read(results / "interpretation" / "matches.tsv")
    kinds = filters["predictor"].map(lambda name: name if name == "de novo" else f"filters of {name}")
    consensus = read(results / "interpretation" / "consensus_matches.tsv")
    found = pd.concat(
        [filters.assign(found_by=kinds), consensus.assign(found_by="consensus motifs of " + consensus["predictor"])]
    )
    found = found.assign(planted=found["target_name"].str.upper().map(PLANTED)).dropna(subset="planted")
    best = found.sort_values("q", kind="stable").groupby(["planted", "found_by", "task"], sort=False).head(1)
    rows = [
        (planted, by, len(part), (part["q"] < 0.01).sum(), part["q"].median(), part["q"].max(), part["null_p"].max())
        for (planted, by), part in best.groupby(["planted", "found_by"])
    ]
    columns = ["planted", "found by", "tasks with a match", "q < 0.01", "median q", "largest q", "largest null p"]
    return pd.DataFrame(rows, columns=columns).sort_values("planted", ascending=False, kind="stable")


def capacities(results: Path, truth: pd.DataFrame) -> pd.DataFrame:
    """Spearman correlation of predicted with true capacity, per predictor and species."""
    found = read(results / "biology" / "capacity.tsv")
    found = found[(found["transcripts"] == found["species"]) & (found["modification"] == "m6A")]
    both = found.merge(truth[["species", "gene", "capacity"]], on=["species", "gene"], suffixes=("", "_true"))
    rows = [
        (predictor, species, len(part), spearmanr(part["capacity"], part["capacity_true"]).statistic)
        for (predictor, species), part in both.groupby(["predictor", "species"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["predictor", "species", "genes", "spearman"])


def conserved(results: Path, truth: pd.DataFrame) -> pd.DataFrame:
    """How many of the orthogroups found high in every species are so in truth, beside chance (Fisher's exact test)."""
    planted = truth.groupby("orthogroup")["conserved"].any()
    genes = read(results / "biology" / "conserved_genes.tsv")
    genes = genes[genes["modification"] == "m6A"]
    rows = []
    for predictor in ("multi", "single"):
        mine = set(genes.loc[genes["category"].isin(["both", f"{predictor} only"]), "orthogroup"])
        hits, truths = sum(planted.get(group, False) for group in mine), int(planted.sum())
        others = len(planted) - truths - (len(mine) - hits)
        p = fisher_exact([[hits, len(mine) - hits], [truths - hits, others]], "greater").pvalue
        rows.append((predictor, len(mine), truths, hits, p))
    return pd.DataFrame(rows, columns=["predictor", "found", "planted", "both", "p"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results/demo"))
    parser.add_argument("--world", type=Path, default=Path("resources/demo"))
    given = parser.parse_args()
    truth, metadata = truth_of(given.world)
    terms = read(given.results / "biology" / "terms.tsv")
    terms = terms[terms["term"] == metadata["planted_term"]["term"]]
    effects = read(given.results / "biology" / "regulation.tsv")
    effects = effects[effects["adjusted"].isin(["none", "controls"])]
    landscape = read(given.results / "biology" / "landscape_statistics.tsv")
    shown = {
        "motifs by species": motifs(given.results),
        "capacity, predicted against true": capacities(given.results, truth),
        "genes high in every species": conserved(given.results, truth),
        "sites nearer the stop codon": landscape[["task", "predictor", "called", "difference", "low", "high", "p"]],
        "planted term": terms[["predictor", "task", "study", "study_size", "fold", "p", "q"]],
        "planted effects": effects[
            ["task", "name", "comparison", "test", "adjusted", "n", "effect", "low", "high", "p"]
        ],
    }
    for title, table in shown.items():
        print(f"## {title}\n{table.to_string(index=False, float_format=lambda value: f'{value:.3g}')}\n")


if __name__ == "__main__":
    main()
