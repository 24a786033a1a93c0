"""Joined tables."""

from __future__ import annotations

import pandas as pd

from rnamarks.figures.collect import COUNT_COLUMNS, HISTORY_COLUMNS, count_windows, join_histories


def test_counts_by_split_part_and_label():
    windows = pd.DataFrame(
        {
            "species": "human",
            "label": [1, 0, 0, 0],
            "paper": ["train", "train", "test", ""],
            "guarded": ["test", "train", "train", "train"],
        }
    )
    counts = count_windows([windows])
    assert tuple(counts.columns) == COUNT_COLUMNS
    assert counts.groupby("split")["windows"].sum().to_dict() == {"paper": 4, "guarded": 4}
    left_out = counts[(counts["split"] == "paper") & (counts["part"] == "")]
    assert left_out["windows"].tolist() == [1]


def test_histories_carry_their_run():
    history = pd.DataFrame({name: [1.0] for name in HISTORY_COLUMNS[4:]})
    records = [{"model": "mass", "setting": "all", "split": "paper", "seed": seed} for seed in (1, 2)]
    joined = join_histories(records, [history, history])
    assert tuple(joined.columns) == HISTORY_COLUMNS
    assert joined["seed"].tolist() == [1, 2]
    assert tuple(join_histories([], []).columns) == HISTORY_COLUMNS
