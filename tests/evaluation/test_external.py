"""A released model meets sets from elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.external import evaluate_external
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.prediction.score import score_windows
from rnamarks.sequences import decode_windows, encode_windows
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task

WINDOW = 51
SMALL = {"filters": [6, 4], "lstm_units": 3}


def random_sequences(n, width, seed):
    return decode_windows(np.random.default_rng(seed).integers(0, 4, (n, width)).astype(np.uint8))


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    tasks = [Task(name, species=name, modification="m6A", base="A") for name in ("human", "mouse")]
    state = build_model("deepm6aseq", [task.name for task in tasks], WINDOW, SMALL).state_dict()
    config = ModelConfig(model="deepm6aseq", tasks=tasks, window=WINDOW, hyperparameters=SMALL)
    save_model(tmp_path / "model", [state], config)
    return tmp_path / "model"


@pytest.fixture
def splits(tmp_path):
    """Forty windows of two species; ``guarded`` takes other windows for training than ``paper``."""
    paths = []
    for seed, species in enumerate(("human", "mouse")):
        split = np.repeat(["train", "valid", "test", ""], 10)
        frame = pd.DataFrame({"sequence": random_sequences(40, WINDOW, seed), "paper": split, "guarded": split[::-1]})
        paths.append(tmp_path / f"{species}.parquet")
        write_parquet(frame, paths[-1])
    return paths


@pytest.fixture
def write(tmp_path):
    def write(name, positives, negatives, task="mouse"):
        files = []
        for label, sequences in ((1, positives), (0, negatives)):
            path = tmp_path / f"{name}_{label}.txt"
            path.write_text("".join(f"{sequence}\n" for sequence in sequences))
            files.append({"file": path, "format": "lines", "label": label, "given": ""})
        return {"name": name, "task": task, "files": files}

    return write


def evaluate(folder, sets, splits, scheme="paper", report=lambda line: None):
    return evaluate_external(folder, sets, splits, scheme=scheme, bootstrap=20, device="cpu", report=report)[0]


def auroc(folder, positives, negatives, task):
    model, _ = load_model(folder)
    codes = encode_windows([*positives, *negatives])
    side = (WINDOW - codes.shape[1]) // 2
    logits = score_windows(model, np.pad(codes, ((0, 0), (side, side)), constant_values=4), task)
    return roc_auc_score(np.repeat([1, 0], [len(positives), len(negatives)]), logits)


def value(table, metric="auroc"):
    return table.set_index("metric").loc[metric, "value"]


@pytest.mark.parametrize("scheme", ["paper", "guarded"])
def test_what_the_model_was_trained_on_is_removed_and_counted(folder, splits, write, scheme):
    human, mouse = random_sequences(40, WINDOW, 0), random_sequences(40, WINDOW, 1)
    # paper trains on the first ten of each species, guarded on the last ten
    own = {"paper": [*human[:3], *mouse[:2]], "guarded": [*human[-4:], *mouse[-1:]]}
    positives, negatives = random_sequences(12, WINDOW, 8), random_sequences(25, WINDOW, 9)
    seen = [*own["paper"], *own["guarded"]]
    found = evaluate(folder, [write("lab", [*positives, *seen], [human[15], *negatives, human[25]])], splits, scheme)
    assert list(found.columns) == column_names("external", task_columns=False)
    assert set(found["removed_seen_in_training"]) == {5}
    assert set(found["removed_both_labels"]) == {0}
    assert set(found["n_positive"]) == {12 + 5}
    assert set(found["n_negative"]) == {27}, "windows of the validation and test splits stay"
    unseen = own["guarded" if scheme == "paper" else "paper"]
    expected = auroc(folder, [*positives, *unseen], [human[15], *negatives, human[25]], "mouse")
    assert value(found) == pytest.approx(expected)


def test_windows_inside_or_around_a_training_window_are_removed_and_counted(folder, splits, write):
    human, mouse = random_sequences(40, WINDOW, 0), random_sequences(40, WINDOW, 1)
    inside = [human[0][:31], human[1][20:], mouse[2][7:38], mouse[15][:31]]
    reverse = human[3][5:36].translate(str.maketrans("ACGU", "UGCA"))[::-1]
    positives, negatives = random_sequences(9, 31, 8), [*random_sequences(19, 31, 9), reverse]
    around = [flank + human[at] + flank for at, flank in ((4, "ACGUA"), (5, "GGGGG"), (17, "AAAAA"))]
    wide = write("wide", [*random_sequences(6, WINDOW + 10, 4), *around], random_sequences(7, WINDOW + 10, 5))
    table, drops = evaluate_external(
        folder,
        [write("narrow", [*positives, *inside], negatives), wide],
        splits,
        scheme="paper",
        bootstrap=20,
        device="cpu",
        report=lambda line: None,
    )
    rows = table.drop_duplicates("name").set_index("name")
    assert rows.loc["narrow", ["n_positive", "n_negative"]].tolist() == [9 + 1, 20], "the validation split may be known"
    assert rows["removed_within_training"].to_dict() == {"narrow": 3, "wide": 2}
    assert rows["removed_seen_in_training"].to_dict() == {"narrow": 0, "wide": 0}
    counts = drops.frame().query("stage == 'external'").set_index(["subject", "reason"])["rows"]
    assert counts["narrow", "inside a training window, or around one"] == 3
    assert counts["narrow", "kept"] == 30
    assert counts["wide", "kept"] == 6 + 1 + 7


def test_sequences_with_both_labels_are_removed_and_counted(folder, splits, write):
    positives, negatives = random_sequences(10, WINDOW, 8), random_sequences(20, WINDOW, 9)
    both, twice = random_sequences(2, WINDOW, 10), random_sequences(1, WINDOW, 11)
    trained = random_sequences(1, WINDOW, 0)
    found = evaluate(
        folder,
        [write("lab", [*positives, *both, both[0], *trained], [*negatives, *both, *twice, *twice, *trained])],
        splits,
    )
    assert set(found["removed_both_labels"]) == {2 + 1 + 2 + 2}
    assert set(found["removed_seen_in_training"]) == {0}, "what was removed once is not counted again"
    assert set(found["n_positive"]) == {10}
    assert set(found["n_negative"]) == {22}
    assert found["prevalence"].to_numpy() == pytest.approx(10 / 32)


@pytest.mark.parametrize("width", [41, 51, 61])
def test_windows_of_other_widths_are_fitted_around_their_centre(folder, splits, write, width):
    positives, negatives = random_sequences(15, width, 8), random_sequences(30, width, 9)
    found = evaluate(folder, [write("lab", positives, negatives)], splits)
    assert set(found["width"]) == {width}
    cut = slice(5, 56) if width == 61 else slice(None)
    expected = auroc(folder, [one[cut] for one in positives], [one[cut] for one in negatives], "mouse")
    assert value(found) == pytest.approx(expected)


def test_every_set_is_scored_for_its_task_and_reported(folder, splits, write):
    positives, negatives = random_sequences(15, 41, 8), random_sequences(30, 41, 9)
    lines = []
    sets = [write(task, positives, negatives, task) for task in ("human", "mouse")]
    found = evaluate(folder, sets, splits, report=lines.append)
    values = {task: value(found[found["name"] == task]) for task in ("human", "mouse")}
    assert (found["name"] == found["task"]).all()
    assert values == {task: pytest.approx(auroc(folder, positives, negatives, task)) for task in values}
    assert values["human"] != values["mouse"]
    assert lines[1].startswith(f"mouse, task mouse: AUROC {values['mouse']:.3f}")
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()


def test_sets_that_cannot_be_used(folder, splits, write):
    positives, negatives = random_sequences(5, WINDOW, 8), random_sequences(5, WINDOW, 9)
    with pytest.raises(InputError, match="choose one of human, mouse"):
        evaluate(folder, [write("lab", positives, negatives, "yak")], splits)
    with pytest.raises(InputError, match="lacks the column random"):
        evaluate(folder, [write("lab", positives, negatives)], splits, scheme="random")
    trained = random_sequences(10, WINDOW, 0)
    with pytest.raises(
        InputError, match=r"of lab 5 modified and 0 unmodified windows remain after 10 .* 0 inside .* 0 with both"
    ):
        evaluate(folder, [write("lab", positives, trained)], splits)
    with pytest.raises(InputError, match=r"of lab 0 modified and 0 unmodified windows remain after 0 .* 10 with both"):
        evaluate(folder, [write("lab", positives, positives)], splits)
