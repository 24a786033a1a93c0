"""What the world of twelve modifications planted against what a run found: motifs, AUCb beside its bound, and pairs.

python benchmarks/modifications_truth.py --results results/demo_marks --world resources/demo_marks
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

MATCHED = {"modification", "query", "target", "p", "q"}
ASSOCIATED = {"measure", "task_a", "task_b", "r", "q"}
CLOSE = {"task_a", "task_b", "null", "ratio", "q"}


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", comment="#", keep_default_na=False, na_values=["", "NA", "nan"])


def tables(folder: Path, pattern: str, columns: set[str]) -> list[pd.DataFrame]:
    """The files of a folder that match and have the columns."""
    found = (read(path) for path in sorted(folder.glob(pattern)))
    return [table for table in found if columns <= set(table.columns)]


def motifs(results: Path, world: Path) -> pd.DataFrame | str:
    """Per modification, planted motif and way of finding: the best match to it among the consensus motifs."""
    found = tables(results / "interpretation", "consensus_matches.tsv", MATCHED)
    if not found:
        return f"missing: {results}/interpretation/consensus_matches.tsv with {', '.join(sorted(MATCHED))}"
    matches = pd.concat(found, ignore_index=True)
    planted = read(world / "truth" / "motifs.tsv")
    matches = matches[matches["target"].isin(planted["motif"])]
    if matches.empty:
        return f"missing: matches to {world}/truth/motifs.meme; name it as a motif database of the run"
    ways = [name for name in ("method", "database") if name in matches.columns]
    matches = matches[["modification", *ways, "query", "target", "p", "q"]]
    best = matches.sort_values("p", kind="stable").drop_duplicates(["modification", *ways, "target"])
    table = planted[["modification", "kind", "motif", "consensus"]].merge(
        best.rename(columns={"target": "motif"}), on=["modification", "motif"], how="left"
    )
    # the best q over the modifications that did not plant the motif, which should be far from it
    pairs = set(zip(planted["modification"], planted["motif"], strict=True))
    others = best[[pair not in pairs for pair in zip(best["modification"], best["target"], strict=True)]]
    table["q_elsewhere"] = table["motif"].map(others.groupby("target")["q"].min())
    return table.assign(found=table["q"] < 0.05)


def accuracy(results: Path, world: Path) -> pd.DataFrame | str:
    """AUCb of each model on the test split, beside what the rule allows and what composition gives."""
    path = results / "evaluation" / "metrics.tsv"
    if not path.is_file():
        return f"missing: {path}"
    truth = read(world / "truth" / "modifications.tsv").set_index("modification")
    metrics = read(path)
    metrics = metrics[(metrics["metric"] == "auroc") & (metrics["split"] == "test") & (metrics["against"] == "own")]
    chosen = metrics[metrics["seed"].astype(str) != "mean"]
    kinds = ["model", "setting", "scheme"]
    # the ensemble where there is one, else the mean of the seeds
    ensemble = chosen["seed"].astype(str) == "ensemble"
    has_one = ensemble.groupby([chosen[name] for name in [*kinds, "modification"]]).transform("any")
    chosen = chosen[ensemble | ~has_one]
    wide = chosen.pivot_table(index="modification", columns=kinds, values="value", aggfunc="mean")
    wide.columns = ["/".join(column) for column in wide.columns]
    bounds = truth[["sites", "reported", "composition_auroc", "bayes_auroc", "bayes_auroc_reported"]]
    return bounds.join(wide, how="left").rename_axis("modification").reset_index()


def pairs(results: Path, world: Path) -> pd.DataFrame | str:
    """Planted pairs in the tables of association and proximity, with their rank among all pairs.

    The tasks of the run bear the names of the modifications.
    """
    found = [
        *(("association", table) for table in tables(results / "interpretation", "*.tsv", ASSOCIATED)),
        *(("proximity", table) for table in tables(results / "biology", "*.tsv", CLOSE)),
    ]
    if not found:
        return f"missing: tables of association in {results}/interpretation and of proximity in {results}/biology"
    planted = read(world / "truth" / "pairs.tsv")
    rows = []
    for name, table in found:
        value, way = ("r", "measure") if name == "association" else ("ratio", "null")
        # a high correlation and a low ratio of distances say that two modifications belong together
        for kind, part in table.groupby(way, sort=False):
            part = part.assign(rank=part[value].rank(ascending=name == "proximity", method="min"))
            keys = [frozenset(pair) for pair in zip(part["task_a"], part["task_b"], strict=True)]
            by_pair = part.assign(pair=keys).set_index("pair")
            for row in planted.itertuples(index=False):
                for hit in by_pair[by_pair.index == frozenset((row.first, row.second))].itertuples():
                    rows.append((row.first, row.second, row.kind, name, kind, getattr(hit, value), hit.q, hit.rank))
    return pd.DataFrame(rows, columns=["first", "second", "planted", "table", "way", "value", "q", "rank"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results/demo_marks"))
    parser.add_argument("--world", type=Path, default=Path("resources/demo_marks"))
    given = parser.parse_args()
    shown = {
        "planted motifs among the consensus motifs": motifs(given.results, given.world),
        "AUCb on the test split and its bound": accuracy(given.results, given.world),
        "planted pairs": pairs(given.results, given.world),
    }
    for title, table in shown.items():
        text = table if isinstance(table, str) else table.to_string(index=False, float_format="{:.3g}".format)
        print(f"## {title}\n{text}\n")


if __name__ == "__main__":
    main()
