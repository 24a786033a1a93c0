"""Trained on one laboratory's windows, tested on another's, with a released model beside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.dictionary import column_names
from rnamarks.evaluation.laboratories import compare_laboratories
from rnamarks.models.checkpoint import save_model
from rnamarks.models.directory import RELEASED, ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows, encode_windows
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task

TASK = Task("m5U", species="human", modification="m5U", base="U")
OTHER = Task("m7G", species="human", modification="m7G", base="G")
WIDTH = 41
SMALL = {"filters": [4, 3], "lstm_units": 2}


def draw(n, base, seed, *, motif="", shares=(0.25, 0.25, 0.25, 0.25)):
    """Random windows with a base in the middle and, of modified ones, a motif behind it."""
    codes = np.random.default_rng(seed).choice(4, (n, WIDTH), p=shares).astype(np.uint8)
    codes[:, WIDTH // 2] = "ACGU".index(base)
    for at, letter in enumerate(motif, WIDTH // 2 + 1):
        codes[:, at] = "ACGU".index(letter)
    return decode_windows(codes)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    state = build_model("deepm6aseq", [TASK.name], WIDTH, SMALL).state_dict()
    save_model(
        tmp_path / "model", [state], ModelConfig(model="deepm6aseq", tasks=[TASK], window=WIDTH, hyperparameters=SMALL)
    )
    return tmp_path / "model"


@pytest.fixture
def write(tmp_path):
    def write(name, positives, negatives, task="m5U"):
        files = []
        for label, windows in ((1, positives), (0, negatives)):
            path = tmp_path / f"{task}.{name}.{label}.txt"
            path.write_text("".join(f"{window}\n" for window in windows))
            files.append({"file": path, "format": "lines", "label": label, "given": ""})
        return {"name": name, "task": task, "files": files, "negatives_per_positive": None, "match_gc": False}

    return write


@pytest.fixture
def splits(tmp_path):
    def splits(seen, task=TASK):
        """The run's windows, of which all but the last two are training."""
        frame = pd.DataFrame({name: "" for name in column_names("windows")}, index=range(len(seen)))
        frame = frame.assign(sequence=seen, task=task.name, label=[1, 0] * (len(seen) // 2), species="human")
        frame["window"] = [f"w{at}" for at in range(len(seen))]
        for name in ("genome_start", "genome_end", "start", "end"):
            frame[name] = -1
        frame["support"] = 1
        frame["guarded"] = ["train"] * (len(seen) - 2) + ["valid"] * 2
        path = tmp_path / f"{task.name}.split.parquet"
        write_parquet(frame, path)
        return path

    return splits


def compare(folder, sets, splits, **options):
    settings = {"tasks": [TASK], "scheme": "guarded", "baseline": "naive_bayes_trinucleotide", "fewest": 10}
    return compare_laboratories(
        folder, sets, splits, **settings | {"bootstrap": 200, "device": "cpu", "report": lambda line: None} | options
    )


def test_what_another_laboratory_shares_is_told_from_what_it_does_not(folder, write, splits):
    gc_rich, plain = (0.15, 0.35, 0.35, 0.15), (0.25, 0.25, 0.25, 0.25)
    sets = [
        write("motif", draw(150, "U", 1, motif="CGAAG", shares=gc_rich), draw(150, "U", 2)),
        write("motif_alone", draw(120, "U", 3, motif="CGAAG"), draw(120, "U", 4)),
        write("composition", draw(120, "U", 5, shares=gc_rich), draw(120, "U", 6, shares=plain)),
    ]
    table, drops = compare(folder, sets, {"m5U": splits(draw(20, "U", 7))})
    assert list(table) == column_names("laboratories", task_columns=False)
    cells = table.set_index(["trained", "tested"])
    names = [entry["name"] for entry in sets]
    assert list(cells.index) == [(trained, tested) for trained in [*names, RELEASED] for tested in names]
    assert cells["removed"].sum() == 0
    here, there, by_composition = (
        cells.loc[pair] for pair in (("motif", "motif"), ("motif", "motif_alone"), ("composition", "motif_alone"))
    )
    assert here["n_positive"] < there["n_positive"] == 120
    assert there["value"] > 0.9
    assert there["difference_low"] > 0
    assert there["difference"] == pytest.approx(there["value"] - there["control"])
    # what composition teaches does not hold where composition is the same
    assert by_composition["low"] < 0.6
    assert cells.loc[("composition", "composition"), "difference_low"] < 0
    assert drops.rows("kept") > 600


def test_windows_that_were_trained_on_are_not_tested(folder, write, splits):
    positives, negatives = draw(80, "U", 1, motif="CGAAG"), draw(80, "U", 2)
    copies = positives[:20]
    # moved by four nucleotides: 37 of 41 are the same
    moved = [window[4:] + "ACGU" for window in positives[20:40]]
    moved = [window if window[WIDTH // 2] == "U" else "" for window in moved]
    shifted = [window for window in moved if window]
    fresh = draw(40, "U", 3, motif="CGAAG")
    first = write("first", positives, negatives)
    second = write("second", [*copies, *shifted, *fresh], draw(40, "U", 4))
    seen = [*copies[:10], *draw(10, "U", 5)]
    table, _ = compare(folder, [first, second], {"m5U": splits(seen)})
    cells = table.set_index(["trained", "tested"])
    # a fifth of the copies and of the moved is in the first set's own test split
    removed = cells.loc[("first", "second"), "removed"]
    assert 10 <= removed <= len(copies) + len(shifted)
    assert cells.loc[(RELEASED, "first"), "removed"] == 10
    assert cells.loc[(RELEASED, "second"), "n_positive"] == len(copies) + len(shifted) + len(fresh) - 10


def test_a_task_that_is_not_released_is_compared_without_the_model(folder, write, splits):
    sets = [
        write(name, draw(60, "G", seed, motif="UU"), draw(60, "G", seed + 1), task="m7G")
        for seed, name in ((1, "a"), (5, "b"))
    ]
    table, _ = compare(folder, sets, {"m7G": splits(draw(20, "G", 9), OTHER)}, tasks=[OTHER], fewest=55)
    assert table["trained"].tolist() == ["a", "a", "b", "b"]
    assert set(table["model"]) == {"naive_bayes_trinucleotide"}
    own = table["trained"] == table["tested"]
    assert table.loc[own, "value"].isna().all()
    assert (table.loc[~own, "value"] > 0.7).all()


def test_short_windows_inside_longer_ones_are_known(folder, write, splits):
    positives, negatives = draw(60, "U", 1, motif="CGAAG"), draw(60, "U", 2)
    cores = [window[10:31] for window in positives[:15]]
    assert encode_windows(cores).shape[1] == 21
    first = write("long", positives, negatives)
    second = write(
        "short",
        [*cores, *(window[10:31] for window in draw(30, "U", 3, motif="CGAAG"))],
        [window[10:31] for window in draw(40, "U", 4)],
    )
    table, _ = compare(folder, [first, second], {"m5U": splits(draw(20, "U", 7))})
    cells = table.set_index(["trained", "tested"])
    assert 8 <= cells.loc[("long", "short"), "removed"] <= 15
    assert cells.loc[("long", "short"), "value"] > 0.9
