"""A small model of five modifications, with a null distribution and a student, and a scanner without any model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.models.student import Student, add_student
from rnamarks.prediction.bedrmod import COLUMNS
from rnamarks.prediction.bedrmod_check import check_bedrmod
from rnamarks.prediction.engine import Loaded, Scores, score_each
from rnamarks.prediction.modes import load_engine, modes_of
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.prediction.significance import write_null
from rnamarks.tasks import Task

PLACES = {
    "m6A": ("A", "DRACH", 2),
    "m6Am": ("A", "BCA", 2),
    "I": ("A", "N", 0),
    "Y": ("U", "N", 0),
    "m5C": ("C", "N", 0),
}
TASKS = [
    Task(name, modification=name, species="human", base=base, motif=motif, motif_offset=offset)
    for name, (base, motif, offset) in PLACES.items()
]
NAMES = list(PLACES)
DRACH = [Task("human", species="human", modification="m6A", base="A", motif="DRACH", motif_offset=2)]
WINDOW, CROP = 27, 21
SMALL = {"crop": CROP, "dims": 12, "units": 8, "attention": 6, "hidden": 10}


def network(seed: int, **changes):
    """A network with random weights, large enough to tell windows apart."""
    torch.manual_seed(seed)
    made = build_model("multirm", NAMES, WINDOW, SMALL | changes).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(2)
    return made


def build(folder: Path, *, members: int = 2, student: bool = True, null: bool = True, **changes) -> Path:
    """Write a model directory."""
    calibration = {name: Calibration(0.1, 1.5, 0.2, "platt").to_dict() for name in NAMES}
    config = ModelConfig("multirm", TASKS, WINDOW, SMALL | changes, calibration)
    save_model(folder, [network(seed, **changes).state_dict() for seed in range(members)], config)
    load_model(folder)
    if student:
        torch.manual_seed(1)
        small = Student(NAMES, receptive=CROP, width=5, filters=8, channels=8, hidden=8).eval()
        add_student(folder, small, calibration=calibration, agreement=dict.fromkeys(NAMES, 0.0), training={})
    if null:
        windows = dict.fromkeys(NAMES, np.random.default_rng(5).integers(0, 4, (400, WINDOW)).astype(np.uint8))
        engines = {mode: load_engine(folder, mode, device="cpu").engine for mode in modes_of(folder)}
        write_null(folder, {mode: score_each(one, windows) for mode, one in engines.items()}, source="random windows")
    return folder


class Weighted:
    """An engine whose logit of a window is a weighted sum of its codes."""

    attends, k, n_kmers, reads = False, 0, 0, ""

    def __init__(self, width: int = 31, scale: float = 0.01) -> None:
        self.width = width
        self.weights = (np.arange(1, width + 1) % 7 - 3) * scale

    def score(self, codes, sites, *, attend=False, structure=None):
        """Logits of bases."""
        view = np.lib.stride_tricks.sliding_window_view(codes, self.width)
        return Scores(
            {task: (view[at - self.width // 2] @ self.weights).astype(np.float32) for task, at in sites.items()}, None
        )


class WeightedScanner(Scanner):
    """A scanner of one engine, without a model directory."""

    def __init__(self, engine=None, tasks=DRACH, calibration=None) -> None:
        engine = engine or Weighted()
        self._model, self._mode, self._device, self._batch_size = Path("none"), "exact", "cpu", None
        self.digest, self.tasks, self.config = "0" * 64, tasks, ModelConfig("weighted", tasks, engine.width)
        self._loaded = Loaded(engine, self.config, calibration or {})

    @property
    def _reader(self):
        return self._loaded.engine

    def table(self, transcripts, out, **options):
        """Scan a file of transcripts; everything is written."""
        options = {"warn": lambda line: None} | options
        return self.run(transcripts, ScanOptions(alpha=None), Outputs(table=out), **options)


def read_bedrmod(path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Sites and header of a bedRMod file, which must be without a fault."""
    report = check_bedrmod(path)
    if report.faults:
        raise report.faults[0]
    lines = [line for line in Path(path).read_text().splitlines() if not line.startswith("#")]
    rows = [(line.split("\t") if "\t" in line else line.split())[: len(COLUMNS)] for line in lines]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    numbers = ("chromStart", "chromEnd", "thickStart", "thickEnd", "coverage")
    return frame.astype(dict.fromkeys(numbers, np.uint64) | {"frequency": np.float64}), report.header
