"""A small model of five modifications, with a null distribution and a student, for the tests of scanning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import ModelConfig, load_model, save_model
from rnamarks.models.register import build_model
from rnamarks.models.student import Student, add_student
from rnamarks.prediction.exact import ExactEngine, FastEngine
from rnamarks.prediction.significance import STUDENT, build_null, write_null

MARKS = {
    "m6A": ("A", "DRACH", 2),
    "m6Am": ("A", "BCA", 2),
    "I": ("A", "N", 0),
    "Y": ("U", "N", 0),
    "m5C": ("C", "N", 0),
}
HEADS = list(MARKS)
WINDOW, CROP = 27, 21
SMALL = {"crop": CROP, "dims": 12, "units": 8, "attention": 6, "hidden": 10}


def described() -> dict[str, dict]:
    """The configuration's ``modifications``."""
    return {
        name: {"modification": name, "base": base, "motif": motif, "motif_offset": offset}
        for name, (base, motif, offset) in MARKS.items()
    }


def network(seed: int, **changes):
    """A network with random weights, large enough to tell windows apart."""
    torch.manual_seed(seed)
    made = build_model("multirm", HEADS, WINDOW, SMALL | changes).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(2)
    return made


def build(folder: Path, *, members: int = 2, student: bool = True, **changes) -> Path:
    """Write a model directory."""
    calibration = {head: Calibration(0.1, 1.5, 0.2, "platt").to_dict() for head in HEADS}
    config = ModelConfig("multirm", HEADS, WINDOW, SMALL | changes, "", "", calibration, modifications=described())
    save_model(folder, [network(seed, **changes).state_dict() for seed in range(members)], config)
    model, _ = load_model(folder)
    windows = np.random.default_rng(5).integers(0, 4, (400, WINDOW)).astype(np.uint8)
    null = build_null(ExactEngine(model, WINDOW), dict.fromkeys(HEADS, windows))
    if student:
        torch.manual_seed(1)
        small = Student(HEADS, CROP, width=5, filters=8, channels=8, hidden=8).eval()
        add_student(folder, small, calibration=calibration, agreement=dict.fromkeys(HEADS, 0.0))
        fast = build_null(FastEngine(small), dict.fromkeys(HEADS, windows))
        null |= {STUDENT + head: logits for head, logits in fast.items()}
    write_null(folder, null, source="random windows")
    return folder
