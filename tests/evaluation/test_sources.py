"""Unmodified windows of two sets are told apart where they differ, and not where they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.sources_apart import read_negatives, sources_apart
from rnamarks.tables import read_tsv, write_parquet
from stand_in import run_script


def unmodified(seed: int, n: int = 200, base: str = "A", gc: float = 0.5, genes: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    letters = random.choice(list("ACGU"), (n, 21), p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2])
    letters[:, 10] = base
    gene = [f"gene{seed}_{at % genes}" for at in range(n)] if genes else [""] * n
    return pd.DataFrame({"sequence": ["".join(row) for row in letters], "gene": gene})


def test_sets_alike_and_sets_apart():
    sets = {"Am": unmodified(1), "m1A": unmodified(2), "m6A": unmodified(3, gc=0.75), "Um": unmodified(4, base="U")}
    table = sources_apart(sets, n=200).set_index(["task_a", "task_b"])
    assert [*table.index.names, *table.columns] == column_names("sources_apart")
    assert list(table.index) == [("Am", "m1A"), ("Am", "m6A"), ("m1A", "m6A")]
    alike, apart = table.loc[("Am", "m1A")], table.loc[("m1A", "m6A")]
    assert 0.38 < alike["auroc"] < 0.62
    assert alike["low"] < 0.55
    assert apart["low"] > 0.75
    assert apart["base"] == "A"


@pytest.mark.slow
def test_intervals_of_sets_that_are_alike_hold_one_half():
    pairs = [{"Am": unmodified(100 + at, 150), "m1A": unmodified(200 + at, 150)} for at in range(12)]
    tables = [sources_apart(pair, n=100, seed=at).iloc[0] for at, pair in enumerate(pairs)]
    assert sum(row["low"] <= 0.5 <= row["high"] for row in tables) >= 10


def test_genes_stay_in_one_fold():
    # windows of a gene are copies with one letter changed: across folds they would give the set away
    random, frames = np.random.default_rng(5), {}
    for task in ("Cm", "m5C"):
        frame = unmodified(int(random.integers(1000)), 20, "C")
        rows = []
        for gene, sequence in enumerate(frame["sequence"]):
            for at in range(9):
                letter = "ACGU"[random.integers(4)]
                rows.append((sequence[:at] + letter + sequence[at + 1 :], f"{task}{gene}"))
        frames[task] = pd.DataFrame(rows, columns=["sequence", "gene"])
    with_genes = sources_apart(frames, n=50)["auroc"].iloc[0]
    without = sources_apart({task: frame.assign(gene="") for task, frame in frames.items()}, n=50)["auroc"].iloc[0]
    assert without > with_genes + 0.1


def test_shared_sequences_are_left_out():
    frame = unmodified(6)
    table = sources_apart({"Am": frame, "m1A": pd.concat([frame, unmodified(7, 50)])}, n=20)
    assert table["shared"].tolist() == [200]
    assert table["n_a"].tolist() == [0]
    assert table["auroc"].isna().all()


def test_large_sets_are_drawn_from():
    table = sources_apart({"Am": unmodified(8, 300), "m1A": unmodified(9, 40)}, maximum=100, n=20)
    assert table[["n_a", "n_b"]].to_numpy().tolist() == [[100, 40]]
    again = sources_apart({"Am": unmodified(8, 300), "m1A": unmodified(9, 40)}, maximum=100, n=20)
    pd.testing.assert_frame_equal(table, again)


def test_a_task_without_negatives_is_refused():
    with pytest.raises(InputError, match="no unmodified window of m1A"):
        sources_apart({"Am": unmodified(1), "m1A": unmodified(1).head(0)})


def test_reading_splits(tmp_path):
    frame = unmodified(1, 10).assign(label=[1, 0, 0, 0, 0] * 2)
    write_parquet(frame, tmp_path / "Am.parquet")
    assert read_negatives({"Am": tmp_path / "Am.parquet"})["Am"].shape == (8, 2)
    write_parquet(frame.drop(columns="gene"), tmp_path / "short.parquet")
    with pytest.raises(InputError, match="gene"):
        read_negatives({"Am": tmp_path / "short.parquet"})


def test_script_writes_the_table(tmp_path, repository):
    names = ["Am", "m1A", "Um"]
    for seed, (name, base) in enumerate(zip(names, "AAU", strict=True)):
        write_parquet(unmodified(seed, 40, base).assign(label=[1, 0, 0, 0] * 10), tmp_path / f"{name}.parquet")
    run_script(
        "evaluation/compare_sources",
        tmp_path / "log.txt",
        inputs={"splits": [tmp_path / f"{name}.parquet" for name in names]},
        outputs={"sources": tmp_path / "sources.tsv"},
        params={"tasks": [{"name": name} for name in names], "bootstrap": 10, "seed": 1},
    )
    table, _ = read_tsv(tmp_path / "sources.tsv", column_names("sources_apart"))
    assert table[["task_a", "task_b", "n_a"]].to_numpy().tolist() == [["Am", "m1A", 30]]
