"""The command line as a user runs it, in this process, with a small model, windows and transcripts."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import NamedTuple

import numpy as np
import pytest
import torch

from rnamarks.cli import main
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows
from rnamarks.tasks import Task

DRACH = {"modification": "m6A", "base": "A", "motif": "DRACH", "motif_offset": 2}
SMALL = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}
TRANSCRIPTS = ">t1 first\r\n" + "ACGTTTGGACTTTTACCC" * 4 + "\r\n>t2\r\nggactggactggact\r\n>t3\r\nCCCC\r\n"
GTF = "".join(
    f'chr1\tx\texon\t{start}\t{end}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{name}";\n'
    for name, gene, strand, exons in (
        ("t1", "g1", "+", [(11, 30), (101, 152)]),
        ("t2", "g2", "-", [(201, 215)]),
        ("t3", "g2", "-", [(212, 215)]),
    )
    for start, end in exons
)


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments):
    """Run the command line in this process: importing torch anew for every call would take the time of the test."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["rnamarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    return Done(end.value.code or 0, out.getvalue(), err.getvalue())


def build(folder):
    """A model of two tasks, and its folder."""
    torch.manual_seed(0)
    network = build_model("mass", ["human", "mouse"], 21, SMALL)
    config = ModelConfig(
        model="mass",
        tasks=[Task(name, species=name, **DRACH) for name in ("human", "mouse")],
        window=21,
        hyperparameters=SMALL,
        calibration={"human": Calibration(prevalence=0.1, slope=1.2, intercept=0.1, method="platt").to_dict()},
    )
    save_model(folder, [network.state_dict()], config)
    return folder


def windows():
    """Windows with GGACU in the middle."""
    codes = np.random.default_rng(0).integers(0, 4, (40, 21)).astype(np.uint8)
    codes[:, 8:13] = [2, 2, 0, 1, 3]
    return decode_windows(codes)
