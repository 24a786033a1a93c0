"""A tiny model and small sets of transcripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.dictionary import column_names
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task

SMALL = {"filters": [6, 4], "lstm_units": 3}


def transcripts_of(*rows: dict) -> pd.DataFrame:
    """Border **transcripts** from rows that may leave out what they do not care for."""
    blank = {"gene": "", "gene_name": "", "biotype": "", "chrom": "", "strand": "+", "cds_start": -1, "cds_end": -1}
    frame = pd.DataFrame([blank | {"exon_starts": [], "exon_ends": []} | row for row in rows])
    for name in ("exon_starts", "exon_ends"):
        frame[name] = [np.asarray(exons, dtype=np.int64) for exons in frame[name]]
    return frame[column_names("transcripts")]


@pytest.fixture
def write_transcripts(tmp_path):
    """A function that writes rows as a transcripts file and returns its path."""

    def write(*rows: dict, name: str = "transcripts.parquet") -> Path:
        write_parquet(transcripts_of(*rows), tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A model directory with random weights, tasks ``human`` (calibrated) and ``mouse`` (not), windows of 21 nt."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    network = build_model("deepm6aseq", ["human", "mouse"], 21, SMALL)
    with torch.no_grad():
        for head, _ in network.heads.values():
            head.weight.mul_(20)
    config = ModelConfig(
        model="deepm6aseq",
        tasks=[
            Task(name, species=name, modification="m6A", base="A", motif="DRACH", motif_offset=2)
            for name in ("human", "mouse")
        ],
        window=21,
        hyperparameters=SMALL,
        calibration={"human": Calibration(prevalence=0.4, slope=1.5, intercept=0.2, method="platt").to_dict()},
    )
    save_model(folder, [network.state_dict()], config)
    return folder
