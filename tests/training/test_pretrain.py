"""Pre-training by several processes, and how fast it says it is."""

from __future__ import annotations

import hashlib
import math
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from patience import PATIENCE, TORCHRUN, run_patiently, wait_until
from rnamarks.corpus.store import HELD, write_corpus
from rnamarks.errors import InputError
from rnamarks.models.language import Language
from rnamarks.models.settings.language import LANGUAGE_SIZES
from rnamarks.models.tokens import A, T
from rnamarks.training import trainer
from rnamarks.training.masking import MaskedBatch
from rnamarks.training.pretrain import OUTPUTS, pretrain
from rnamarks.training.settings import MaskingSettings, TrainingSettings
from rnamarks.training.targets.masked import every
from rnamarks.training.throughput import operations
from tolerance import path_length, rounding

TINY = {"width": 16, "blocks": 2, "heads": 2, "dropout": 0.0, "attention_dropout": 0.0}
SETTINGS = {"batch_size": 12, "steps_per_epoch": 3, "epochs": 2, "gradient_clip": 1.0}
WORKFLOW = Path(trainer.__file__).parents[2]


@pytest.fixture
def corpus(tmp_path) -> Path:
    """200 RNAs of 16 to 60 nt, each a cluster, a tenth held out."""
    random = np.random.default_rng(3)
    sequences = [random.integers(A, T + 1, 16 + i % 45).astype(np.uint8) for i in range(200)]
    held = np.where(np.arange(200) % 10 == 0, HELD["cluster"], 0)
    write_corpus(
        tmp_path / "c.lmdb", sequences, members=np.arange(200), offsets=np.arange(201), held=held, about={"name": "c"}
    )
    return tmp_path / "c.lmdb"


def trained(corpus, folder, report=lambda line: None, **changes) -> dict:
    """The last state in the folder of checkpoints."""
    settings = TrainingSettings(**(SETTINGS | changes))
    pretrain(
        corpus,
        folder / "m",
        TINY,
        settings,
        MaskingSettings(tokens=100),
        seed=1,
        checkpoints=folder / "k",
        report=report,
    )
    return state_in(folder / "k")


def state_in(folder: Path) -> dict:
    return torch.load(next(folder.rglob("last.ckpt")), weights_only=True)


