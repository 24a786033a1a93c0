"""Every task on every held-out window: networks, baselines and stacks, one row per sequence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import rnamarks
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.models.baseline_files import save_baselines
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import Ensemble, Stack, save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import Network, build_model
from rnamarks.prediction.all_tasks import load_scorer, pool_windows, predict_tasks, stack_tasks
from rnamarks.prediction.score import score_tasks, score_windows
from rnamarks.sequences import decode_windows, encode_windows
from rnamarks.tables import read_parquet, write_parquet, write_tsv
from rnamarks.tasks import Task
from stand_in import run_script

NAMES = ["Am", "m6A", "Um"]
TASKS = [Task(name, modification=name) for name in NAMES]
SMALL = {"filters": [6, 4], "lstm_units": 3}
SPLITS = ["train"] * 4 + ["valid"] * 4 + ["test"] * 6 + [""] * 2


class AllTasks(Network):
    """A network that gives all tasks at once, in an order of its own."""

    def __init__(self):
        super().__init__(["Um", "Am", "m6A"], 21, trunk=torch.nn.Identity(), heads={})

    def forward_all(self, codes):
        return torch.stack([(codes == code).sum(dim=1) for code in (3, 0, 1)], dim=1).float()

    def forward(self, codes, task):
        return self.forward_all(codes)[:, self.tasks.index(task)]


def windows_of(seed: int, letter: int) -> pd.DataFrame:
    codes = np.random.default_rng(seed).integers(0, 4, (len(SPLITS), 21)).astype(np.uint8)
    codes[:, 10] = letter
    names = [f"w{at}" for at in range(len(SPLITS))]
    return pd.DataFrame(
        {"window": names, "sequence": decode_windows(codes), "label": [1, 0] * (len(SPLITS) // 2), "paper": SPLITS}
    )


@pytest.fixture
def splits(tmp_path):
    """Three tasks; one sequence is in two test splits, one in a training and a test split, one twice in its own."""
    frames = {name: windows_of(seed, letter) for seed, (name, letter) in enumerate(zip(NAMES, (0, 0, 3), strict=True))}
    frames["m6A"].loc[9, "sequence"] = frames["Am"].loc[8, "sequence"]
    frames["m6A"].loc[10, "sequence"] = frames["Am"].loc[0, "sequence"]
    frames["Um"].loc[13, "sequence"] = frames["Um"].loc[11, "sequence"]
    paths = {}
    for name, frame in frames.items():
        paths[name] = tmp_path / f"{name}.split.parquet"
        write_parquet(frame, paths[name])
    return paths


@pytest.fixture
def baselines(splits):
    frames = [read_parquet(path)[0] for path in splits.values()]
    codes, labels = encode_windows(pd.concat(frames)["sequence"]), pd.concat(frames)["label"].to_numpy()
    return {task: BASELINES["kmer_frequency"]().fit(codes[at:], labels[at:]) for at, task in enumerate(NAMES)}


def test_baselines_are_scored_without_torch(baselines, splits, tmp_path):
    save_baselines(tmp_path / "kmers", "kmer_frequency", baselines, TASKS)
    lines = [
        "import sys",
        "from rnamarks.prediction.all_tasks import load_scorer, predict_tasks",
        f"model, tasks = load_scorer({str(tmp_path / 'kmers')!r})",
        f"predict_tasks(model, tasks, { ({task: str(path) for task, path in splits.items()})!r}, 'paper')",
        "sys.exit('torch' in sys.modules)",
    ]
    library = Path(rnamarks.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=library, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_sequence_of_two_tasks_is_one_row(splits):
    windows, codes = pool_windows(splits, "paper")
    assert list(windows.columns) == column_names("tasks_predictions")
    assert len(windows) == len(codes) == 3 * 10 - 1
    assert not windows.duplicated(["split", "own", "window"]).any()
    both = windows[windows["own"] == "Am,m6A"].iloc[0]
    # a site of Am, an unmodified window of m6A
    assert both[["window", "split", "positive", "base"]].tolist() == ["w8", "test", "Am", "A"]
    assert windows.loc[windows["seen"], ["own", "window"]].to_numpy().tolist() == [["m6A", "w10"]]
    twice = windows[(windows["own"] == "Um") & windows["window"].isin(["w11", "w13"])]
    assert len(twice) == 2
    assert (windows["base"] == np.where(windows["own"] == "Um", "U", "A")).all()
    assert set(windows["positive"]) == {"", *NAMES}


def test_networks_that_know_one_head_at_a_time(splits):
    torch.manual_seed(1)
    members = [build_model("deepm6aseq", NAMES, 21, SMALL) for _ in range(2)]
    model = Ensemble(members)
    table = predict_tasks(model, NAMES, splits, "paper")
    windows, codes = pool_windows(splits, "paper")
    assert list(table.columns) == [*column_names("tasks_predictions"), *NAMES]
    for task in NAMES:
        assert table[task].dtype == np.float32
        np.testing.assert_allclose(table[task], score_windows(model, codes, task), atol=1e-5)
    pd.testing.assert_frame_equal(table[column_names("tasks_predictions")], windows)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_all_heads_at_once_keep_their_names(splits, size):
    _, codes = pool_windows(splits, "paper")
    logits = score_tasks(Ensemble([AllTasks(), AllTasks()]), codes, ["m6A", "Um"], batch_size=size)
    assert np.array_equal(logits, np.column_stack([(codes == 1).sum(axis=1), (codes == 3).sum(axis=1)]))


def test_baselines_and_stacks(splits, baselines):
    _, codes = pool_windows(splits, "paper")
    theirs = predict_tasks(baselines, NAMES, splits, "paper")
    weights = {task: {"net": 0.5, "kmer_frequency": at} for at, task in enumerate(NAMES)}
    stack = Stack(Ensemble([AllTasks()]), "net", {"kmer_frequency": baselines}, weights)
    mixed = score_tasks(stack, codes, NAMES)
    for at, task in enumerate(NAMES):
        np.testing.assert_allclose(theirs[task], baselines[task].logit(codes), rtol=1e-6)
        np.testing.assert_allclose(mixed[:, at], score_windows(stack, codes, task), rtol=1e-5)
    rows = [(task, name, value) for task, known in weights.items() for name, value in known.items()]
    members = {
        "net": predict_tasks(Ensemble([AllTasks()]), NAMES, splits, "paper"),
        "kmer_frequency": predict_tasks(baselines, NAMES, splits, "paper"),
    }
    table = stack_tasks(pd.DataFrame(rows, columns=["task", "member", "weight"]), members)
    np.testing.assert_allclose(table[NAMES].to_numpy(), mixed, rtol=1e-5)


def test_stacks_of_what_does_not_belong_together(splits, baselines):
    weights = pd.DataFrame([(task, name, 1.0) for task in NAMES for name in ("a", "b")])
    weights.columns = ["task", "member", "weight"]
    frame = predict_tasks(baselines, NAMES, splits, "paper")
    with pytest.raises(InputError, match="not scored on the same windows"):
        stack_tasks(weights, {"a": frame, "b": frame.iloc[1:]})
    with pytest.raises(InputError, match="lacks the column Um"):
        stack_tasks(weights, {"a": frame, "b": frame.drop(columns="Um")})
    with pytest.raises(InputError, match="for other members than a, c"):
        stack_tasks(weights, {"a": frame, "c": frame})


def test_bad_splits(splits, tmp_path):
    with pytest.raises(InputError, match="guarded"):
        pool_windows(splits, "guarded")
    frame, _ = read_parquet(splits["Um"])
    write_parquet(frame.assign(sequence=frame["sequence"].str[:19]), tmp_path / "short.parquet")
    with pytest.raises(InputError, match="19 nt"):
        pool_windows({**splits, "Um": tmp_path / "short.parquet"}, "paper")
    write_parquet(frame.assign(paper="train"), tmp_path / "trained.parquet")
    with pytest.raises(InputError, match="no window is held out"):
        pool_windows({"Um": tmp_path / "trained.parquet"}, "paper")


def test_script_scores_directories_and_stacks(splits, baselines, tmp_path, repository):
    torch.manual_seed(2)
    network = build_model("deepm6aseq", NAMES, 21, SMALL)
    save_model(tmp_path / "net", [network.state_dict()], ModelConfig("deepm6aseq", TASKS, 21, SMALL))
    save_baselines(tmp_path / "base", "kmer_frequency", baselines, TASKS)
    weights = pd.DataFrame(
        [(task, name, 0.5) for task in NAMES for name in ("net", "base")], columns=["task", "member", "weight"]
    )
    write_tsv(weights, tmp_path / "weights.tsv")

    def run(name, source, script="predict_tasks"):
        run_script(
            f"prediction/{script}",
            tmp_path / "log.txt",
            inputs=source,
            outputs={"tasks": tmp_path / f"{name}.parquet"},
            params={"tasks": NAMES, "scheme": "paper", "members": ["net", "base"]},
        )
        return read_parquet(tmp_path / f"{name}.parquet")[0]

    paths = list(splits.values())
    net, base = (
        run(name, dict(weights=tmp_path / name / "weights.safetensors", splits=paths)) for name in ("net", "base")
    )
    both = run(
        "both",
        dict(weights=tmp_path / "weights.tsv", members=[tmp_path / f"{m}.parquet" for m in ("net", "base")]),
        "stack_tasks",
    )
    np.testing.assert_allclose(both[NAMES], (net[NAMES] + base[NAMES]) / 2, rtol=1e-5)
    model, tasks = load_scorer(tmp_path / "net")
    assert tasks == NAMES
    _, codes = pool_windows(splits, "paper")
    np.testing.assert_allclose(net[NAMES], score_tasks(model, codes, NAMES), rtol=1e-6)
