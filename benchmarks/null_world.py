"""What a run finds in a null world, where labels are random: how many of its tests reject at 5 %, table by table.

snakemake --cores 2 --configfile config/config.yaml --config null_world=True
snakemake --cores 2 --configfile config/demo_marks.yaml --config null_world=True
python benchmarks/null_world.py results/demo_null results/demo_marks_null --each rejections.tsv

Tests of one run share labels, models and sequences, so the binomial interval of a share is too narrow; more worlds
(`--config` cannot reach `simulation.seed`; change it in a copy of the configuration) widen what it rests on.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.sites.modifications import load_modifications
from rnamarks.tables import read_parquet

LEVEL = 0.05
SHEET = Path(__file__).parents[1] / "config" / "modifications.tsv"
LABELS = "labels"
SEQUENCE = "sequence"
"""Labels of sites, values of genes and their terms are random in the null world, so a test that needs one of them to go
along with something has nothing to find (``labels``). The scores of a model, however it was trained, are a function of
the sequence: they are alike in orthologues, differ between regions of other composition, and hang on letters and heads
that share layers, so tests of scores against sequence may reject though nothing was planted (``sequence``)."""
READINGS = {
    "models against a random order": LABELS,
    "models against each other": LABELS,
    "measured sites nearer the stop codon": LABELS,
    "measured sites with both planted words": LABELS,
    "capacity and regulation": LABELS,
    "terms of genes of high capacity": LABELS,
    "terms, q": LABELS,
    "motifs of positives against negatives": LABELS,
    "motifs found like one of a database": LABELS,
    "tasks told apart by their unmodified windows": LABELS,
    "consensus motifs on held-out windows": LABELS,
    "distances between modifications": LABELS,
    "p of unmodified bases": LABELS,
    "tasks told apart, one of them in a motif": SEQUENCE,
    "predicted sites nearer the stop codon": SEQUENCE,
    "predicted sites with both planted words": SEQUENCE,
    "planted words in optimised sequences": SEQUENCE,
    "genes of high capacity shared by species": SEQUENCE,
    "filters like a motif more often than shuffled": SEQUENCE,
    "filters like a planted motif, q": SEQUENCE,
    "consensus motifs like a planted one, q": SEQUENCE,
    "attributed motifs like a planted one, q": SEQUENCE,
    "associations of tasks": SEQUENCE,
    "mutations of attended letters": SEQUENCE,
}


@dataclass(frozen=True)
class Tests:
    """Tests of one kind.

    Attributes
    ----------
    kind : str
        One of :data:`READINGS`.
    names : list of str
    rejected : numpy.ndarray, shape=(n_tests,), dtype=bool
    n, hits : int, optional
        Numbers of tests and rejections where they are too many to list.
    without : int
        Tests that could not be made, such as those of a model that gives every site one probability.
    """

    kind: str
    names: list[str]
    rejected: np.ndarray
    n: int = 0
    hits: int = 0
    without: int = 0


def read(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    return pd.read_csv(path, sep="\t", comment="#", keep_default_na=False, na_values=["", "NA", "nan"])


def by_p(kind: str, frame: pd.DataFrame, columns: list[str], p: str = "p") -> Tests:
    known = frame[frame[p].notna()]
    return Tests(kind, _names(known, columns), (known[p] < LEVEL).to_numpy(), without=len(frame) - len(known))


def by_interval(kind: str, frame: pd.DataFrame, columns: list[str], value: float) -> Tests:
    """Whether a 95 % interval leaves a value out; constant scores have none."""
    known = frame[frame["low"] < frame["high"]]
    return Tests(kind, _names(known, columns), ((known["low"] > value) | (known["high"] < value)).to_numpy())


def _names(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    return [" ".join(map(str, row)) for row in frame[columns].itertuples(index=False)]


def models(results: Path) -> Iterator[Tests]:
    which = ["model", "setting", "scheme"]
    metrics = read(results / "evaluation" / "metrics.tsv")
    seeds = metrics["seed"].astype(str).str.isdigit() & (metrics["split"] == "test") & (metrics["metric"] == "auroc")
    seeds &= metrics["against"] == "own"
    yield by_interval("models against a random order", metrics[seeds], [*which, "task", "seed"], 0.5)
    paired = read(results / "evaluation" / "paired.tsv")
    chosen = paired[(paired["metric"] == "auroc") & (paired["seed"].astype(str) == "mean")]
    chosen = chosen[(chosen["against"] == "own") & (chosen["task"] != "mean") & (chosen["split"] == "test")]
    # a constant score differs from chance exactly as the other model does, which was tested above
    constant = chosen[["value_a", "value_b"]].eq(0.5).any(axis=1)
    yield by_p("models against each other", chosen[~constant], ["model_a", "model_b", "scheme", "task"])


def biology(results: Path) -> Iterator[Tests]:
    landscape = read(results / "biology" / "landscape_statistics.tsv")
    if landscape is not None:
        measured = landscape["predictor"] == "measured"
        for kind, rows in (("measured", landscape[measured]), ("predicted", landscape[~measured])):
            yield by_p(f"{kind} sites nearer the stop codon", rows, ["transcripts", "task", "predictor"])
    conservation = read(results / "biology" / "conservation.tsv")
    if conservation is not None:
        columns = ["modification", "predictor", "n_species"]
        yield by_p("genes of high capacity shared by species", conservation, columns)
    terms = read(results / "biology" / "terms.tsv")
    if terms is not None:
        columns = ["transcripts", "task", "predictor", "term"]
        yield by_p("terms of genes of high capacity", terms, columns)
        yield by_p("terms, q", terms, columns, "q")
    regulation = read(results / "biology" / "regulation.tsv")
    if regulation is not None:
        yield by_p("capacity and regulation", regulation, ["task", "name", "comparison", "test", "adjusted"])
    proximity = read(results / "biology" / "proximity.tsv")
    if proximity is not None:
        yield by_p("distances between modifications", proximity, ["task_a", "task_b", "null"])


def motifs(results: Path, world: Path) -> Iterator[Tests]:
    folder = results / "interpretation"
    together = read(folder / "cooccurrence.tsv")
    if together is not None:
        measured = together["predictor"] == "measured"
        for kind, rows in (("measured", together[measured]), ("predicted", together[~measured])):
            for p in ("p_together", "p_each", "p_interaction"):
                named = rows.assign(test=p)
                columns = ["task", "predictor", "element_a", "element_b", "test"]
                yield by_p(f"{kind} sites with both planted words", named, columns, p)
    optimised = read(folder / "optimised_pairs.tsv")
    if optimised is not None:
        columns = ["task", "predictor", "null", "element_a", "element_b"]
        yield by_p("planted words in optimised sequences", optimised, columns)
    annotated = read(folder / "annotated.tsv")
    if annotated is not None:
        chosen = annotated[annotated["rule"] == "q < 0.05"]
        yield by_p("filters like a motif more often than shuffled", chosen, ["task", "predictor", "null"])
    matches, truth = read(folder / "matches.tsv"), world / "truth_genes.parquet"
    planted = {one["motif"] for one in read_parquet(truth)[1]["planted_motifs"]} if truth.is_file() else set()
    if matches is not None and planted:
        chosen = matches[matches["target"].isin(planted)]
        columns = ["task", "predictor", "query", "target"]
        yield by_p("filters like a planted motif, q", chosen, columns, "q")
    attributed = read(folder / "consensus_matches.tsv")
    if attributed is not None and planted:
        best = attributed[attributed["target"].isin(planted)].sort_values("q", kind="stable")
        best = best.drop_duplicates(["task", "predictor", "target"])
        columns = ["task", "predictor", "target"]
        yield by_p("attributed motifs like a planted one, q", best, columns, "q")
    joined = read(folder / "discovered.tsv")
    found = [read(path) for path in sorted((folder / "discovered").glob("*.tsv"))] if joined is None else [joined]
    for table in found:
        yield by_p("motifs of positives against negatives", table, ["task", "motif", "consensus"])
        if "match_q" in table:
            yield by_p("motifs found like one of a database", table, ["task", "motif", "target_name"], "match_q")


def modifications(results: Path) -> Iterator[Tests]:
    apart = read(results / "evaluation" / "sources.tsv")
    if apart is not None:
        columns = ["task_a", "task_b", "base"]
        # m6A and m6Am stand in motifs of their own in the null world, too
        bound = {one.name for one in load_modifications(SHEET).values() if one.motif.strip("N")}
        motif = apart["task_a"].isin(bound) | apart["task_b"].isin(bound)
        yield by_interval("tasks told apart by their unmodified windows", apart[~motif], columns, 0.5)
        yield by_interval("tasks told apart, one of them in a motif", apart[motif], columns, 0.5)
    folder = results / "interpretation"
    consensus = read(folder / "consensus.tsv")
    if consensus is not None:
        columns = ["task", "method", "motif"]
        yield by_p("consensus motifs on held-out windows", consensus, columns, "auroc_p")
    matches = read(folder / "consensus_matches.tsv")
    if matches is not None:
        planted = matches[(matches["database"] == "planted")]
        best = planted.groupby(["task", "method", "query"], as_index=False)["q"].min()
        yield by_p("consensus motifs like a planted one, q", best, ["task", "method", "query"], "q")
    association = read(folder / "association.tsv")
    if association is not None:
        yield by_p("associations of tasks", association, ["measure", "task_a", "task_b"])
    mutations = read(folder / "mutations.tsv")
    if mutations is not None:
        columns = ["task", "control", "unit"]
        yield by_p("mutations of attended letters", mutations[mutations["unit"] == "logit"], columns)


def scanned(results: Path, *, transcripts: int, seed: int = 1) -> Iterator[Tests]:
    """p of the bases of some transcripts, all of them unmodified as far as a model can know."""
    if not (results / "model" / "null.safetensors").is_file():
        return
    files = sorted((results / "sites").glob("*.transcripts.parquet"))
    spliced, _ = read_parquet(files[0], ["transcript", "sequence"])
    chosen = spliced.sample(min(transcripts, len(spliced)), random_state=seed)
    with tempfile.TemporaryDirectory() as folder:
        fasta = Path(folder) / "some.fa"
        fasta.write_text("".join(f">{row.transcript}\n{row.sequence}\n" for row in chosen.itertuples()))
        options = ScanOptions(alpha=LEVEL, top=False)
        summary = Scanner(results / "model").run(fasta, options, Outputs(), warn=lambda line: None)
    for row in summary.itertuples():
        yield Tests("p of unmodified bases", [], np.zeros(0, dtype=bool), int(row.tested), int(row.called))


def summarise(tests: list[Tests]) -> pd.DataFrame:
    """Fraction of rejections by kind with its 95 % interval (Clopper and Pearson)."""
    rows = []
    for kind, random in READINGS.items():
        mine = [one for one in tests if one.kind == kind]
        n = sum(one.n or len(one.names) for one in mine)
        hits = sum(one.hits if one.n else int(one.rejected.sum()) for one in mine)
        without = sum(one.without for one in mine)
        if n or without:
            low, high = binomtest(hits, n).proportion_ci(method="exact") if n else (np.nan, np.nan)
            rows.append((kind, random, n, without, hits, hits / n if n else np.nan, low, high))
    return pd.DataFrame(rows, columns=["tests", "random", "n", "without_p", "rejected", "fraction", "low", "high"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--resources", type=Path, default=Path("resources"), help="folder of the simulated worlds")
    parser.add_argument("--transcripts", type=int, default=40, help="transcripts that are scanned")
    parser.add_argument("--each", type=Path, help="table of all tests to write")
    given = parser.parse_args()
    readers: list[Callable[[Path], Iterator[Tests]]] = [
        models,
        biology,
        lambda results: motifs(results, given.resources / results.name),
        modifications,
        lambda results: scanned(results, transcripts=given.transcripts),
    ]
    tests, listed = [], []
    for results in given.results:
        mine = [one for reader in readers for one in reader(results)]
        tests += mine
        for one in mine:
            listed += [(results.name, one.kind, *row) for row in zip(one.names, one.rejected, strict=True)]
    table = summarise(tests)
    print(table.to_string(index=False, float_format="{:.3f}".format))
    for random, part in table.groupby("random"):
        n, hits = int(part["n"].sum()), int(part["rejected"].sum())
        counted = part[part["tests"] != "p of unmodified bases"]
        n, hits = int(counted["n"].sum()), int(counted["rejected"].sum())
        low, high = binomtest(hits, n).proportion_ci(method="exact")
        print(f"{random}: {hits} of {n} tests reject at {LEVEL:.0%}, {hits / n:.1%} ({low:.1%} to {high:.1%})")
    if given.each:
        columns = ["run", "tests", "name", "rejected"]
        pd.DataFrame(listed, columns=columns).to_csv(given.each, sep="\t", index=False)


if __name__ == "__main__":
    main()
