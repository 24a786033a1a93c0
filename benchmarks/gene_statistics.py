"""Time of the comparisons with gene regulation for a whole transcriptome.

    python benchmarks/gene_statistics.py [--genes 20000] [--sites 2000000] [--peaks 70000] [--out TSV]

Made data, one thread: three tables of genes, structure scores at sites, and peaks over the genome, each with all its
tests, intervals, distributions and trends; and terms of a made ontology. Reading of files is not part of it. The
target is 30 s for the statistics of 20,000 genes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.biology.peaks import unique_sites
from rnamarks.biology.regulation import Tables, head_of, measure_peaks, relate_genes, relate_peaks, relate_structure
from rnamarks.tables import write_tsv

GENES_TARGET = 30.0


def make_genes(n: int, random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Genes with covariates and a value that capacity and length pull on."""
    length = random.lognormal(7.8, 0.7, n)
    genes = pd.DataFrame(
        {"length": length, "sites": random.poisson(length / 55) + 1, "gc": random.normal(0.48, 0.07, n)}
    )
    genes["capacity"] = random.random(n) - 0.1 * np.log(length)
    return genes, -0.5 * genes["capacity"].to_numpy() + random.normal(size=n)


def make_sites(n: int, random: np.random.Generator) -> pd.DataFrame:
    """Sites of genes of 100 each, spread over 24 chromosomes."""
    gene = np.arange(n) // 100
    return pd.DataFrame(
        {
            "chrom": np.array([f"chr{number}" for number in range(1, 25)])[gene % 24],
            "genome_start": (gene // 24) * 30_000 + random.integers(0, 20_000, n),
            "strand": np.where(gene % 2, "+", "-"),
            "probability": random.random(n),
            "gene": gene,
            "length": 500.0 + gene % 7919,
            "sites": 10.0 + gene % 89,
            "gc": 0.3 + (gene % 307) / 1000,
        }
    )


def make_peaks(n: int, sites: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Peaks of 100 to 2,000 nt over the genes."""
    start = random.integers(0, int(sites["genome_start"].max()), n)
    return pd.DataFrame(
        {
            "chrom": [f"chr{number}" for number in random.integers(1, 25, n)],
            "start": start,
            "end": start + random.integers(100, 2000, n),
            "strand": ".",
            "signal": random.lognormal(1, 0.6, n),
        }
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(genes: int, sites: int, peaks: int, seed: int = 1) -> pd.DataFrame:
    """Seconds of each part; columns ``part``, ``n``, ``seconds``."""
    random = np.random.default_rng(seed)
    tables, rows = Tables(), []
    # the first regression loads statsmodels
    frame, value = make_genes(200, random)
    rows.append(("loading", 200, timed(lambda: relate_genes(Tables(), head("expression"), frame, value, unit=""))))
    frame, value = make_genes(genes, random)
    for kind in ("expression", "half_life", "translation"):
        seconds = timed(lambda kind=kind: relate_genes(tables, head(kind), frame, value, unit="made"))
        rows.append((kind, genes, seconds))
    table = make_sites(sites, random)
    classes = random.choice(["SS", "DS", "poised"], sites)
    rows.append(("structure", sites, timed(lambda: relate_structure(tables, head("structure"), table, classes))))
    spans = make_peaks(peaks, table, random)

    def chromatin() -> None:
        measured, _ = measure_peaks(spans, unique_sites(table))
        relate_peaks(tables, head("peaks"), measured, unit="log2 signal")

    rows.append(("peaks", peaks, timed(chromatin)))
    rows.append(("q-values and tables", len(tables.tests), timed(tables.frames)))
    return pd.DataFrame(rows, columns=["part", "n", "seconds"])


def head(kind: str) -> dict[str, str]:
    """First columns of the tables."""
    return head_of({"kind": kind}, "human", "human", "made")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--sites", type=int, default=2_000_000)
    parser.add_argument("--peaks", type=int, default=70_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "statistics.tsv")
    options = parser.parse_args()
    found = measure(options.genes, options.sites, options.peaks)
    of_genes = found.loc[found["part"].isin(["loading", "expression", "half_life", "translation"]), "seconds"].sum()
    found.loc[len(found)] = ("all of genes", options.genes, of_genes)
    found.loc[len(found)] = ("everything", options.genes, found["seconds"].iloc[:-1].sum())
    print(found.to_string(index=False, float_format="%.2f"))
    print(f"genes: {of_genes:.1f} s, target {GENES_TARGET:.0f} s: {'met' if of_genes < GENES_TARGET else 'missed'}")
    write_tsv(found, options.out)


if __name__ == "__main__":
    main()
