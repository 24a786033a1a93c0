"""Joined tables."""

from __future__ import annotations

import pandas as pd

from rnamarks.dictionary import column_names
from rnamarks.figures.collect import count_windows, join_histories
from rnamarks.tasks import Task


def test_counts_by_scheme_split_and_label():
    windows = pd.DataFrame(
        {
            "task": "human_m6A",
            "species": "human",
            "modification": "m6A",
            "label": [1, 0, 0, 0],
            "paper": ["train", "train", "test", ""],
            "guarded": ["test", "train", "train", "train"],
        }
    )
    counts = count_windows([windows])
    assert list(counts.columns) == column_names("counts")
    assert counts.groupby("scheme")["windows"].sum().to_dict() == {"paper": 4, "guarded": 4}
    left_out = counts[(counts["scheme"] == "paper") & (counts["split"] == "")]
    assert left_out["windows"].tolist() == [1]


def test_histories_carry_their_run():
    names = ("epoch", "stage", "loss", "auroc", "auprc", "score", "seconds", "windows_per_second", "threads")
    history = pd.DataFrame({"task": ["one"], **{name: [1.0] for name in names}})
    tasks = [Task("one", species="human", modification="Y")]
    records = [{"model": "mass", "setting": "all", "scheme": "paper", "seed": seed} for seed in (1, 2)]
    joined = join_histories(records, [history, history], tasks)
    assert list(joined.columns) == column_names("histories")
    assert joined["modification"].tolist() == ["Y", "Y"]
    assert joined["seed"].tolist() == [1, 2]
    assert list(join_histories([], [], []).columns) == column_names("histories")