PROGRAM = f"""
import sys
from pathlib import Path
from rnamarks.training.pretrain import pretrain
from rnamarks.training.settings import MaskingSettings, TrainingSettings
corpus, folder = map(Path, sys.argv[1:])
settings = TrainingSettings(**{SETTINGS!r} | {{"epochs": int(folder.name)}})
pretrain(corpus, folder / "m", {TINY!r}, settings, MaskingSettings(tokens=100), seed=1, checkpoints=folder / "k")
"""


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 6])
def test_two_processes_take_the_steps_of_one(corpus, tmp_path, steps):
    """After one step Adam's first average is a tenth of the gradient; further ones differ by what Adam makes of it."""
    shape = {"epochs": 1, "steps_per_epoch": 1} if steps == 1 else {}
    alone = trained(corpus, tmp_path / "alone", **shape)
    (tmp_path / "program.py").write_text(PROGRAM.replace(repr(SETTINGS), repr(SETTINGS | shape)))
    folder = tmp_path / str((SETTINGS | shape)["epochs"])
    done = run_patiently(
        [*TORCHRUN, tmp_path / "program.py", corpus, folder],
        env=os.environ | {"PYTHONPATH": str(WORKFLOW), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("attention by") == 1
    assert "; 2 processes" in done.stdout
    assert done.stdout.count("epoch 1/") == 1
    together = state_in(folder / "k")
    network = Language(OUTPUTS, **TINY)
    if steps == 1:
        pairs = zip(alone["optimizer"]["state"].values(), together["optimizer"]["state"].values(), strict=True)
        for one, two in pairs:
            # sums over as many tokens as a batch has, of what passed through the network twice
            limit = rounding(12 * 62 + 2 * path_length(network), 10 * float(one["exp_avg"].abs().max()))
            torch.testing.assert_close(two["exp_avg"], one["exp_avg"], atol=0.1 * limit, rtol=0)
    first, second = (state["progress"]["history"][-1] for state in (alone, together))
    assert second["nll"] == pytest.approx(first["nll"], abs=1e-4)
    assert second["loss"] == pytest.approx(first["loss"], abs=1e-4)
    assert (folder / "m" / "history.tsv").is_file()


def free_port() -> int:
    """A port that no program listens to."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def together(corpus, folder: Path, port: int, epochs: int) -> list[subprocess.Popen]:
    """Two processes as SLURM's srun starts them."""
    command = f"""
import sys
from rnamarks.models.settings.language import LANGUAGE_SIZES
from rnamarks.training import trainer
from rnamarks.cli import main
LANGUAGE_SIZES["nano"], trainer.SAVE_SECONDS = {TINY!r}, 0.0
main()
"""
    words = ["lm", "pretrain", corpus, folder / "m", "--checkpoints", folder / "k", "--epochs", epochs]
    words += ["--steps", 5, "--batch", 6]
    processes = []
    for rank in range(2):
        place = {"SLURM_PROCID": rank, "SLURM_LOCALID": rank, "SLURM_STEP_NUM_TASKS": 2, "SLURM_JOB_ID": 7}
        place |= {"SLURM_STEP_ID": 0, "SLURM_STEP_NODELIST": "localhost", "MASTER_PORT": port}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", command, *map(str, words)],
                env=os.environ
                | {"PYTHONPATH": str(WORKFLOW), "OMP_NUM_THREADS": "1"}
                | {k: str(v) for k, v in place.items()},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return processes


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_the_others_of_a_killed_process_end_and_all_go_on(corpus, tmp_path, victim):
    processes = together(corpus, tmp_path / "killed", free_port(), 100_000)
    try:
        wait_until(lambda: any((tmp_path / "killed").rglob("last.ckpt")), processes[victim])
        processes[victim].send_signal(signal.SIGKILL)
        said, _ = processes[1 - victim].communicate(timeout=PATIENCE)
        assert processes[1 - victim].returncode == 2, said
        assert "another process of this training ended or does not answer" in said
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    state = state_in(tmp_path / "killed" / "k")
    assert state["progress"]["step"] > 0


def test_shares_are_the_batch():
    random = np.random.default_rng(1)
    lengths = random.integers(3, 30, 11)
    total = int(lengths.sum())
    rows = np.sort(random.choice(total, 40, replace=False))
    batch = MaskedBatch(random.integers(0, 22, total).astype(np.uint8), lengths, rows, rows * 10)
    shares = [every(batch, rank, 3) for rank in range(3)]
    assert sorted(np.concatenate([share.truth for share in shares])) == sorted(batch.truth)
    parts = np.split(batch.tokens, lengths.cumsum()[:-1])
    for rank, share in enumerate(shares):
        np.testing.assert_array_equal(share.tokens, np.concatenate(parts[rank::3]))
        np.testing.assert_array_equal(share.tokens[share.rows], batch.tokens[share.truth // 10])


class Killed(BaseException):
    """What no handler of errors catches."""


def test_a_killed_training_ends_with_the_same_weights(corpus, tmp_path, monkeypatch):
    trained(corpus, tmp_path / "whole")
    steps, step = iter(range(4)), trainer._Training._step

    def killed(self, *arguments):
        if next(steps, None) is None:
            raise Killed
        step(self, *arguments)

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "SAVE_SECONDS", 0.0)
        patch.setattr(trainer._Training, "_step", killed)
        with pytest.raises(Killed):
            trained(corpus, tmp_path / "two", said.append)
    assert re.search(r"epoch 1/2, step 2 of 3: training perplexity [\d.]+, [\d,]+ nt/s, MFU .*, 0 min", "\n".join(said))
    trained(corpus, tmp_path / "two", said.append)
    one, two = (
        hashlib.sha256((tmp_path / name / "m" / "weights.safetensors").read_bytes()).hexdigest()
        for name in ("whole", "two")
    )
    assert one == two


def test_a_state_that_is_cut_off_altered_or_holds_code_is_refused(corpus, tmp_path):
    trained(corpus, tmp_path)
    state = next((tmp_path / "k").rglob("last.ckpt"))
    content, ran = state.read_bytes(), tmp_path / "ran"
    harmful, middle = pickle.dumps(Harm(ran)), len(content) // 2
    altered = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for damaged in (b"", content[:100], content[:middle], content[:-50], altered, harmful):
        state.write_bytes(damaged)
        with pytest.raises(InputError, match=r"last\.ckpt: the state of an interrupted training is damaged"):
            trained(corpus, tmp_path)
    assert not ran.exists()
    state.write_bytes(content)
    best = state.with_name("best.safetensors")
    for damaged in (best.read_bytes()[:-50], None):
        best.unlink() if damaged is None else best.write_bytes(damaged)
        with pytest.raises(InputError, match=r"best\.safetensors: the weights of a training's best epoch are missing"):
            trained(corpus, tmp_path)
    state.unlink()
    trained(corpus, tmp_path)


class Harm:
    """Makes a folder when it is read back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_speed_perplexity_and_use_of_the_machine_are_told(corpus, tmp_path):
    said: list[str] = []
    trained(corpus, tmp_path, said.append)
    history = pd.read_csv(tmp_path / "m" / "history.tsv", sep="\t")
    assert history["nucleotides_per_second"].gt(0).all()
    assert history["mfu"].between(0, 1).all()
    ends = re.findall(
        r"epoch (\d)/2, .* perplexity ([\d.]+), accuracy [\d.]+, training .* nt/s, MFU [\d.]+% of", "\n".join(said)
    )
    for (epoch, perplexity), row in zip(ends, history.itertuples(), strict=True):
        assert int(epoch) == row.epoch
        assert float(perplexity) == pytest.approx(row.perplexity, rel=1e-3)
        assert row.perplexity == pytest.approx(math.exp(row.nll))
    # without padding: what three batches of twelve RNAs of 16 to 60 nt have
    nucleotides = history["nucleotides_per_second"] * history["seconds"]
    assert nucleotides.between(36 * 16, 36 * 60).all()


def test_operations_are_those_of_the_published_count():
    """Six operations per weight and token, and attention, for nano at one length."""
    with torch.device("meta"):
        network = Language(OUTPUTS, **LANGUAGE_SIZES["nano"])
    length = 1000
    found = operations(network, length, length**2, 0)
    weights = 6 * (4 * 320**2 + 3 * 320 * 853)
    assert found == 6 * weights * length + 12 * 6 * 320 * length**2
